import { createHash, randomBytes } from "node:crypto";
import type { CheckRequest } from "../protocol/provider.ts";
import { annotation, isObject, put, text, type KubeObject } from "./object.ts";

const autonamed = "pulumi.com/autonamed";
const fieldManagerAnnotation = "pulumi.com/patchFieldManager";

export function isAutonamed(object: KubeObject): boolean {
  return annotation(object, autonamed) === "true";
}

/** Whether the program leaves the name to the provider; an unknown name is a name. */
function isUnnamed(inputs: KubeObject): boolean {
  const metadata = inputs["metadata"];
  if (metadata === undefined) return true;
  return isObject(metadata) && (metadata["name"] === undefined || metadata["name"] === "");
}

/**
 * Gives a nameless object its name: the old one's, if that was made up too, else `<resource>-<8 hex>` from the
 * engine's seed, or what the engine's autonaming configuration says. Throws where that forbids made-up names.
 */
export function assignName(inputs: KubeObject, olds: KubeObject, request: CheckRequest): void {
  if (!isUnnamed(inputs)) return;
  const oldName = text(olds, "metadata", "name");
  if (oldName !== "" && isAutonamed(olds)) {
    setName(inputs, oldName);
    return;
  }
  const { autonaming } = request;
  if (autonaming?.mode === "disable") {
    throw new Error("autonaming is disabled, resource requires the .metadata.name field to be set");
  }
  const made = `${request.name}-${randomHex(request.randomSeed)}`;
  const proposed = autonaming?.proposedName ?? "";
  setName(inputs, proposed !== "" ? proposed : made);
}

function setName(inputs: KubeObject, name: string): void {
  put(inputs, ["metadata", "name"], name);
  put(inputs, ["metadata", "annotations", autonamed], "true");
}

/** 8 hex digits; the same for the same seed, so that a preview shows the name that the update makes. */
function randomHex(seed: Uint8Array): string {
  const bytes = seed.length > 0 ? createHash("sha512").update(seed).digest() : randomBytes(4);
  return bytes.subarray(0, 4).toString("hex");
}

/**
 * The owner under which fields are applied. The official provider draws it at random on each create; here it
 * follows from the URN, so that a create repeated after a lost answer owns what the first one made.
 */
export function fieldManagerFor(urn: string, inputs: KubeObject, previous: string): string {
  const chosen = annotation(inputs, fieldManagerAnnotation);
  if (chosen) return chosen;
  return previous || `pulumi-kubernetes-${createHash("sha256").update(urn).digest("hex").slice(0, 8)}`;
}

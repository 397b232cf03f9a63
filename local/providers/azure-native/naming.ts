import { createHash, randomBytes } from "node:crypto";
import type { CheckRequest } from "../protocol/provider.ts";
import type { Definition } from "../../arm/definitions/index.ts";

/** Input that says that the name was made up, so that a replacement may be created first. */
export const createBeforeDelete = "__createBeforeDelete";

interface MadeName {
  name: string;
  /** Unique by itself: a replacement does not collide with what it replaces. */
  isRandom: boolean;
}

/** As many hexadecimal digits as asked for (at most 128), the same for the same seed and logical name. */
function hex(digits: number, seed: Uint8Array, name: string): string {
  if (seed.length === 0) return randomBytes(digits / 2).toString("hex");
  return createHash("sha512").update(seed).update(name).digest("hex").slice(0, digits);
}

function uuid(seed: Uint8Array, name: string): string {
  const digits = hex(32, seed, name);
  // Version 4, variant 1, as what checks UUIDs expects it.
  const variant = ((parseInt(digits.charAt(16), 16) & 3) | 8).toString(16);
  const marked = `${digits.slice(0, 12)}4${digits.slice(13, 16)}${variant}${digits.slice(17)}`;
  return [0, 8, 12, 16, 20].map((from, i, all) => marked.slice(from, all[i + 1])).join("-");
}

/** A resource straight below its group or subscription: its names share one space with others'. */
const isTopLevel = (definition: Definition): boolean => definition.armType.split("/").length === 2;

/**
 * The name of a resource that the program does not name: a UUID for assignments; the engine's proposal where
 * auto-naming is configured; for a top-level type the logical name and eight digits, else the logical name.
 */
export function makeName(
  definition: Definition,
  request: Pick<CheckRequest, "name" | "randomSeed" | "autonaming">,
  kind: "uuid" | undefined,
): MadeName | undefined {
  const { name, randomSeed, autonaming } = request;
  if (autonaming?.mode === "disable") return undefined;
  if (autonaming && (autonaming.mode === "enforce" || kind !== "uuid"))
    return { name: autonaming.proposedName, isRandom: true };
  if (kind === "uuid") return { name: uuid(randomSeed, name), isRandom: true };
  if (!isTopLevel(definition)) return { name, isRandom: false };
  return { name: `${name}${hex(8, randomSeed, name)}`, isRandom: true };
}

/** Reading an exported stack. Pure. */
import { createHash } from "node:crypto";
import { stableJson } from "./change-set.ts";
import type { StackResource } from "./engine.ts";

interface ExportedResource {
  urn: string;
  type: string;
  custom?: boolean;
  id?: string;
  parent?: string;
  delete?: boolean;
  inputs?: unknown;
  [key: string]: unknown;
}

export interface ExportedStack {
  deployment: {
    resources?: ExportedResource[];
    pending_operations?: { type: string; resource: ExportedResource }[];
  };
}

export const STACK_TYPE = "pulumi:pulumi:Stack";

/** The resources of a stack without the stack itself and without what waits for its deletion. */
export function resourcesOf(exported: ExportedStack): StackResource[] {
  return (exported.deployment.resources ?? [])
    .filter((resource) => resource.type !== STACK_TYPE)
    .map(({ urn, type, custom, id, parent }) => ({
      urn,
      type,
      name: urn.slice(urn.lastIndexOf("::") + 2),
      custom: custom ?? false,
      ...(id === undefined ? {} : { id }),
      ...(parent === undefined ? {} : { parent }),
    }));
}

/**
 * The URNs of all components of the given types and of everything below them, without the resources of the types to
 * keep and what those stand under.
 */
export function subtreeOf(
  resources: StackResource[],
  componentTypes: string[],
  keepTypes: string[] = [],
): string[] {
  const chosen = new Set<string>();
  // The state lists a parent before its children, so one pass is enough.
  for (const { urn, type, parent } of resources) {
    if (componentTypes.includes(type) || (parent !== undefined && chosen.has(parent))) chosen.add(urn);
  }
  const parents = new Map(resources.map(({ urn, parent }) => [urn, parent]));
  for (const { urn, type } of resources) {
    if (!keepTypes.includes(type)) continue;
    for (let kept: string | undefined = urn; kept !== undefined; kept = parents.get(kept))
      chosen.delete(kept);
  }
  return [...chosen];
}

/**
 * What a refresh has to look at after an operation was cut off: the resources that it was changing or deleting. One
 * that it was creating is in no state yet, and is found by its id when it is created again; with none but such, the
 * stack's own entry stands in, as a refresh without targets would look at everything. Empty when nothing is pending.
 */
export function pendingTargets({ deployment }: ExportedStack): string[] {
  const pending = deployment.pending_operations ?? [];
  if (pending.length === 0) return [];
  const resources = deployment.resources ?? [];
  const known = new Set(resources.map(({ urn }) => urn));
  const changed = pending.map(({ resource }) => resource.urn).filter((urn) => known.has(urn));
  if (changed.length > 0) return [...new Set(changed)];
  return resources.filter(({ type }) => type === STACK_TYPE).map(({ urn }) => urn);
}

/** A digest of what the stack holds, without times and without secrets' ciphertexts, which differ at every write. */
export function digestOf(exported: ExportedStack): string {
  const parts = (exported.deployment.resources ?? []).map(({ urn, id, inputs }) => [
    urn,
    id ?? "",
    inputs ?? null,
  ]);
  return createHash("sha256")
    .update(stableJson(parts).replace(/"ciphertext":"[^"]*"/g, '"ciphertext":""'))
    .digest("hex");
}

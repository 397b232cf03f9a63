/** ARM paths taken apart. Names keep the case they came in; comparisons are done on `idKey`. */

/** What a path points at. `scope` is the id before the last `/providers/`, empty for the tenant's root. */
export type ArmPath =
  | { kind: "subscriptions" }
  | { kind: "subscription"; subscriptionId: string }
  | { kind: "resource-groups"; subscriptionId: string }
  | { kind: "resource-group"; subscriptionId: string; group: string }
  | { kind: "resources"; subscriptionId: string; group?: string }
  | { kind: "group-action"; subscriptionId: string; group: string; action: string }
  | { kind: "providers"; subscriptionId: string }
  | { kind: "provider"; subscriptionId: string; namespace: string; action?: string }
  | ResourcePath
  | CollectionPath;

interface Below {
  scope: string;
  subscriptionId: string;
  group: string | undefined;
  namespace: string;
  /** Type segments after the namespace, as they came. */
  types: string[];
  names: string[];
}

/** `…/providers/Namespace/type/name[/type/name]`. */
export interface ResourcePath extends Below {
  kind: "resource";
}

/** The same with one segment more: a list, a singleton or the name of a POST action. */
export interface CollectionPath extends Below {
  kind: "collection";
  last: string;
}

/** Ids are compared without case, and without a slash at the end. */
export const idKey = (id: string): string => id.replace(/\/+$/, "").toLowerCase();

const same = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b;

/**
 * Takes a request's path apart, `undefined` if it is none of ARM's. `resourcegroups` is read in any case.
 */
export function parseArmPath(path: string): ArmPath | undefined {
  let segments: string[];
  try {
    segments = path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const providersAt = segments.findLastIndex((segment) => same(segment, "providers"));
  if (providersAt >= 0 && segments.length > providersAt + 2) return parseBelow(segments, providersAt);
  return parseScope(segments);
}

function parseScope(segments: string[]): ArmPath | undefined {
  const [root, subscriptionId, kind, name, last, ...rest] = segments;
  if (!same(root, "subscriptions") || rest.length > 0) return undefined;
  if (subscriptionId === undefined) return { kind: "subscriptions" };
  if (kind === undefined) return { kind: "subscription", subscriptionId };
  if (same(kind, "resources") && name === undefined) return { kind: "resources", subscriptionId };
  if (same(kind, "providers")) {
    if (name === undefined) return { kind: "providers", subscriptionId };
    return {
      kind: "provider",
      subscriptionId,
      namespace: name,
      ...(last === undefined ? {} : { action: last }),
    };
  }
  if (!same(kind, "resourcegroups")) return undefined;
  if (name === undefined) return { kind: "resource-groups", subscriptionId };
  if (last === undefined) return { kind: "resource-group", subscriptionId, group: name };
  if (same(last, "resources")) return { kind: "resources", subscriptionId, group: name };
  return { kind: "group-action", subscriptionId, group: name, action: last };
}

function parseBelow(segments: string[], providersAt: number): ArmPath | undefined {
  const before = segments.slice(0, providersAt);
  const [namespace, ...pairs] = segments.slice(providersAt + 1);
  if (namespace === undefined) return undefined;
  const subscriptionId = same(before[0], "subscriptions") ? (before[1] ?? "") : "";
  const group = same(before[2], "resourcegroups") ? before[3] : undefined;
  const scope = before.length === 0 ? "" : `/${before.join("/")}`;
  // `/subscriptions/{id}/providers/{namespace}/register` is an action on the provider, not a list of a type.
  if (
    before.length === 2 &&
    pairs.length === 1 &&
    ["register", "unregister"].includes((pairs[0] ?? "").toLowerCase())
  ) {
    return { kind: "provider", subscriptionId, namespace, action: pairs[0] ?? "" };
  }
  const types: string[] = [];
  const names: string[] = [];
  pairs.forEach((segment, index) => (index % 2 === 0 ? types : names).push(segment));
  const below = { scope, subscriptionId, group, namespace, names };
  if (types.length === names.length) return { kind: "resource", ...below, types };
  return { kind: "collection", ...below, types: types.slice(0, -1), last: types.at(-1) ?? "" };
}

/** `Microsoft.Network/virtualNetworks/subnets`, in the case it came in. */
export const typeOf = (path: { namespace: string; types: string[] }): string =>
  [path.namespace, ...path.types].join("/");

/** The subscription an id lies in, empty when it lies in none. */
export function subscriptionOf(id: string): string {
  return /^\/subscriptions\/([^/]+)/i.exec(id)?.[1] ?? "";
}

/** The resource group an id lies in. */
export function groupOf(id: string): string | undefined {
  return /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)/i.exec(id)?.[1];
}

/** The last segment of an id. */
export const nameOf = (id: string): string => id.replace(/\/+$/, "").split("/").at(-1) ?? "";

export const groupId = (subscriptionId: string, group: string): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${group}`;

/** The scope an extension resource's id hangs on, empty for the root. */
export const scopeOf = (id: string): string => id.slice(0, id.toLowerCase().lastIndexOf("/providers/"));

import { Unknown, type PlainMap, type PlainValue } from "../protocol/values.ts";

/** A Kubernetes object as JSON; inputs of a preview may hold unknowns in it. */
export type KubeObject = PlainMap;

export function isObject(value: PlainValue | undefined): value is PlainMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Unknown);
}

export function at(value: PlainValue | undefined, ...path: string[]): PlainValue | undefined {
  let current = value;
  for (const key of path) {
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** The text at `path`, or "" where there is none. */
export function text(value: PlainValue | undefined, ...path: string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The number at `path`, or 0: the API leaves zeros out. */
export function count(value: PlainValue | undefined, ...path: string[]): number {
  const found = at(value, ...path);
  return typeof found === "number" ? found : 0;
}

export function list(value: PlainValue | undefined, ...path: string[]): PlainValue[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function annotation(object: KubeObject, name: string): string {
  return text(object, "metadata", "annotations", name);
}

/** Sets a value, making the maps on its way. */
export function put(object: PlainMap, path: readonly string[], value: PlainValue): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    object[key] = value;
    return;
  }
  const existing = object[key];
  const child: PlainMap = isObject(existing) ? existing : {};
  object[key] = child;
  put(child, rest, value);
}

export function remove(object: PlainMap, ...path: string[]): void {
  const parent = at(object, ...path.slice(0, -1));
  const key = path.at(-1);
  if (isObject(parent) && key !== undefined) delete parent[key];
}

/** The resource id of the official provider: `namespace/name`, or the name of an object without namespace. */
export function idOf(object: KubeObject): string {
  const namespace = text(object, "metadata", "namespace");
  const name = text(object, "metadata", "name");
  return namespace ? `${namespace}/${name}` : name;
}

export function parseId(id: string): { namespace: string; name: string } {
  const slash = id.indexOf("/");
  return slash < 0
    ? { namespace: "", name: id }
    : { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export function gvkOf(object: KubeObject): GroupVersionKind {
  const parts = text(object, "apiVersion").split("/");
  const version = parts.at(-1) ?? "";
  const group = parts.length > 1 ? (parts[0] ?? "") : "";
  return { group: group === "core" ? "" : group, version, kind: text(object, "kind") };
}

/** From a type token such as `kubernetes:apps/v1:Deployment`. */
export function gvkOfType(type: string): GroupVersionKind {
  const [, apiVersion = "", kind = ""] = type.split(":");
  const [group = "", version = ""] = apiVersion.split("/");
  return { group: group === "core" ? "" : group, version, kind };
}

export function apiVersionOf({ group, version }: GroupVersionKind): string {
  return group ? `${group}/${version}` : version;
}

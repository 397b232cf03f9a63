/** Resources as ARM answers them. */
import type { Cloud } from "./cloud.ts";
import { definitionOf } from "./definitions/index.ts";
import { isRecord, merge } from "./http.ts";
import type { StoredResource } from "./store.ts";
import type { TypeBehaviour } from "./types/behaviour.ts";
import { behaviourOf } from "./types/index.ts";

/** Flag of the published types for what is written and never answered. */
const writeOnlyFlag = 4;

/** The whole answer of a GET: read-only parts in, what is only written out. */
export function represent(cloud: Cloud, resource: StoredResource): Record<string, unknown> {
  const behaviour = behaviourOf(resource.type);
  const computed = behaviour?.answer?.(resource, cloud) ?? {};
  const body = merge(structuredClone(resource.body), computed);
  for (const path of writeOnlyPaths(behaviour)) dropPath(body, path.split("."));
  const { properties, ...rest } = body;
  const state = behaviour?.hasState ? { provisioningState: resource.state } : {};
  const shown =
    isRecord(properties) || behaviour?.hasState
      ? { properties: { ...(properties as object), ...state } }
      : {};
  return {
    id: resource.id,
    name: resource.name,
    type: resource.type,
    ...(resource.location === undefined ? {} : { location: resource.location }),
    ...rest,
    ...stamps(resource),
    ...shown,
  };
}

/** The short form of resource lists over all types. */
export function summarize(cloud: Cloud, resource: StoredResource): Record<string, unknown> {
  const whole = represent(cloud, resource);
  const names = ["id", "name", "type", "location", "tags", "sku", "kind", "identity", "zones", "managedBy"];
  return Object.fromEntries(names.filter((name) => name in whole).map((name) => [name, whole[name]]));
}

/** The quoted form that goes into headers and bodies. */
export const quotedEtag = (resource: StoredResource): string => `W/"${resource.etag}"`;

function stamps(resource: StoredResource): Record<string, unknown> {
  const members = topLevel(resource.type);
  const result: Record<string, unknown> = {};
  if (members.has("etag")) result["etag"] = quotedEtag(resource);
  if (members.has("eTag")) result["eTag"] = resource.etag;
  if (members.has("systemData")) {
    result["systemData"] = {
      createdBy: resource.createdBy,
      createdByType: "Application",
      createdAt: resource.createdAt,
      lastModifiedBy: resource.changedBy,
      lastModifiedByType: "Application",
      lastModifiedAt: resource.changedAt,
    };
  }
  return result;
}

/** Names at the top of a type's body. */
export function topLevel(type: string): ReadonlySet<string> {
  const definition = definitionOf(type);
  const node = definition?.types[definition.body];
  return new Set(node?.kind === "object" ? Object.keys(node.properties) : []);
}

function writeOnlyPaths(behaviour: TypeBehaviour | undefined): string[] {
  if (behaviour === undefined) return [];
  const definition = definitionOf(behaviour.type);
  const body = definition?.types[definition.body];
  const properties = body?.kind === "object" ? body.properties["properties"] : undefined;
  const node = properties === undefined ? undefined : definition?.types[properties[0]];
  const published =
    node?.kind === "object"
      ? Object.entries(node.properties)
          .filter(([, [, flags]]) => flags & writeOnlyFlag)
          .map(([name]) => `properties.${name}`)
      : [];
  return [...published, ...(behaviour.writeOnly ?? [])];
}

function dropPath(value: unknown, [name, ...rest]: string[]): void {
  if (!isRecord(value) || name === undefined) return;
  if (rest.length === 0) delete value[name];
  else dropPath(value[name], rest);
}

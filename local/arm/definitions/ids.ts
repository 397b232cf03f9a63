import type { Definition } from "./load.ts";
import { ofRecordType } from "./load.ts";

/** Resource ids ↔ azure-native's path parameters. */

const RESOURCE_GROUP = "microsoft.resources/resourcegroups";

const parameterOf = (definition: Definition, role: string): string | undefined =>
  Object.entries(definition.pathParameters).find(([, r]) => r.toLowerCase() === role.toLowerCase())?.[0];

function required(parameters: Record<string, unknown>, name: string | undefined, what: string): string {
  const value = name === undefined ? undefined : parameters[name];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`${name ?? what} is missing: a resource id cannot be made without it`);
}

/**
 * `/subscriptions/…/resourceGroups/…/providers/…`, from the path parameters among the inputs. A parent without a
 * parameter is a singleton called `default` (`blobServices`). Throws where a parameter is missing.
 */
export function resourceId(
  definition: Definition,
  inputs: Record<string, unknown>,
  subscriptionId: string,
): string {
  const typeName = parameterOf(definition, "type");
  const recordType = typeName === undefined ? undefined : required(inputs, typeName, "record type");
  const resolved = ofRecordType(definition, recordType);
  const armType =
    recordType === undefined ? resolved.armType : resolved.armType.replace("{recordType}", recordType);
  const name = required(inputs, parameterOf(definition, "name"), "name");
  if (armType.toLowerCase() === RESOURCE_GROUP)
    return `/subscriptions/${subscriptionId}/resourceGroups/${name}`;
  const [namespace = "", ...segments] = armType.split("/");
  let path = scopeOf(definition, inputs, subscriptionId) + `/providers/${namespace}`;
  segments.forEach((segment, i) => {
    const isLast = i === segments.length - 1;
    const parameter = parameterOf(definition, [namespace, ...segments.slice(0, i + 1)].join("/"));
    path += `/${segment}/${isLast ? name : parameter === undefined ? "default" : required(inputs, parameter, segment)}`;
  });
  return path;
}

function scopeOf(definition: Definition, inputs: Record<string, unknown>, subscriptionId: string): string {
  const scope = parameterOf(definition, "scope");
  if (scope !== undefined) {
    const given = required(inputs, scope, "scope").replace(/\/+$/, "");
    return given === "" || given.startsWith("/") ? given : `/${given}`;
  }
  const group = parameterOf(definition, RESOURCE_GROUP);
  const below = group === undefined ? "" : `/resourceGroups/${required(inputs, group, "resource group")}`;
  return `/subscriptions/${subscriptionId}${below}`;
}

/** The path parameters that an id stands for; undefined where it is not of this type. Case does not count. */
export function parseResourceId(definition: Definition, id: string): Record<string, string> | undefined {
  const nameOf = parameterOf(definition, "name") ?? "name";
  const group = /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)(\/.*)?$/i.exec(id);
  if (definition.armType.toLowerCase() === RESOURCE_GROUP)
    return group?.[1] !== undefined && !group[2] ? { [nameOf]: group[1] } : undefined;
  const at = id.toLowerCase().lastIndexOf("/providers/");
  if (at < 0) return undefined;
  const scope = id.slice(0, at);
  const [namespace, ...rest] = id.slice(at + "/providers/".length).split("/");
  const [wantedNamespace = "", ...segments] = definition.armType.split("/");
  if (namespace?.toLowerCase() !== wantedNamespace.toLowerCase()) return undefined;
  if (rest.length !== segments.length * 2 || rest.includes("")) return undefined;
  const parameters: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    const found = { type: rest[2 * i] ?? "", name: rest[2 * i + 1] ?? "" };
    if (segment === "{recordType}") {
      const known = Object.keys(definition.armTypes ?? {}).find(
        (t) => t.toLowerCase() === found.type.toLowerCase(),
      );
      if (known === undefined) return undefined;
      parameters[parameterOf(definition, "type") ?? "recordType"] = known;
    } else if (segment.toLowerCase() !== found.type.toLowerCase()) return undefined;
    const role = [wantedNamespace, ...segments.slice(0, i + 1)].join("/");
    const parameter = i === segments.length - 1 ? nameOf : parameterOf(definition, role);
    if (parameter !== undefined) parameters[parameter] = found.name;
  }
  const scopeName = parameterOf(definition, "scope");
  if (scopeName !== undefined) return { ...parameters, [scopeName]: scope.replace(/^\//, "") };
  const groupName = parameterOf(definition, RESOURCE_GROUP);
  if (groupName === undefined) return parameters;
  const found = /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)$/i.exec(scope)?.[1];
  return found === undefined ? undefined : { ...parameters, [groupName]: found };
}

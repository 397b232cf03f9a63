/** Lists: resource groups, everything in a group or subscription, one type in a scope, children below a parent. */
import { requireRight } from "./authorization.ts";
import type { Cloud } from "./cloud.ts";
import { groupNotFound, notFound } from "./errors.ts";
import type { ArmAnswer, ArmRequest } from "./http.ts";
import { queryValue, recordAt, stringAt } from "./http.ts";
import { groupId, idKey, scopeOf, typeOf } from "./path.ts";
import type { CollectionPath } from "./path.ts";
import { represent, summarize } from "./represent.ts";
import type { StoredResource } from "./store.ts";
import { requireBehaviour } from "./target.ts";
import type { TypeBehaviour } from "./types/behaviour.ts";
import { behaviourOf } from "./types/index.ts";

const groupType = "Microsoft.Resources/resourceGroups";
/** Nested types that Azure tracks like top-level ones. */
const trackedChildren = new Set(["Microsoft.Network/privateDnsZones/virtualNetworkLinks"]);

const page = (value: unknown[]): ArmAnswer => ({ status: 200, body: { value } });

export function listGroups(cloud: Cloud, request: ArmRequest, subscriptionId: string): ArmAnswer {
  const groups = cloud.store.list(groupType).filter((group) => isIn(group, subscriptionId));
  return page(groups.filter(filterOf(request)).map((group) => represent(cloud, group)));
}

/** Every tracked resource of a group or subscription, in short form. */
export function listResources(
  cloud: Cloud,
  request: ArmRequest,
  subscriptionId: string,
  group?: string,
): ArmAnswer {
  if (group !== undefined && cloud.store.get(groupId(subscriptionId, group)) === undefined)
    throw groupNotFound(group);
  const isTracked = (one: StoredResource): boolean =>
    behaviourOf(one.type)?.isExtension !== true &&
    one.type !== groupType &&
    (one.type.split("/").length === 2 || trackedChildren.has(one.type));
  const found = cloud.store
    .all()
    .filter((one) => isIn(one, subscriptionId) && isTracked(one))
    .filter((one) => group === undefined || one.resourceGroup.toLowerCase() === group.toLowerCase());
  return page(found.filter(filterOf(request)).map((one) => summarize(cloud, one)));
}

/** `…/providers/Namespace/type[/name/child]`: all of a type in the path's scope. */
export function listType(cloud: Cloud, request: ArmRequest, path: CollectionPath): ArmAnswer {
  const whole = { ...path, types: [...path.types, path.last] };
  const behaviour = requireBehaviour(whole);
  requireRight(cloud, request.caller, path.scope, `${typeOf(whole)}/read`);
  if (behaviour.isExtension)
    return page(extensionsOn(cloud, behaviour, path.scope).map((one) => represent(cloud, one)));
  if (path.group !== undefined && cloud.store.get(groupId(path.subscriptionId, path.group)) === undefined) {
    throw groupNotFound(path.group);
  }
  const found = cloud.store.list(behaviour.type).filter((one) => isIn(one, path.subscriptionId));
  if (path.types.length === 0) {
    const inScope = found.filter(
      (one) => path.group === undefined || one.resourceGroup.toLowerCase() === path.group.toLowerCase(),
    );
    return page(inScope.map((one) => represent(cloud, one)));
  }
  const parent = parentIdOf(path);
  if (cloud.store.get(parent) === undefined && behaviourOf(typeOf(path))?.virtual === undefined) {
    throw notFound(
      "ParentResourceNotFound",
      `Failed to perform 'read' on resource(s) of type '${typeOf(whole)}', because the parent resource '${parent}' could not be found.`,
    );
  }
  return page(
    found.filter((one) => idKey(one.id).startsWith(`${idKey(parent)}/`)).map((one) => represent(cloud, one)),
  );
}

/** All record sets of a zone, whatever their type: `recordsets` (public) or `ALL` (private). */
export function listRecordSets(cloud: Cloud, path: CollectionPath): ArmAnswer | undefined {
  const isZone = /^(dnszones|privatednszones)$/i.test(path.types.join("/"));
  if (!isZone || !/^(recordsets|all)$/i.test(path.last)) return undefined;
  const records = cloud.store
    .all(parentIdOf(path))
    .filter((one) => !one.type.endsWith("/virtualNetworkLinks"));
  return page(records.map((one) => represent(cloud, one)));
}

const parentIdOf = (path: CollectionPath): string =>
  `${path.scope}/providers/${path.namespace}/${path.types.map((type, i) => `${type}/${path.names[i] ?? ""}`).join("/")}`;

/** Extension resources seen from a scope: on it, above it (inherited) and below it, as Azure lists them. */
function extensionsOn(cloud: Cloud, behaviour: TypeBehaviour, scope: string): StoredResource[] {
  const here = `${idKey(scope)}/`;
  const inherits = behaviour.type.startsWith("Microsoft.Authorization/");
  return cloud.store.list(behaviour.type).filter((one) => {
    const there = `${idKey(scopeOf(one.id))}/`;
    return inherits ? there.startsWith(here) || here.startsWith(there) : there === here;
  });
}

const isIn = (resource: StoredResource, subscriptionId: string): boolean =>
  resource.subscriptionId.toLowerCase() === subscriptionId.toLowerCase();

/** `$filter` as far as clients use it: resourceType, and a tag by name and value. */
function filterOf(request: ArmRequest): (resource: StoredResource) => boolean {
  const filter = queryValue(request.query, "$filter") ?? "";
  const wanted = (name: string): string | undefined =>
    new RegExp(`${name}\\s+eq\\s+'([^']*)'`, "i").exec(filter)?.[1];
  const [type, tagName, tagValue] = [wanted("resourceType"), wanted("tagName"), wanted("tagValue")];
  return (resource) => {
    if (type !== undefined && resource.type.toLowerCase() !== type.toLowerCase()) return false;
    if (tagName === undefined) return true;
    const value = stringAt({ tags: recordAt(resource.body, "tags") }, `tags.${tagName}`);
    return value !== undefined && (tagValue === undefined || value === tagValue);
  };
}

/** What a request is about: its type's behaviour, its canonical id and its parents, found from the path. */
import type { Cloud } from "./cloud.ts";
import { definitionOf } from "./definitions/index.ts";
import { conflict, groupNotFound, notFound } from "./errors.ts";
import { groupId, idKey, nameOf, scopeOf, typeOf } from "./path.ts";
import type { ResourcePath } from "./path.ts";
import type { StoredResource } from "./store.ts";
import type { TypeBehaviour } from "./types/behaviour.ts";
import { behaviourOf, hasNamespace } from "./types/index.ts";

export interface Target {
  behaviour: TypeBehaviour;
  /** As ARM will answer it, for a resource still to be made. */
  id: string;
  name: string;
  subscriptionId: string;
  resourceGroup: string;
  /** Id of the resource it is part of, by its type; the group for a top-level resource, the scope for an extension. */
  parentId: string;
}

/** Throws 404 when no such type is known. */
export function requireBehaviour(path: { namespace: string; types: string[] }): TypeBehaviour {
  const behaviour = behaviourOf(typeOf(path));
  if (behaviour !== undefined) return behaviour;
  if (!hasNamespace(path.namespace)) {
    throw notFound("InvalidResourceNamespace", `The resource namespace '${path.namespace}' is invalid.`);
  }
  throw notFound(
    "InvalidResourceType",
    `The resource type '${path.types.join("/")}' could not be found in the namespace '${path.namespace}'.`,
  );
}

/** Resolves a resource's path. Throws 404 for an unknown type. */
export function targetOf(cloud: Cloud, path: ResourcePath): Target {
  const behaviour = requireBehaviour(path);
  const [namespace = "", ...types] = behaviour.type.split("/");
  const scope = canonicalScope(cloud, path, behaviour);
  const at = (depth: number): string =>
    [
      `${scope}/providers/${namespace}`,
      ...types.slice(0, depth).flatMap((type, i) => [type, path.names[i] ?? ""]),
    ].join("/");
  const known = (id: string): string => cloud.store.get(id)?.id ?? id;
  const parentId = types.length > 1 ? known(at(types.length - 1)) : scope;
  const name = path.names.at(-1) ?? "";
  const id = types.length > 1 ? `${parentId}/${types.at(-1) ?? ""}/${name}` : at(1);
  const group =
    path.group === undefined ? undefined : cloud.store.get(groupId(path.subscriptionId, path.group));
  return {
    behaviour,
    id: known(id),
    name,
    subscriptionId: path.subscriptionId,
    resourceGroup: group?.name ?? path.group ?? "",
    parentId,
  };
}

function canonicalScope(cloud: Cloud, path: ResourcePath, behaviour: TypeBehaviour): string {
  const stored = cloud.store.get(path.scope);
  if (behaviour.isExtension) return stored?.id ?? path.scope;
  const subscription = cloud.directory.subscription(path.subscriptionId);
  const id = groupId(subscription?.id ?? path.subscriptionId, stored?.name ?? path.group ?? "");
  return behaviour.lowerGroups ? id.replace("/resourceGroups/", "/resourcegroups/") : id;
}

/** A resource that is there: stored, or one that comes with its parent (a singleton). */
export async function findResource(cloud: Cloud, target: Target): Promise<StoredResource | undefined> {
  const stored = cloud.store.get(target.id);
  if (stored !== undefined) {
    // What outlives its target (a diagnostic setting) is only to be seen while there is one.
    return target.behaviour.isExtension && !isScope(cloud, target.parentId) ? undefined : stored;
  }
  const parent = cloud.store.get(target.parentId);
  if (parent === undefined) return undefined;
  const body = await target.behaviour.virtual?.(target.name, parent.id, cloud);
  if (body === undefined) return undefined;
  return {
    id: target.id,
    type: target.behaviour.type,
    name: target.name,
    subscriptionId: target.subscriptionId,
    resourceGroup: target.resourceGroup,
    apiVersion: definitionOf(target.behaviour.type)?.apiVersion ?? parent.apiVersion,
    body,
    outputs: {},
    etag: parent.etag,
    state: "Succeeded",
    createdAt: parent.createdAt,
    changedAt: parent.createdAt,
    createdBy: parent.createdBy,
    changedBy: parent.createdBy,
  };
}

const isScope = (cloud: Cloud, id: string): boolean =>
  cloud.store.get(id) !== undefined || /^\/subscriptions\/[^/]+$/i.test(id);

/** Throws 404 or 409 unless everything a new resource hangs on is there and not going away. */
export async function requireParents(cloud: Cloud, target: Target): Promise<void> {
  const { behaviour, subscriptionId, resourceGroup, parentId } = target;
  if (resourceGroup !== "") requireGroup(cloud, subscriptionId, resourceGroup);
  if (behaviour.isExtension) {
    if (isScope(cloud, parentId)) return;
    throw notFound("ResourceNotFound", `The Resource '${nameOf(parentId)}' (${parentId}) was not found.`);
  }
  if (behaviour.type === "Microsoft.Resources/resourceGroups") return;
  if (resourceGroup === "") {
    throw notFound("InvalidResourceType", `Resources of type '${behaviour.type}' lie in a resource group.`);
  }
  if (behaviour.type.split("/").length <= 2) return;
  const parent = await requireParent(cloud, target);
  if (parent.state === "Deleting") throw busy(behaviour, parent);
}

function requireGroup(cloud: Cloud, subscriptionId: string, name: string): void {
  const group = cloud.store.get(groupId(subscriptionId, name));
  if (group === undefined) throw groupNotFound(name);
  if (group.state !== "Deleting") return;
  throw conflict(
    "ResourceGroupBeingDeleted",
    `The resource group '${name}' is in deprovisioning state and cannot perform this operation.`,
  );
}

async function requireParent(cloud: Cloud, target: Target): Promise<StoredResource> {
  const { behaviour, name, parentId } = target;
  const stored = cloud.store.get(parentId);
  if (stored !== undefined) return stored;
  const parentBehaviour = behaviourOf(behaviour.type.split("/").slice(0, -1).join("/"));
  const grandparent = cloud.store.get(parentId.split("/").slice(0, -2).join("/"));
  if (grandparent !== undefined) {
    const body = await parentBehaviour?.virtual?.(nameOf(parentId), grandparent.id, cloud);
    if (body !== undefined) return grandparent;
  }
  const short = behaviour.type.split("/").at(-1) ?? "";
  throw notFound(
    "ParentResourceNotFound",
    `Failed to perform 'write' on resource(s) of type '${behaviour.type.split("/").slice(1).join("/")}', because the parent resource '${parentId}' could not be found (for ${short} '${name}').`,
  );
}

/** 409 while another operation runs on the resource; network types have the code that clients try again on. */
export function busy(behaviour: TypeBehaviour, resource: StoredResource): Error {
  const code =
    behaviour.busyCode ??
    (behaviour.type.startsWith("Microsoft.Network/") ? "AnotherOperationInProgress" : "Conflict");
  return conflict(
    code,
    `Another operation on this or a dependent resource is in progress: '${resource.id}' is in state '${resource.state}'.`,
  );
}

/** The types of locks that hold on an id: given on it, on anything above it or, with `below`, on anything in it. */
export function requireUnlocked(cloud: Cloud, id: string, change: "write" | "delete"): void {
  const target = `${idKey(id)}/`;
  for (const lock of cloud.store.list("Microsoft.Authorization/locks")) {
    const level = (lock.body["properties"] as { level?: string } | undefined)?.level;
    if (idKey(lock.id) === idKey(id) || (change === "write" && level !== "ReadOnly")) continue;
    const scope = `${idKey(scopeOf(lock.id))}/`;
    const isBelow = change === "delete" && scope.startsWith(target);
    if (!target.startsWith(scope) && !isBelow) continue;
    throw conflict(
      "ScopeLocked",
      `The scope '${id}' cannot perform ${change} operation because following scope(s) are locked: '${scopeOf(lock.id)}'. Please remove the lock and try again.`,
    );
  }
}

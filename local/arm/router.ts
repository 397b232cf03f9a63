/** ARM requests to handlers, each behind its right. */
import { requireArmAudience, requireRight, requireSubscription, rolesOn } from "./authorization.ts";
import { runAction } from "./actions.ts";
import type { Cloud } from "./cloud.ts";
import { ArmError, groupNotFound, notFound, resourceNotFound } from "./errors.ts";
import type { ArmAnswer, ArmRequest } from "./http.ts";
import { queryValue } from "./http.ts";
import type { Subscription } from "./identity/directory.ts";
import { listGroups, listRecordSets, listResources, listType } from "./lists.ts";
import { groupId, parseArmPath, typeOf } from "./path.ts";
import type { ArmPath, CollectionPath, ResourcePath } from "./path.ts";
import {
  answerProvider,
  checkNameAvailability,
  getRoleDefinition,
  listPermissions,
  listPostgresCapabilities,
  listProviders,
  listRoleDefinitions,
  listSkus,
  listUsages,
  requireRegistration,
} from "./providers.ts";
import { pollSoon } from "./provisioning.ts";
import { patchResource, putResource } from "./put.ts";
import { deleteResource } from "./remove.ts";
import { represent } from "./represent.ts";
import type { Target } from "./target.ts";
import { findResource, targetOf } from "./target.ts";
import { behaviourOf } from "./types/index.ts";
import { requireApiVersion } from "./validation.ts";
import { describeDeletedVault, purgeVault, requireDeletedVault } from "./vaults/soft-delete.ts";

const groupType = "Microsoft.Resources/resourceGroups";

/** Answers an authenticated ARM request. Throws an `ArmError` for everything ARM refuses. */
export async function answerArm(cloud: Cloud, request: ArmRequest): Promise<ArmAnswer> {
  const path = parseArmPath(request.path);
  if (path === undefined) throw notFound("NotFound", `No resource manager path: '${request.path}'.`);
  requireApiVersion(queryValue(request.query, "api-version"));
  requireArmAudience(request.caller, request.origin);
  if (path.kind === "subscriptions") return listSubscriptions(cloud, request);
  if (path.kind === "resource" || path.kind === "collection") {
    if (path.subscriptionId === "") return answerTenantLevel(request, path);
    const subscription = requireSubscription(cloud, request.caller, path.subscriptionId);
    return path.kind === "resource"
      ? answerResource(cloud, request, path, subscription)
      : answerCollection(cloud, request, path, subscription);
  }
  return answerScope(cloud, request, path, requireSubscription(cloud, request.caller, path.subscriptionId));
}

function listSubscriptions(cloud: Cloud, { caller }: ArmRequest): ArmAnswer {
  const isSeen = (one: Subscription): boolean =>
    caller.kind === "operator" || rolesOn(cloud, caller.objectId, `/subscriptions/${one.id}`).length > 0;
  return {
    status: 200,
    body: { value: cloud.directory.subscriptions.filter(isSeen).map(describeSubscription) },
  };
}

const describeSubscription = (one: Subscription): Record<string, unknown> => ({
  id: `/subscriptions/${one.id}`,
  subscriptionId: one.id,
  tenantId: one.tenantId,
  displayName: one.name,
  state: "Enabled",
  authorizationSource: "RoleBased",
  managedByTenants: [],
  subscriptionPolicies: {
    locationPlacementId: "Public_2014-09-01",
    quotaId: "PayAsYouGo_2014-09-01",
    spendingLimit: "Off",
  },
});

type ScopePath = Exclude<ArmPath, ResourcePath | CollectionPath | { kind: "subscriptions" }>;

async function answerScope(
  cloud: Cloud,
  request: ArmRequest,
  path: ScopePath,
  subscription: Subscription,
): Promise<ArmAnswer> {
  const scope = `/subscriptions/${subscription.id}`;
  const may = (action: string, on = scope): void => requireRight(cloud, request.caller, on, action);
  switch (path.kind) {
    case "subscription":
      may("Microsoft.Resources/subscriptions/read");
      return { status: 200, body: describeSubscription(subscription) };
    case "resource-groups":
      may("Microsoft.Resources/subscriptions/resourceGroups/read");
      return listGroups(cloud, request, subscription.id);
    case "resource-group":
      return answerGroup(cloud, request, subscription, path.group);
    case "resources":
      may(
        "Microsoft.Resources/subscriptions/resources/read",
        path.group === undefined ? scope : groupId(subscription.id, path.group),
      );
      return listResources(cloud, request, subscription.id, path.group);
    case "providers":
      may("Microsoft.Resources/subscriptions/providers/read");
      return listProviders(subscription);
    case "provider":
      may(
        path.action === undefined
          ? "Microsoft.Resources/subscriptions/providers/read"
          : `${path.namespace}/${path.action}/action`,
      );
      if (path.action !== undefined) requireMethod(request, "POST");
      return answerProvider(cloud, subscription, path.namespace, path.action);
    case "group-action":
      throw notFound("NotFound", `'${path.action}' of a resource group is not offered.`);
  }
}

/** Resource groups have a path of their own and no provider in it. */
function answerGroup(
  cloud: Cloud,
  request: ArmRequest,
  subscription: Subscription,
  name: string,
): Promise<ArmAnswer> | ArmAnswer {
  const behaviour = behaviourOf(groupType);
  if (behaviour === undefined) throw new Error("resource groups have no behaviour");
  const id = groupId(subscription.id, name);
  const stored = cloud.store.get(id);
  const verb = { GET: "read", HEAD: "read", DELETE: "delete" }[request.method] ?? "write";
  requireRight(cloud, request.caller, id, `Microsoft.Resources/subscriptions/resourceGroups/${verb}`);
  const target: Target = {
    behaviour,
    id: stored?.id ?? id,
    name: stored?.name ?? name,
    subscriptionId: subscription.id,
    // It lies in no group itself, but what is asked of a group's members is not asked of it.
    resourceGroup: "",
    parentId: `/subscriptions/${subscription.id}`,
  };
  if (request.method === "HEAD") return { status: stored === undefined ? 404 : 204 };
  if (stored === undefined && request.method !== "PUT") throw groupNotFound(name);
  if (stored?.state === "Deleting" && request.method === "PUT") {
    throw new ArmError(
      409,
      "ResourceGroupBeingDeleted",
      `The resource group '${name}' is in deprovisioning state and cannot perform this operation.`,
    );
  }
  return answerTarget(cloud, request, target);
}

async function answerTarget(cloud: Cloud, request: ArmRequest, target: Target): Promise<ArmAnswer> {
  switch (request.method) {
    case "PUT":
      return putResource(cloud, request, target);
    case "PATCH":
      return patchResource(cloud, request, target);
    case "DELETE":
      return deleteResource(cloud, request, target);
    case "GET":
    case "HEAD": {
      const resource = await findResource(cloud, target);
      if (resource === undefined) throw missing(cloud, target);
      const etag = { etag: `W/"${resource.etag}"` };
      return request.method === "HEAD"
        ? { status: 204, headers: etag }
        : { status: 200, body: represent(cloud, resource) };
    }
    default:
      throw new ArmError(
        405,
        "MethodNotAllowed",
        `The requested resource does not support http method '${request.method}'.`,
      );
  }
}

function missing(cloud: Cloud, target: Target): ArmError {
  const { behaviour, name, resourceGroup, subscriptionId, parentId } = target;
  if (resourceGroup !== "" && cloud.store.get(groupId(subscriptionId, resourceGroup)) === undefined) {
    return groupNotFound(resourceGroup);
  }
  const isBelow = behaviour.type.split("/").length > 2 && cloud.store.get(parentId) === undefined;
  if (isBelow)
    return notFound(
      "ParentResourceNotFound",
      `Failed to perform 'read' on '${name}', because the parent resource '${parentId}' could not be found.`,
    );
  return resourceNotFound(behaviour.type, name, resourceGroup);
}

async function answerResource(
  cloud: Cloud,
  request: ArmRequest,
  path: ResourcePath,
  subscription: Subscription,
): Promise<ArmAnswer> {
  const special = answerSpecial(cloud, request, path, subscription);
  if (special !== undefined) return special;
  const target = targetOf(cloud, path);
  const verb = { GET: "read", HEAD: "read", DELETE: "delete" }[request.method] ?? "write";
  requireRight(cloud, request.caller, target.id, `${target.behaviour.type}/${verb}`);
  if (request.method === "PUT") requireRegistration(subscription, path.namespace);
  return answerTarget(cloud, request, target);
}

/** Paths that look like resources and are none: operations, deleted vaults, role definitions. */
function answerSpecial(
  cloud: Cloud,
  request: ArmRequest,
  path: ResourcePath,
  subscription: Subscription,
): ArmAnswer | undefined {
  const [place, last] = path.types.map((type) => type.toLowerCase());
  const name = path.names.at(-1) ?? "";
  if (place === "roledefinitions" && last === undefined) return getRoleDefinition(name);
  if (place !== "locations" || last === undefined) return undefined;
  if (last === "deletedvaults") {
    requireRight(cloud, request.caller, path.scope, "Microsoft.KeyVault/locations/deletedVaults/read");
    return { status: 200, body: describeDeletedVault(requireDeletedVault(cloud, subscription.id, name)) };
  }
  if (!["operationstatuses", "operationresults", "operations"].includes(last)) return undefined;
  return answerOperation(cloud, name, last === "operationresults");
}

/** A poll. The id is a secret of its own: no right beyond a token of the tenant is asked. */
function answerOperation(cloud: Cloud, id: string, isResult: boolean): ArmAnswer {
  const record = cloud.operations.get(id);
  if (record === undefined) throw notFound("OperationNotFound", `The operation '${id}' was not found.`);
  const isRunning = record.status === "InProgress";
  if (!isResult) {
    const { status, startedAt: startTime, endedAt: endTime, error } = record;
    const body = {
      id: record.id,
      name: record.id,
      status,
      startTime,
      ...(endTime && { endTime }),
      ...(error && { error }),
    };
    return { status: 200, body, ...(isRunning ? { headers: pollSoon } : {}) };
  }
  if (isRunning) return { status: 202, headers: pollSoon };
  if (record.error !== undefined) throw new ArmError(409, record.error.code, record.error.message);
  const resource = cloud.store.get(record.resourceId);
  return record.kind === "delete" || resource === undefined
    ? { status: 200 }
    : { status: 200, body: represent(cloud, resource) };
}

async function answerCollection(
  cloud: Cloud,
  request: ArmRequest,
  path: CollectionPath,
  subscription: Subscription,
): Promise<ArmAnswer> {
  const last = path.last.toLowerCase();
  const [place] = path.types.map((type) => type.toLowerCase());
  const location = path.names[0] ?? "";
  const may = (action: string): void => requireRight(cloud, request.caller, path.scope, action);
  if (last === "permissions") return listPermissions(cloud, request, path.scope);
  if (last === "roledefinitions") {
    may("Microsoft.Authorization/roleDefinitions/read");
    return listRoleDefinitions(request);
  }
  if (request.method === "POST") {
    if (last === "purge" && path.types.at(-1)?.toLowerCase() === "deletedvaults") {
      may("Microsoft.KeyVault/locations/deletedVaults/purge/action");
      return purgeVault(cloud, subscription.id, path.names.at(-1) ?? "");
    }
    if (last === "checknameavailability") {
      may(`${path.namespace}/checkNameAvailability/action`);
      return checkNameAvailability(cloud, path, request.body);
    }
    return runAction(cloud, request, path);
  }
  requireMethod(request, "GET");
  if (place === "locations" && last === "usages") {
    may(`${path.namespace}/locations/usages/read`);
    return listUsages(cloud, subscription, path.namespace, location);
  }
  if (place === "locations" && last === "capabilities") {
    may(`${path.namespace}/locations/capabilities/read`);
    return listPostgresCapabilities();
  }
  if (last === "skus" && path.namespace.toLowerCase() === "microsoft.compute") {
    may("Microsoft.Compute/skus/read");
    return listSkus(request);
  }
  if (last === "deletedvaults") {
    may("Microsoft.KeyVault/deletedVaults/read");
    const own = cloud.store
      .deleted("vault")
      .filter((record) => record.resource.subscriptionId === subscription.id);
    return { status: 200, body: { value: own.map(describeDeletedVault) } };
  }
  if (/^(recordsets|all)$/.test(last)) {
    may(`${typeOf(path)}/${path.last}/read`);
    const records = listRecordSets(cloud, path);
    if (records !== undefined) return records;
  }
  return listType(cloud, request, path);
}

/** `/providers/…` without a subscription: only the built-in roles. */
function answerTenantLevel(request: ArmRequest, path: ResourcePath | CollectionPath): ArmAnswer {
  requireMethod(request, "GET");
  if (path.kind === "collection" && path.last.toLowerCase() === "roledefinitions")
    return listRoleDefinitions(request);
  if (path.kind === "resource" && path.types[0]?.toLowerCase() === "roledefinitions")
    return getRoleDefinition(path.names[0] ?? "");
  throw notFound("NotFound", `'${request.path}' is not offered without a subscription.`);
}

function requireMethod(request: ArmRequest, method: string): void {
  if (request.method === method) return;
  throw new ArmError(
    405,
    "MethodNotAllowed",
    `The requested resource does not support http method '${request.method}'.`,
  );
}

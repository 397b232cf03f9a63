/** Who may do what: role assignments, looked up for every request. */
import type { Cloud } from "./cloud.ts";
import { ArmError, subscriptionNotFound } from "./errors.ts";
import { stringAt } from "./http.ts";
import type { Caller } from "./identity/caller.ts";
import type { Subscription } from "./identity/directory.ts";
import { armAudiences } from "./identity/oauth.ts";
import type { RoleDefinition } from "./identity/roles.ts";
import { isAllowed, roleOf } from "./identity/roles.ts";
import { unauthenticated } from "./identity/tokens.ts";
import { idKey, scopeOf } from "./path.ts";

const assignmentType = "Microsoft.Authorization/roleAssignments";

/** The roles a principal holds on a scope, given there or on anything above it. */
export function rolesOn(cloud: Cloud, objectId: string, scope: string): RoleDefinition[] {
  const target = `${idKey(scope)}/`;
  return cloud.store
    .list(assignmentType)
    .filter((assignment) => stringAt(assignment.body, "properties.principalId") === objectId)
    .filter((assignment) => target.startsWith(`${idKey(scopeOf(assignment.id))}/`))
    .map((assignment) => roleOf(stringAt(assignment.body, "properties.roleDefinitionId") ?? ""))
    .filter((role) => role !== undefined);
}

/** Throws 401 unless the token is for the resource manager. */
export function requireArmAudience(caller: Caller, origin: string): void {
  if (caller.kind === "operator") return;
  if ([origin, ...armAudiences].includes(caller.audience.replace(/\/+$/, ""))) return;
  throw unauthenticated(
    "InvalidAuthenticationToken",
    `The access token has been obtained for wrong audience or resource '${caller.audience}'. It should exactly match with one of the allowed audiences '${origin}', '${armAudiences.join("/', '")}/'.`,
  );
}

/** The subscription, if it is there and the token is of its tenant. */
export function requireSubscription(cloud: Cloud, caller: Caller, subscriptionId: string): Subscription {
  const subscription = cloud.directory.subscription(subscriptionId);
  if (subscription === undefined) throw subscriptionNotFound(subscriptionId);
  if (caller.kind !== "operator" && caller.tenantId !== subscription.tenantId) {
    throw unauthenticated(
      "InvalidAuthenticationTokenTenant",
      `The access token is from the wrong issuer. It must match the tenant '${subscription.tenantId}' associated with this subscription.`,
    );
  }
  return subscription;
}

/** Throws 403 unless the caller holds a role that allows the action on the scope. The operator may read everything. */
export function requireRight(cloud: Cloud, caller: Caller, scope: string, action: string): void {
  if (caller.kind === "operator") {
    if (action.toLowerCase().endsWith("/read")) return;
  } else if (isAllowed(rolesOn(cloud, caller.objectId, scope), action)) return;
  throw new ArmError(
    403,
    "AuthorizationFailed",
    `The client '${caller.clientId}' with object id '${caller.objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
}

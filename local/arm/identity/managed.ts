/** Managed identities of resources: what Azure fills in for `identity: { type, userAssignedIdentities }`. */
import { randomUUID } from "node:crypto";
import { badRequest } from "../errors.ts";
import { recordAt, stringAt } from "../http.ts";
import type { PutContext } from "../types/behaviour.ts";

/**
 * The `identity` of the answer: a principal for `SystemAssigned`, the ids of each user-assigned one. `undefined` when
 * the resource has none. Throws 400 for a user-assigned identity that is not there.
 */
export function identityOutputs({
  cloud,
  resource,
  previous,
}: PutContext): Record<string, unknown> | undefined {
  const type = stringAt(resource.body, "identity.type");
  if (type === undefined || type === "None") return undefined;
  const tenantId = cloud.directory.subscription(resource.subscriptionId)?.tenantId;
  const result: Record<string, unknown> = { type };
  if (type.toLowerCase().includes("systemassigned")) {
    result["principalId"] = stringAt(previous?.outputs, "identity.principalId") ?? randomUUID();
    result["tenantId"] = tenantId;
  }
  const wanted = Object.keys(recordAt(resource.body, "identity.userAssignedIdentities"));
  if (wanted.length === 0) return result;
  const assigned = wanted.map((id) => {
    const identity = cloud.store.get(id);
    if (identity === undefined) {
      throw badRequest(
        "FailedIdentityOperation",
        `Identity operation for resource '${resource.id}' failed: the identity '${id}' could not be found.`,
        "identity.userAssignedIdentities",
      );
    }
    const { principalId, clientId } = recordAt(identity.body, "properties");
    return [id, { principalId, clientId }];
  });
  result["userAssignedIdentities"] = Object.fromEntries(assigned);
  return result;
}

/** DELETE: refused while in use or locked, idempotent, and long-running where the type's is. */
import type { Cloud } from "./cloud.ts";
import { ArmError } from "./errors.ts";
import type { ArmAnswer, ArmRequest } from "./http.ts";
import { queryValue } from "./http.ts";
import { isBusy } from "./put.ts";
import { changeAsPlanned } from "./plans/apply.ts";
import { operationHeaders, queueKey, removeTree } from "./provisioning.ts";
import type { StoredResource } from "./store.ts";
import { busy, findResource, requireParents, requireUnlocked } from "./target.ts";
import type { Target } from "./target.ts";
import type { DeleteStyle, TypeBehaviour } from "./types/behaviour.ts";
import { softDelete } from "./vaults/soft-delete.ts";
import { requireApiVersion } from "./validation.ts";

export async function deleteResource(cloud: Cloud, request: ArmRequest, target: Target): Promise<ArmAnswer> {
  requireApiVersion(queryValue(request.query, "api-version"));
  const { behaviour } = target;
  const resource = await findResource(cloud, target);
  if (resource === undefined) {
    await requireParents(cloud, target);
    return { status: 204 };
  }
  if (cloud.store.get(resource.id) === undefined) {
    throw new ArmError(
      405,
      "MethodNotAllowed",
      `'${resource.name}' comes with its parent and cannot be deleted.`,
    );
  }
  requireUnlocked(cloud, resource.id, "delete");
  if (resource.state === "Deleting") return deleting(cloud, request.origin, resource, behaviour.delete);
  if (isBusy(resource)) throw busy(behaviour, resource);
  const reason = behaviour.inUse?.(resource, cloud);
  if (reason !== undefined) throw reason;
  const isForced = queryValue(request.query, "force")?.toLowerCase() === "true";
  return startDelete(cloud, request.origin, resource, behaviour, isForced);
}

/** Deletes a resource that may be deleted, or starts the operation that does. */
export async function startDelete(
  cloud: Cloud,
  origin: string,
  resource: StoredResource,
  behaviour: TypeBehaviour,
  isForced = false,
): Promise<ArmAnswer> {
  const style = behaviour.delete;
  const { id: resourceId, type } = resource;
  if (style.operation === undefined) {
    return changeAsPlanned(cloud, { kind: "delete", type, resourceId }, async () => {
      if (!isForced) softDelete(cloud, resource);
      await removeTree(cloud, resourceId);
      return { status: style.accepted, outcome: { change: "delete", resourceId } };
    });
  }
  if (!isForced) softDelete(cloud, resource);
  const record = cloud.operations.record({ kind: "delete", resourceId, type });
  const leaving = { ...resource, state: "Deleting", operationId: record.id };
  cloud.store.put(leaving);
  void cloud.operations.run(record, queueKey(resource), () => removeTree(cloud, resource.id));
  const outcome = { change: "delete", resourceId, operationId: record.id } as const;
  return { ...deleting(cloud, origin, leaving, style), outcome };
}

/** The answer while it goes: a second DELETE joins the first. */
function deleting(cloud: Cloud, origin: string, resource: StoredResource, style: DeleteStyle): ArmAnswer {
  const record = resource.operationId === undefined ? undefined : cloud.operations.get(resource.operationId);
  if (record === undefined) return { status: style.accepted };
  return { status: 202, headers: operationHeaders(origin, resource, record, style.operation ?? "location") };
}

/** POST actions on a resource: the server's own first, then the table's. */
import { requireRight } from "./authorization.ts";
import type { Cloud } from "./cloud.ts";
import { badRequest, notFound, resourceNotFound } from "./errors.ts";
import type { ArmAnswer, ArmRequest } from "./http.ts";
import { queryValue } from "./http.ts";
import type { CollectionPath } from "./path.ts";
import { busy, findResource, targetOf } from "./target.ts";
import { isBusy } from "./put.ts";
import { requireApiVersion } from "./validation.ts";

export async function runAction(cloud: Cloud, request: ArmRequest, path: CollectionPath): Promise<ArmAnswer> {
  requireApiVersion(queryValue(request.query, "api-version"));
  const target = targetOf(cloud, { ...path, kind: "resource" });
  const { behaviour } = target;
  requireRight(cloud, request.caller, target.id, `${behaviour.type}/${path.last}/action`);
  const resource = await findResource(cloud, target);
  if (resource === undefined) throw resourceNotFound(behaviour.type, target.name, target.resourceGroup);
  const name = path.last.toLowerCase();
  const own = behaviour.actions?.[name];
  const server = cloud.backends.get(behaviour.type.toLowerCase())?.actions?.[name];
  if (own === undefined && server === undefined) {
    throw notFound(
      "InvalidResourceType",
      `The action '${path.last}' is not offered for resources of type '${behaviour.type}'.`,
    );
  }
  if (isBusy(resource)) throw busy(behaviour, resource);
  // A rule of the table comes first; without an answer of its own the server's counts.
  const context = { cloud, resource, body: request.body, query: request.query, caller: request.caller };
  const answered = (await own?.(context)) ?? (await server?.(resource, request.body, cloud.store));
  if (answered === undefined)
    throw badRequest("BadRequest", `No server stands behind '${resource.id}' to answer '${path.last}'.`);
  return { status: 200, body: answered };
}

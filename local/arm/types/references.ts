/** References between resources: whether they lead somewhere, and who holds them. */
import type { Cloud } from "../cloud.ts";
import type { ResourceView } from "../backend.ts";
import { badRequest } from "../errors.ts";
import { isRecord, listAt, stringAt } from "../http.ts";
import { idKey } from "../path.ts";
import type { StoredResource } from "../store.ts";

/** Throws 400 unless the id leads to a resource. What is not in the local cloud at all counts as not there. */
export function requireReference(
  cloud: Cloud,
  from: StoredResource,
  id: string | undefined,
  code = "InvalidResourceReference",
): void {
  if (id === undefined || cloud.store.get(id) !== undefined) return;
  throw badRequest(
    code,
    `Resource ${id} referenced by resource ${from.id} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`,
  );
}

/** The ids in a list of `{ id }`. */
export function idsAt(value: unknown, path: string): string[] {
  return listAt(value, path)
    .map((item) => (isRecord(item) ? item["id"] : undefined))
    .filter((id) => typeof id === "string");
}

/** Whether a string property of a resource leads to an id. */
export const pointsAt = (resource: { body: unknown }, path: string, id: string): boolean =>
  idKey(stringAt(resource.body, path) ?? "") === idKey(id);

/** Resources of a type that hold an id at a path. */
export function holders(view: ResourceView, type: string, path: string, id: string): { id: string }[] {
  return view
    .list(type)
    .filter((resource) => pointsAt(resource, path, id))
    .map((resource) => ({ id: resource.id }));
}

/** Everything that keeps a subnet in use: private endpoints, node pools, servers with an address in it. */
export function usersOfSubnet(view: ResourceView, id: string): { id: string }[] {
  return [
    ...holders(view, "Microsoft.Network/privateEndpoints", "properties.subnet.id", id),
    ...holders(view, "Microsoft.ContainerService/managedClusters/agentPools", "properties.vnetSubnetID", id),
    ...holders(
      view,
      "Microsoft.ContainerService/managedClusters",
      "properties.apiServerAccessProfile.subnetId",
      id,
    ),
    ...holders(
      view,
      "Microsoft.DBforPostgreSQL/flexibleServers",
      "properties.network.delegatedSubnetResourceId",
      id,
    ),
  ];
}

/** Virtual networks and their subnets, which are one thing seen from two sides. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import type { ArmError } from "../errors.ts";
import { badRequest } from "../errors.ts";
import { isRecord, listAt, merge, recordAt, stringAt, without } from "../http.ts";
import type { StoredResource } from "../store.ts";
import { isWithin, overlaps, parseRange } from "./addresses.ts";
import { asynchronous } from "./behaviour.ts";
import type { PutContext, TypeBehaviour } from "./behaviour.ts";
import { requireReference, usersOfSubnet } from "./references.ts";

const subnetType = "Microsoft.Network/virtualNetworks/subnets";

export const virtualNetworks: TypeBehaviour = {
  type: "Microsoft.Network/virtualNetworks",
  ...asynchronous,
  hasState: true,
  defaults: () => ({
    properties: {
      enableDdosProtection: false,
      virtualNetworkPeerings: [],
      privateEndpointVNetPolicies: "Disabled",
    },
  }),
  check: (context) => {
    const { cloud, resource } = context;
    for (const subnet of inlineSubnets(context) ?? []) {
      checkSubnet(
        cloud,
        resource,
        draftSubnet(context, subnet),
        inlineSubnets(context)?.map((one) => draftSubnet(context, one)),
      );
    }
    for (const gone of missingSubnets(context)) {
      const reason = inUseSubnet(gone, cloud);
      if (reason !== undefined) throw reason;
    }
  },
  outputs: ({ previous }) => (previous === undefined ? { properties: { resourceGuid: randomUUID() } } : {}),
  // A list is authoritative, no list leaves the subnets alone.
  stored: (context) => {
    const { cloud } = context;
    for (const gone of missingSubnets(context)) cloud.store.remove(gone.id);
    for (const subnet of inlineSubnets(context) ?? []) cloud.store.put(draftSubnet(context, subnet));
  },
  answer: (resource, cloud) => ({
    properties: { subnets: cloud.store.list(subnetType, resource.id).map(asMember) },
  }),
  inUse: (resource, cloud) =>
    cloud.store
      .list(subnetType, resource.id)
      .map((subnet) => inUseSubnet(subnet, cloud))
      .find((reason) => reason !== undefined),
};

export const subnets: TypeBehaviour = {
  type: subnetType,
  ...asynchronous,
  hasState: true,
  defaults: () => subnetDefaults,
  check: ({ cloud, resource, previous }) => {
    const parent = cloud.store.get(resource.id.split("/").slice(0, -2).join("/"));
    if (parent === undefined) return;
    checkSubnet(cloud, parent, resource);
    const [before, after] = [previous, resource].map((one) =>
      stringAt(one?.body, "properties.addressPrefix"),
    );
    if (before === undefined || before === after || usersOfSubnet(cloud.store, resource.id).length === 0)
      return;
    throw badRequest(
      "InUsePrefixCannotBeDeleted",
      `IP prefix ${before} of subnet ${resource.id} is in use and cannot be changed.`,
      "properties.addressPrefix",
    );
  },
  answer: (resource, { store }) => {
    const endpoints = store
      .list("Microsoft.Network/privateEndpoints")
      .filter(
        (one) => stringAt(one.body, "properties.subnet.id")?.toLowerCase() === resource.id.toLowerCase(),
      );
    return endpoints.length === 0
      ? {}
      : { properties: { privateEndpoints: endpoints.map(({ id }) => ({ id })) } };
  },
  inUse: inUseSubnet,
};

/** A subnet as its network's list shows it. */
const asMember = (subnet: StoredResource): Record<string, unknown> => ({
  id: subnet.id,
  name: subnet.name,
  type: subnet.type,
  etag: `W/"${subnet.etag}"`,
  properties: { ...recordAt(subnet.body, "properties"), provisioningState: subnet.state },
});

const subnetDefaults = {
  properties: {
    delegations: [],
    privateEndpointNetworkPolicies: "Disabled",
    privateLinkServiceNetworkPolicies: "Enabled",
  },
};

function inUseSubnet(subnet: StoredResource, cloud: Cloud): ArmError | undefined {
  const [user] = usersOfSubnet(cloud.store, subnet.id);
  if (user === undefined) return undefined;
  return badRequest(
    "InUseSubnetCannotBeDeleted",
    `Subnet ${subnet.name} is in use by ${user.id} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.`,
  );
}

function inlineSubnets({ resource }: PutContext): Record<string, unknown>[] | undefined {
  const list = recordAt(resource.body, "properties")["subnets"];
  return Array.isArray(list) ? list.filter(isRecord) : undefined;
}

function missingSubnets(context: PutContext): StoredResource[] {
  const listed = inlineSubnets(context);
  if (listed === undefined || context.previous === undefined) return [];
  const names = new Set(listed.map((subnet) => String(subnet["name"]).toLowerCase()));
  return context.cloud.store
    .list(subnetType, context.resource.id)
    .filter((subnet) => !names.has(subnet.name.toLowerCase()));
}

function draftSubnet({ cloud, resource }: PutContext, given: Record<string, unknown>): StoredResource {
  const name = typeof given["name"] === "string" ? given["name"] : "";
  const id = `${resource.id}/subnets/${name}`;
  const stored = cloud.store.get(id);
  const { properties } = merge(subnetDefaults, { properties: recordAt(given, "properties") });
  const kept = without(properties as Record<string, unknown>, "provisioningState");
  const common = without(resource, "location", "operationId");
  return {
    ...common,
    id: stored?.id ?? id,
    type: subnetType,
    name: stored?.name ?? name,
    body: { properties: kept },
    outputs: {},
    state: "Succeeded",
    createdAt: stored?.createdAt ?? resource.changedAt,
  };
}

function checkSubnet(
  cloud: Cloud,
  parent: StoredResource,
  subnet: StoredResource,
  siblings?: StoredResource[],
): void {
  const properties = recordAt(subnet.body, "properties");
  for (const name of ["networkSecurityGroup", "natGateway", "routeTable"]) {
    requireReference(cloud, subnet, stringAt(properties, `${name}.id`));
  }
  const prefix = prefixOf(subnet);
  const range = parseRange(prefix ?? "");
  if (prefix === undefined || range === undefined) return;
  const spaces = listAt(parent.body, "properties.addressSpace.addressPrefixes").map((space) =>
    parseRange(String(space)),
  );
  if (!spaces.some((space) => space !== undefined && isWithin(range, space))) {
    throw badRequest(
      "NetcfgInvalidSubnet",
      `Subnet '${subnet.name}' is not valid in virtual network '${parent.name}': its address range ${prefix} is outside the virtual network's.`,
      "properties.addressPrefix",
    );
  }
  for (const other of siblings ?? cloud.store.list(subnetType, parent.id)) {
    const otherRange = parseRange(prefixOf(other) ?? "");
    if (other.name.toLowerCase() === subnet.name.toLowerCase() || otherRange === undefined) continue;
    if (!overlaps(range, otherRange)) continue;
    throw badRequest(
      "NetcfgSubnetRangesOverlap",
      `Subnet '${subnet.name}' is not valid because its IP address range overlaps with that of an existing subnet '${other.name}' in virtual network '${parent.name}'.`,
      "properties.addressPrefix",
    );
  }
}

function prefixOf(subnet: StoredResource): string | undefined {
  const [first] = listAt(subnet.body, "properties.addressPrefixes");
  return stringAt(subnet.body, "properties.addressPrefix") ?? (typeof first === "string" ? first : undefined);
}

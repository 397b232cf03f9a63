/** Microsoft.Network without DNS. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import { badRequest } from "../errors.ts";
import { isRecord, listAt, stringAt } from "../http.ts";
import { idKey } from "../path.ts";
import type { StoredResource } from "../store.ts";
import { formatAddress, freePublicAddress, parseRange } from "./addresses.ts";
import { asynchronous } from "./behaviour.ts";
import type { PutContext, TypeBehaviour } from "./behaviour.ts";
import { holders, idsAt, requireReference } from "./references.ts";
import { subnets, virtualNetworks } from "./virtual-networks.ts";

/** A GUID per resource, kept. */
const guid = (): Record<string, unknown> => ({ properties: { resourceGuid: randomUUID() } });
const onceGuid = ({ previous }: PutContext): Record<string, unknown> =>
  previous === undefined ? guid() : {};

const subnetsWith = (view: Parameters<typeof holders>[0], path: string, id: string): { id: string }[] =>
  holders(view, "Microsoft.Network/virtualNetworks/subnets", path, id);

/** A list of named members as ARM shows them: with ids of their own. */
function withIds(resource: StoredResource, path: string, segment: string): unknown[] {
  return listAt(resource.body, path).map((item) =>
    isRecord(item)
      ? {
          ...item,
          id: `${resource.id}/${segment}/${typeof item["name"] === "string" ? item["name"] : ""}`,
          etag: `W/"${resource.etag}"`,
          properties: { ...(item["properties"] as object | undefined), provisioningState: "Succeeded" },
        }
      : item,
  );
}

const networkSecurityGroups: TypeBehaviour = {
  type: "Microsoft.Network/networkSecurityGroups",
  ...asynchronous,
  hasState: true,
  defaults: () => ({ properties: { securityRules: [] } }),
  outputs: onceGuid,
  answer: (resource, { store }) => ({
    properties: {
      securityRules: withIds(resource, "properties.securityRules", "securityRules"),
      defaultSecurityRules: [],
      subnets: subnetsWith(store, "properties.networkSecurityGroup.id", resource.id),
    },
  }),
  inUse: (resource, { store }) => {
    const [user] = subnetsWith(store, "properties.networkSecurityGroup.id", resource.id);
    return (
      user &&
      badRequest(
        "InUseNetworkSecurityGroupCannotBeDeleted",
        `Network security group ${resource.id} cannot be deleted because it is in use by the following resources: ${user.id}.`,
      )
    );
  },
};

const natGateways: TypeBehaviour = {
  type: "Microsoft.Network/natGateways",
  ...asynchronous,
  hasState: true,
  createOnly: [{ path: "sku.name" }, { path: "zones" }],
  defaults: () => ({ sku: { name: "Standard" }, properties: { idleTimeoutInMinutes: 4 } }),
  check: ({ cloud, resource }) => {
    for (const id of idsAt(resource.body, "properties.publicIpAddresses")) {
      requireReference(cloud, resource, id);
      const other = gatewayOf(cloud, id);
      if (other === undefined || idKey(other.id) === idKey(resource.id)) continue;
      throw badRequest(
        "PublicIPAddressInUse",
        `Resource ${resource.id} is referencing public IP address ${id} that is already allocated to resource ${other.id}.`,
      );
    }
  },
  outputs: onceGuid,
  answer: (resource, { store }) => ({
    properties: { subnets: subnetsWith(store, "properties.natGateway.id", resource.id) },
  }),
  inUse: (resource, { store }) => {
    const [user] = subnetsWith(store, "properties.natGateway.id", resource.id);
    return (
      user &&
      badRequest(
        "CannotDeleteNatGatewayAssociatedToSubnet",
        `NAT gateway ${resource.id} cannot be deleted because it is associated to the subnet ${user.id}.`,
      )
    );
  },
};

/** The NAT gateway that holds a public address. */
function gatewayOf(cloud: Cloud, addressId: string): StoredResource | undefined {
  return cloud.store
    .list("Microsoft.Network/natGateways")
    .find((one) =>
      idsAt(one.body, "properties.publicIpAddresses").some((id) => idKey(id) === idKey(addressId)),
    );
}

const publicIPAddresses: TypeBehaviour = {
  type: "Microsoft.Network/publicIPAddresses",
  ...asynchronous,
  hasState: true,
  createOnly: [
    { path: "zones" },
    { path: "sku.name" },
    { path: "sku.tier" },
    { path: "properties.publicIPAddressVersion" },
    { path: "properties.publicIPPrefix.id" },
    { path: "properties.ipTags" },
  ],
  defaults: () => ({
    sku: { name: "Basic", tier: "Regional" },
    properties: {
      publicIPAddressVersion: "IPv4",
      publicIPAllocationMethod: "Dynamic",
      idleTimeoutInMinutes: 4,
      ipTags: [],
      ddosSettings: { protectionMode: "VirtualNetworkInherited" },
    },
  }),
  check: ({ resource }) => {
    const isStatic = stringAt(resource.body, "properties.publicIPAllocationMethod") === "Static";
    if (stringAt(resource.body, "sku.name") === "Basic" || isStatic) return;
    throw badRequest(
      "StandardSkuPublicIPAddressesMustBeStatic",
      `Standard sku publicIp ${resource.id} must have AllocationMethod set to Static.`,
      "properties.publicIPAllocationMethod",
    );
  },
  outputs: ({ cloud, resource, previous }) => ({
    properties: {
      ipAddress:
        stringAt(previous?.outputs, "properties.ipAddress") ?? freePublicAddress(cloud.store, resource.id),
      resourceGuid: stringAt(previous?.outputs, "properties.resourceGuid") ?? randomUUID(),
      ...domainName(resource),
    },
  }),
  answer: (resource, cloud) => {
    const gateway = gatewayOf(cloud, resource.id);
    return gateway === undefined ? {} : { properties: { natGateway: { id: gateway.id } } };
  },
  inUse: (resource, cloud) => {
    const gateway = gatewayOf(cloud, resource.id);
    if (gateway === undefined) return undefined;
    return badRequest(
      "PublicIPAddressCannotBeDeleted",
      `Public IP address ${resource.id} can not be deleted since it is still allocated to resource ${gateway.id}. In order to delete the public IP, disassociate/detach the Public IP address from the resource.`,
    );
  },
};

function domainName(resource: StoredResource): Record<string, unknown> {
  const label = stringAt(resource.body, "properties.dnsSettings.domainNameLabel");
  if (label === undefined) return {};
  return {
    dnsSettings: { domainNameLabel: label, fqdn: `${label}.${resource.location ?? ""}.cloudapp.azure.com` },
  };
}

const connectionLists = ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"] as const;

const privateEndpoints: TypeBehaviour = {
  type: "Microsoft.Network/privateEndpoints",
  ...asynchronous,
  hasState: true,
  createOnly: [{ path: "properties.subnet.id" }, { path: "properties.customNetworkInterfaceName" }],
  defaults: () => ({
    properties: {
      privateLinkServiceConnections: [],
      manualPrivateLinkServiceConnections: [],
      customNetworkInterfaceName: "",
      ipConfigurations: [],
    },
  }),
  check: ({ cloud, resource }) => {
    requireReference(cloud, resource, stringAt(resource.body, "properties.subnet.id"));
    const connections = connectionLists.flatMap((list) => listAt(resource.body, `properties.${list}`));
    if (connections.length === 0) {
      throw badRequest(
        "PrivateEndpointMustHaveConnection",
        `Private endpoint ${resource.id} must have a private link service connection.`,
      );
    }
    for (const one of connections) {
      requireReference(cloud, resource, stringAt(one, "properties.privateLinkServiceId"));
    }
  },
  outputs: ({ cloud, resource, previous }) => ({
    properties: {
      networkInterfaces: [
        {
          id: `${resource.id.replace(/\/privateEndpoints\/.*$/, "")}/networkInterfaces/${resource.name}.nic`,
        },
      ],
      customDnsConfigs: listAt(previous?.outputs, "properties.customDnsConfigs").concat(
        previous === undefined ? privateAddress(cloud, resource) : [],
      ),
    },
  }),
  answer: (resource) => ({
    properties: Object.fromEntries(
      connectionLists.map((list) => [list, withIds(resource, `properties.${list}`, list).map(approved)]),
    ),
  }),
};

/** Own resources approve at once. */
function approved(connection: unknown): unknown {
  if (!isRecord(connection)) return connection;
  const state = { status: "Approved", description: "Auto-Approved", actionsRequired: "None" };
  return {
    ...connection,
    properties: { ...(connection["properties"] as object), privateLinkServiceConnectionState: state },
  };
}

/** The endpoint's name and an address of its subnet that no other endpoint has. */
function privateAddress(cloud: Cloud, resource: StoredResource): unknown[] {
  const subnetId = stringAt(resource.body, "properties.subnet.id") ?? "";
  const range = parseRange(stringAt(cloud.store.get(subnetId)?.body, "properties.addressPrefix") ?? "");
  const [connection] = listAt(resource.body, "properties.privateLinkServiceConnections");
  const target = stringAt(connection, "properties.privateLinkServiceId")?.split("/").at(-1) ?? resource.name;
  if (range === undefined) return [{ fqdn: target, ipAddresses: [] }];
  const taken = cloud.store
    .list("Microsoft.Network/privateEndpoints")
    .flatMap((one) => listAt(one.body, "properties.customDnsConfigs"))
    .flatMap((one) => listAt(one, "ipAddresses"));
  // Azure keeps the first four addresses of a subnet for itself.
  let address = range.first + 4;
  while (taken.includes(formatAddress(address)) && address < range.last) address++;
  return [{ fqdn: target, ipAddresses: [formatAddress(address)] }];
}

const privateDnsZoneGroups: TypeBehaviour = {
  type: "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
  ...asynchronous,
  hasState: true,
  check: ({ cloud, resource }) => {
    for (const config of listAt(resource.body, "properties.privateDnsZoneConfigs")) {
      requireReference(cloud, resource, stringAt(config, "properties.privateDnsZoneId"));
    }
  },
};

const privateLinkServices: TypeBehaviour = {
  type: "Microsoft.Network/privateLinkServices",
  ...asynchronous,
  hasState: true,
  outputs: ({ resource, previous }) =>
    previous === undefined
      ? {
          properties: {
            alias: `${resource.name}.${randomUUID()}.${resource.location ?? ""}.azure.privatelinkservice`,
          },
        }
      : {},
};

export const network: TypeBehaviour[] = [
  virtualNetworks,
  subnets,
  networkSecurityGroups,
  natGateways,
  publicIPAddresses,
  privateEndpoints,
  privateDnsZoneGroups,
  privateLinkServices,
];

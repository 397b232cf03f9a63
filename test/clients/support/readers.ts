/** How Microsoft's clients get and list a resource of each type that the stacks declare, by its id. */
import type { Clients } from "./clients.ts";
import { versionOf } from "./clients.ts";

export interface Read {
  id?: string | undefined;
  name?: string | undefined;
  location?: string | undefined;
  tags?: Record<string, string> | undefined;
}

/** Passed on to the client; tells of the answer as ARM wrote it, before the client makes its own object of it. */
export interface Options {
  onResponse?: (response: { bodyAsText?: string | null }) => void;
}

export interface Place {
  id: string;
  group: string;
  /** Of the resource and, before it, of those it is in. */
  names: [string, string, string];
  /** Of an extension: what it is on. */
  scope: string;
}

interface Reader {
  get: (clients: Clients, place: Place, options: Options) => Promise<Read>;
  /** Undefined where the clients have no list of it. */
  list?: (clients: Clients, place: Place) => AsyncIterable<Read>;
}

export function placeOf(id: string): Place {
  const at = id.lastIndexOf("/providers/");
  const segments = id.slice(at + 1).split("/");
  const [first = "", second = "", third = ""] = segments.filter((_, i) => i >= 3 && i % 2 === 1);
  return {
    id,
    group: /\/resourceGroups\/([^/]+)/i.exec(id)?.[1] ?? "",
    names: [first, second, third],
    scope: id.slice(0, at),
  };
}

const network: Record<string, Reader> = {
  virtualNetworks: {
    get: (c, { group, names: [n] }, o) => c.network.virtualNetworks.get(group, n, o),
    list: (c, { group }) => c.network.virtualNetworks.list(group),
  },
  "virtualNetworks/subnets": {
    get: (c, { group, names: [net, n] }, o) => c.network.subnets.get(group, net, n, o),
    list: (c, { group, names: [net] }) => c.network.subnets.list(group, net),
  },
  networkSecurityGroups: {
    get: (c, { group, names: [n] }, o) => c.network.networkSecurityGroups.get(group, n, o),
    list: (c, { group }) => c.network.networkSecurityGroups.list(group),
  },
  natGateways: {
    get: (c, { group, names: [n] }, o) => c.network.natGateways.get(group, n, o),
    list: (c, { group }) => c.network.natGateways.list(group),
  },
  publicIPAddresses: {
    get: (c, { group, names: [n] }, o) => c.network.publicIPAddresses.get(group, n, o),
    list: (c, { group }) => c.network.publicIPAddresses.list(group),
  },
  privateEndpoints: {
    get: (c, { group, names: [n] }, o) => c.network.privateEndpoints.get(group, n, o),
    list: (c, { group }) => c.network.privateEndpoints.list(group),
  },
  "privateEndpoints/privateDnsZoneGroups": {
    get: (c, { group, names: [e, n] }, o) => c.network.privateDnsZoneGroups.get(group, e, n, o),
    list: (c, { group, names: [e] }) => c.network.privateDnsZoneGroups.list(e, group),
  },
  privateDnsZones: {
    get: (c, { group, names: [n] }, o) => c.privateDns.privateZones.get(group, n, o),
    list: (c, { group }) => c.privateDns.privateZones.listByResourceGroup(group),
  },
  "privateDnsZones/virtualNetworkLinks": {
    get: (c, { group, names: [z, n] }, o) => c.privateDns.virtualNetworkLinks.get(group, z, n, o),
    list: (c, { group, names: [z] }) => c.privateDns.virtualNetworkLinks.list(group, z),
  },
  dnsZones: {
    get: (c, { group, names: [n] }, o) => c.dns.zones.get(group, n, o),
    list: (c, { group }) => c.dns.zones.listByResourceGroup(group),
  },
  ...Object.fromEntries(
    (["A", "CNAME", "NS", "TXT"] as const).map((type): [string, Reader] => [
      `dnsZones/${type}`,
      {
        get: (c, { group, names: [z, n] }, o) => c.dns.recordSets.get(group, z, n, type, o),
        list: (c, { group, names: [z] }) => c.dns.recordSets.listByType(group, z, type),
      },
    ]),
  ),
};

const containers: Record<string, Reader> = {
  managedClusters: {
    get: (c, { group, names: [n] }, o) => c.containers.managedClusters.get(group, n, o),
    list: (c, { group }) => c.containers.managedClusters.listByResourceGroup(group),
  },
  "managedClusters/agentPools": {
    get: (c, { group, names: [k, n] }, o) => c.containers.agentPools.get(group, k, n, o),
    list: (c, { group, names: [k] }) => c.containers.agentPools.list(group, k),
  },
  "managedClusters/maintenanceConfigurations": {
    get: (c, { group, names: [k, n] }, o) => c.containers.maintenanceConfigurations.get(group, k, n, o),
    list: (c, { group, names: [k] }) => c.containers.maintenanceConfigurations.listByManagedCluster(group, k),
  },
};

const stores: Record<string, Reader> = {
  "Microsoft.Storage/storageAccounts": {
    get: (c, { group, names: [n] }, o) => c.storage.storageAccounts.getProperties(group, n, o),
    list: (c, { group }) => c.storage.storageAccounts.listByResourceGroup(group),
  },
  "Microsoft.Storage/storageAccounts/blobServices/containers": {
    get: (c, { group, names: [a, , n] }, o) => c.storage.blobContainers.get(group, a, n, o),
    list: (c, { group, names: [a] }) => c.storage.blobContainers.list(group, a),
  },
  "Microsoft.KeyVault/vaults": {
    get: (c, { group, names: [n] }, o) => c.vaults.vaults.get(group, n, o),
    list: (c, { group }) => c.vaults.vaults.listByResourceGroup(group),
  },
  "Microsoft.KeyVault/vaults/secrets": {
    get: (c, { group, names: [v, n] }, o) => c.vaults.secrets.get(group, v, n, o),
    list: (c, { group, names: [v] }) => c.vaults.secrets.list(group, v),
  },
  "Microsoft.DBforPostgreSQL/flexibleServers": {
    get: (c, { group, names: [n] }, o) => c.postgres.servers.get(group, n, o),
    list: (c, { group }) => c.postgres.servers.listByResourceGroup(group),
  },
  "Microsoft.DBforPostgreSQL/flexibleServers/databases": {
    get: (c, { group, names: [s, n] }, o) => c.postgres.databases.get(group, s, n, o),
    list: (c, { group, names: [s] }) => c.postgres.databases.listByServer(group, s),
  },
  "Microsoft.DBforPostgreSQL/flexibleServers/configurations": {
    get: (c, { group, names: [s, n] }, o) => c.postgres.configurations.get(group, s, n, o),
    list: (c, { group, names: [s] }) => c.postgres.configurations.listByServer(group, s),
  },
  "Microsoft.Cache/redisEnterprise": {
    get: (c, { group, names: [n] }, o) => c.redis.redisEnterprise.get(group, n, o),
    list: (c, { group }) => c.redis.redisEnterprise.listByResourceGroup(group),
  },
  "Microsoft.Cache/redisEnterprise/databases": {
    get: (c, { group, names: [r, n] }, o) => c.redis.databases.get(group, r, n, o),
    list: (c, { group, names: [r] }) => c.redis.databases.listByCluster(group, r),
  },
  "Microsoft.EventHub/namespaces": {
    get: (c, { group, names: [n] }, o) => c.events.namespaces.get(group, n, o),
    list: (c, { group }) => c.events.namespaces.listByResourceGroup(group),
  },
  "Microsoft.EventHub/namespaces/eventhubs": {
    get: (c, { group, names: [s, n] }, o) => c.events.eventHubs.get(group, s, n, o),
    list: (c, { group, names: [s] }) => c.events.eventHubs.listByNamespace(group, s),
  },
  "Microsoft.EventHub/namespaces/eventhubs/consumergroups": {
    get: (c, { group, names: [s, h, n] }, o) => c.events.consumerGroups.get(group, s, h, n, o),
    list: (c, { group, names: [s, h] }) => c.events.consumerGroups.listByEventHub(group, s, h),
  },
};

const access: Record<string, Reader> = {
  "Microsoft.Resources/resourceGroups": {
    get: (c, { group }, o) => c.resources.resourceGroups.get(group, o),
    list: (c) => c.resources.resourceGroups.list(),
  },
  "Microsoft.ManagedIdentity/userAssignedIdentities": {
    get: (c, { group, names: [n] }, o) => c.identities.userAssignedIdentities.get(group, n, o),
    list: (c, { group }) => c.identities.userAssignedIdentities.listByResourceGroup(group),
  },
  "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": {
    get: (c, { group, names: [i, n] }, o) => c.identities.federatedIdentityCredentials.get(group, i, n, o),
    list: (c, { group, names: [i] }) => c.identities.federatedIdentityCredentials.list(group, i),
  },
  "Microsoft.Authorization/roleAssignments": {
    get: (c, { scope, names: [n] }, o) => c.authorization.roleAssignments.get(scope.slice(1), n, o),
    list: (c, { scope }) => c.authorization.roleAssignments.listForScope(scope.slice(1)),
  },
};

/** By id and version, with the generic client; extensions are on no list of it. */
function generic(type: string, isExtension = false): [string, Reader] {
  return [
    type,
    {
      get: (c, { id }, o) => c.resources.resources.getById(id, versionOf(type), o),
      ...(isExtension ? {} : { list: (c, { group }) => c.resources.resources.listByResourceGroup(group) }),
    },
  ];
}

const below = (namespace: string, table: Record<string, Reader>): [string, Reader][] =>
  Object.entries(table).map(([type, reader]) => [`${namespace}/${type}`, reader]);

export const readers: ReadonlyMap<string, Reader> = new Map([
  ...below("Microsoft.Network", network),
  ...below("Microsoft.ContainerService", containers),
  ...Object.entries({ ...stores, ...access }),
  generic("Microsoft.OperationalInsights/workspaces"),
  generic("Microsoft.Insights/components"),
  generic("Microsoft.Monitor/accounts"),
  generic("Microsoft.Insights/dataCollectionEndpoints"),
  generic("Microsoft.Insights/dataCollectionRules"),
  generic("Microsoft.Insights/dataCollectionRuleAssociations", true),
  generic("Microsoft.Insights/diagnosticSettings", true),
  generic("Microsoft.AlertsManagement/prometheusRuleGroups"),
  generic("Microsoft.Dashboard/grafana"),
]);

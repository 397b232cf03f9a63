/** How Microsoft's clients make, read, list and delete each type that the stacks declare. */
import type { Clients } from "./clients.ts";
import { versionOf } from "./clients.ts";
import type { Ids, Sample } from "../../local/arm/support/samples.ts";
import { sampleOf } from "../../local/arm/support/samples.ts";

export interface Place {
  clients: Clients;
  group: string;
  /** Short and unique, for names that are so over all of Azure. */
  word: string;
  /** Of a resource that `needs` made, or of this one. */
  id: (type: string) => string;
}

interface Made {
  id?: string | undefined;
}

export interface Row {
  type: string;
  needs: string[];
  make: (place: Place) => Promise<Made>;
  read: (place: Place) => Promise<Made>;
  /** Undefined where the clients have no list of it. */
  list?: (place: Place) => AsyncIterable<Made>;
  /** Undefined where ARM has none. */
  remove?: (place: Place) => Promise<unknown>;
}

const location = "westeurope";
const vnet = "Microsoft.Network/virtualNetworks";
const subnet = `${vnet}/subnets`;
const zone = "Microsoft.Network/dnsZones";
const privateZone = "Microsoft.Network/privateDnsZones";
const endpoint = "Microsoft.Network/privateEndpoints";
const cluster = "Microsoft.ContainerService/managedClusters";
const account = "Microsoft.Storage/storageAccounts";
const vault = "Microsoft.KeyVault/vaults";
const identity = "Microsoft.ManagedIdentity/userAssignedIdentities";
const server = "Microsoft.DBforPostgreSQL/flexibleServers";
const redis = "Microsoft.Cache/redisEnterprise";
const hubs = "Microsoft.EventHub/namespaces";
const hub = `${hubs}/eventhubs`;
const assignment = "0f0f0f0f-1111-4222-8333-444455556666";
const principalId = "0f0f0f0f-1111-4222-8333-444455556667";

const row = (type: string, needs: string[], rest: Omit<Row, "type" | "needs">): Row => ({
  type,
  needs,
  ...rest,
});

const networkRows: Row[] = [
  row(vnet, [], {
    make: ({ clients, group }) =>
      clients.network.virtualNetworks.beginCreateOrUpdateAndWait(group, "net", {
        location,
        addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
      }),
    read: ({ clients, group }) => clients.network.virtualNetworks.get(group, "net"),
    list: ({ clients, group }) => clients.network.virtualNetworks.list(group),
    remove: ({ clients, group }) => clients.network.virtualNetworks.beginDeleteAndWait(group, "net"),
  }),
  row(subnet, [vnet], {
    make: ({ clients, group }) =>
      clients.network.subnets.beginCreateOrUpdateAndWait(group, "net", "a", { addressPrefix: "10.0.0.0/24" }),
    read: ({ clients, group }) => clients.network.subnets.get(group, "net", "a"),
    list: ({ clients, group }) => clients.network.subnets.list(group, "net"),
    remove: ({ clients, group }) => clients.network.subnets.beginDeleteAndWait(group, "net", "a"),
  }),
  row("Microsoft.Network/networkSecurityGroups", [], {
    make: ({ clients, group }) =>
      clients.network.networkSecurityGroups.beginCreateOrUpdateAndWait(group, "nsg", { location }),
    read: ({ clients, group }) => clients.network.networkSecurityGroups.get(group, "nsg"),
    list: ({ clients, group }) => clients.network.networkSecurityGroups.list(group),
    remove: ({ clients, group }) => clients.network.networkSecurityGroups.beginDeleteAndWait(group, "nsg"),
  }),
  row("Microsoft.Network/natGateways", [], {
    make: ({ clients, group }) =>
      clients.network.natGateways.beginCreateOrUpdateAndWait(group, "nat", {
        location,
        sku: { name: "Standard" },
      }),
    read: ({ clients, group }) => clients.network.natGateways.get(group, "nat"),
    list: ({ clients, group }) => clients.network.natGateways.list(group),
    remove: ({ clients, group }) => clients.network.natGateways.beginDeleteAndWait(group, "nat"),
  }),
  row("Microsoft.Network/publicIPAddresses", [], {
    make: ({ clients, group }) =>
      clients.network.publicIPAddresses.beginCreateOrUpdateAndWait(group, "ip", {
        location,
        sku: { name: "Standard" },
        publicIPAllocationMethod: "Static",
      }),
    read: ({ clients, group }) => clients.network.publicIPAddresses.get(group, "ip"),
    list: ({ clients, group }) => clients.network.publicIPAddresses.list(group),
    remove: ({ clients, group }) => clients.network.publicIPAddresses.beginDeleteAndWait(group, "ip"),
  }),
  row(endpoint, [subnet, account], {
    make: ({ clients, group, id }) =>
      clients.network.privateEndpoints.beginCreateOrUpdateAndWait(group, "pe", {
        location,
        subnet: { id: id(subnet) },
        privateLinkServiceConnections: [{ name: "c", privateLinkServiceId: id(account), groupIds: ["blob"] }],
      }),
    read: ({ clients, group }) => clients.network.privateEndpoints.get(group, "pe"),
    list: ({ clients, group }) => clients.network.privateEndpoints.list(group),
    remove: ({ clients, group }) => clients.network.privateEndpoints.beginDeleteAndWait(group, "pe"),
  }),
  row(`${endpoint}/privateDnsZoneGroups`, [endpoint, privateZone], {
    make: ({ clients, group, id }) =>
      clients.network.privateDnsZoneGroups.beginCreateOrUpdateAndWait(group, "pe", "default", {
        privateDnsZoneConfigs: [{ name: "z", privateDnsZoneId: id(privateZone) }],
      }),
    read: ({ clients, group }) => clients.network.privateDnsZoneGroups.get(group, "pe", "default"),
    list: ({ clients, group }) => clients.network.privateDnsZoneGroups.list("pe", group),
    remove: ({ clients, group }) =>
      clients.network.privateDnsZoneGroups.beginDeleteAndWait(group, "pe", "default"),
  }),
  row(zone, [], {
    make: ({ clients, group }) => clients.dns.zones.createOrUpdate(group, "b.test", { location: "global" }),
    read: ({ clients, group }) => clients.dns.zones.get(group, "b.test"),
    list: ({ clients, group }) => clients.dns.zones.listByResourceGroup(group),
    remove: ({ clients, group }) => clients.dns.zones.beginDeleteAndWait(group, "b.test"),
  }),
  row(`${zone}/A`, [zone], {
    make: ({ clients, group }) =>
      clients.dns.recordSets.createOrUpdate(group, "b.test", "api", "A", {
        ttl: 60,
        aRecords: [{ ipv4Address: "198.18.0.4" }],
      }),
    read: ({ clients, group }) => clients.dns.recordSets.get(group, "b.test", "api", "A"),
    list: ({ clients, group }) => clients.dns.recordSets.listByType(group, "b.test", "A"),
    remove: ({ clients, group }) => clients.dns.recordSets.delete(group, "b.test", "api", "A"),
  }),
  row(privateZone, [], {
    make: ({ clients, group }) =>
      clients.privateDns.privateZones.beginCreateOrUpdateAndWait(group, "a.test", { location: "global" }),
    read: ({ clients, group }) => clients.privateDns.privateZones.get(group, "a.test"),
    list: ({ clients, group }) => clients.privateDns.privateZones.listByResourceGroup(group),
    remove: ({ clients, group }) => clients.privateDns.privateZones.beginDeleteAndWait(group, "a.test"),
  }),
  row(`${privateZone}/A`, [privateZone], {
    make: ({ clients, group }) =>
      clients.privateDns.recordSets.createOrUpdate(group, "a.test", "A", "www", {
        ttl: 60,
        aRecords: [{ ipv4Address: "10.0.0.4" }],
      }),
    read: ({ clients, group }) => clients.privateDns.recordSets.get(group, "a.test", "A", "www"),
    list: ({ clients, group }) => clients.privateDns.recordSets.listByType(group, "a.test", "A"),
    remove: ({ clients, group }) => clients.privateDns.recordSets.delete(group, "a.test", "A", "www"),
  }),
  row(`${privateZone}/virtualNetworkLinks`, [privateZone, vnet], {
    make: ({ clients, group, id }) =>
      clients.privateDns.virtualNetworkLinks.beginCreateOrUpdateAndWait(group, "a.test", "l", {
        location: "global",
        virtualNetwork: { id: id(vnet) },
        registrationEnabled: false,
      }),
    read: ({ clients, group }) => clients.privateDns.virtualNetworkLinks.get(group, "a.test", "l"),
    list: ({ clients, group }) => clients.privateDns.virtualNetworkLinks.list(group, "a.test"),
    remove: ({ clients, group }) =>
      clients.privateDns.virtualNetworkLinks.beginDeleteAndWait(group, "a.test", "l"),
  }),
];

const clusterRows: Row[] = [
  row(cluster, [], {
    make: ({ clients, group }) =>
      clients.containers.managedClusters.beginCreateOrUpdateAndWait(group, "k8s", {
        location,
        identity: { type: "SystemAssigned" },
        dnsPrefix: "k8s",
        agentPoolProfiles: [{ name: "system", mode: "System", count: 1, vmSize: "Standard_D2ds_v5" }],
      }),
    read: ({ clients, group }) => clients.containers.managedClusters.get(group, "k8s"),
    list: ({ clients, group }) => clients.containers.managedClusters.listByResourceGroup(group),
    remove: ({ clients, group }) => clients.containers.managedClusters.beginDeleteAndWait(group, "k8s"),
  }),
  row(`${cluster}/agentPools`, [cluster], {
    make: ({ clients, group }) =>
      clients.containers.agentPools.beginCreateOrUpdateAndWait(group, "k8s", "user", {
        count: 1,
        vmSize: "Standard_D4ds_v5",
        mode: "User",
      }),
    read: ({ clients, group }) => clients.containers.agentPools.get(group, "k8s", "user"),
    list: ({ clients, group }) => clients.containers.agentPools.list(group, "k8s"),
    remove: ({ clients, group }) => clients.containers.agentPools.beginDeleteAndWait(group, "k8s", "user"),
  }),
  row(`${cluster}/maintenanceConfigurations`, [cluster], {
    make: ({ clients, group }) =>
      clients.containers.maintenanceConfigurations.createOrUpdate(group, "k8s", "default", {
        timeInWeek: [{ day: "Sunday", hourSlots: [1] }],
      }),
    read: ({ clients, group }) => clients.containers.maintenanceConfigurations.get(group, "k8s", "default"),
    list: ({ clients, group }) =>
      clients.containers.maintenanceConfigurations.listByManagedCluster(group, "k8s"),
    remove: ({ clients, group }) =>
      clients.containers.maintenanceConfigurations.delete(group, "k8s", "default"),
  }),
];

const storeRows: Row[] = [
  row(account, [], {
    make: ({ clients, group, word }) =>
      clients.storage.storageAccounts.beginCreateAndWait(group, `st${word}`, {
        location,
        kind: "StorageV2",
        sku: { name: "Standard_LRS" },
      }),
    read: ({ clients, group, word }) => clients.storage.storageAccounts.getProperties(group, `st${word}`),
    list: ({ clients, group }) => clients.storage.storageAccounts.listByResourceGroup(group),
    remove: ({ clients, group, word }) => clients.storage.storageAccounts.delete(group, `st${word}`),
  }),
  row(`${account}/blobServices/containers`, [account], {
    make: ({ clients, group, word }) => clients.storage.blobContainers.create(group, `st${word}`, "data", {}),
    read: ({ clients, group, word }) => clients.storage.blobContainers.get(group, `st${word}`, "data"),
    list: ({ clients, group, word }) => clients.storage.blobContainers.list(group, `st${word}`),
    remove: ({ clients, group, word }) => clients.storage.blobContainers.delete(group, `st${word}`, "data"),
  }),
  row(`${account}/managementPolicies`, [account], {
    make: ({ clients, group, word }) =>
      clients.storage.managementPolicies.createOrUpdate(group, `st${word}`, "default", {
        policy: {
          rules: [
            {
              name: "old",
              type: "Lifecycle",
              enabled: true,
              definition: {
                filters: { blobTypes: ["blockBlob"] },
                actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 30 } } },
              },
            },
          ],
        },
      }),
    read: ({ clients, group, word }) => clients.storage.managementPolicies.get(group, `st${word}`, "default"),
    remove: ({ clients, group, word }) =>
      clients.storage.managementPolicies.delete(group, `st${word}`, "default"),
  }),
  row(vault, [], {
    make: ({ clients, group, word }) =>
      clients.vaults.vaults.beginCreateOrUpdateAndWait(group, `kv-${word}`, {
        location,
        properties: {
          tenantId: clients.tenantId,
          sku: { family: "A", name: "standard" },
          enableRbacAuthorization: true,
        },
      }),
    read: ({ clients, group, word }) => clients.vaults.vaults.get(group, `kv-${word}`),
    list: ({ clients, group }) => clients.vaults.vaults.listByResourceGroup(group),
    remove: ({ clients, group, word }) => clients.vaults.vaults.delete(group, `kv-${word}`),
  }),
  row(`${vault}/secrets`, [vault], {
    make: ({ clients, group, word }) =>
      clients.vaults.secrets.createOrUpdate(group, `kv-${word}`, "one", { properties: { value: "hidden" } }),
    read: ({ clients, group, word }) => clients.vaults.secrets.get(group, `kv-${word}`, "one"),
    list: ({ clients, group, word }) => clients.vaults.secrets.list(group, `kv-${word}`),
  }),
  row(server, [], {
    make: ({ clients, group, word }) =>
      clients.postgres.servers.beginCreateOrUpdateAndWait(group, `pg-${word}`, {
        location,
        sku: { name: "Standard_D2ds_v5", tier: "GeneralPurpose" },
        administratorLogin: "boss",
        administratorLoginPassword: "Secret-0123456789",
        version: "16",
      }),
    read: ({ clients, group, word }) => clients.postgres.servers.get(group, `pg-${word}`),
    list: ({ clients, group }) => clients.postgres.servers.listByResourceGroup(group),
    remove: ({ clients, group, word }) => clients.postgres.servers.beginDeleteAndWait(group, `pg-${word}`),
  }),
  row(`${server}/databases`, [server], {
    make: ({ clients, group, word }) =>
      clients.postgres.databases.beginCreateAndWait(group, `pg-${word}`, "query", {}),
    read: ({ clients, group, word }) => clients.postgres.databases.get(group, `pg-${word}`, "query"),
    list: ({ clients, group, word }) => clients.postgres.databases.listByServer(group, `pg-${word}`),
    remove: ({ clients, group, word }) =>
      clients.postgres.databases.beginDeleteAndWait(group, `pg-${word}`, "query"),
  }),
  row(`${server}/firewallRules`, [server], {
    make: ({ clients, group, word }) =>
      clients.postgres.firewallRules.beginCreateOrUpdateAndWait(group, `pg-${word}`, "all", {
        startIpAddress: "0.0.0.0",
        endIpAddress: "0.0.0.0",
      }),
    read: ({ clients, group, word }) => clients.postgres.firewallRules.get(group, `pg-${word}`, "all"),
    list: ({ clients, group, word }) => clients.postgres.firewallRules.listByServer(group, `pg-${word}`),
    remove: ({ clients, group, word }) =>
      clients.postgres.firewallRules.beginDeleteAndWait(group, `pg-${word}`, "all"),
  }),
  row(`${server}/configurations`, [server], {
    make: ({ clients, group, word }) =>
      clients.postgres.configurations.beginPutAndWait(group, `pg-${word}`, "work_mem", {
        value: "8192",
        source: "user-override",
      }),
    read: ({ clients, group, word }) => clients.postgres.configurations.get(group, `pg-${word}`, "work_mem"),
    list: ({ clients, group, word }) => clients.postgres.configurations.listByServer(group, `pg-${word}`),
  }),
  row(redis, [], {
    make: ({ clients, group, word }) =>
      clients.redis.redisEnterprise.beginCreateAndWait(group, `cache-${word}`, {
        location,
        sku: { name: "Balanced_B5" },
      }),
    read: ({ clients, group, word }) => clients.redis.redisEnterprise.get(group, `cache-${word}`),
    list: ({ clients, group }) => clients.redis.redisEnterprise.listByResourceGroup(group),
    remove: ({ clients, group, word }) =>
      clients.redis.redisEnterprise.beginDeleteAndWait(group, `cache-${word}`),
  }),
  row(`${redis}/databases`, [redis], {
    make: ({ clients, group, word }) =>
      clients.redis.databases.beginCreateAndWait(group, `cache-${word}`, "default", {
        clientProtocol: "Encrypted",
      }),
    read: ({ clients, group, word }) => clients.redis.databases.get(group, `cache-${word}`, "default"),
    list: ({ clients, group, word }) => clients.redis.databases.listByCluster(group, `cache-${word}`),
    remove: ({ clients, group, word }) =>
      clients.redis.databases.beginDeleteAndWait(group, `cache-${word}`, "default"),
  }),
  row(hubs, [], {
    make: ({ clients, group, word }) =>
      clients.events.namespaces.beginCreateOrUpdateAndWait(group, `eh-${word}`, {
        location,
        sku: { name: "Standard", tier: "Standard", capacity: 1 },
      }),
    read: ({ clients, group, word }) => clients.events.namespaces.get(group, `eh-${word}`),
    list: ({ clients, group }) => clients.events.namespaces.listByResourceGroup(group),
    remove: ({ clients, group, word }) => clients.events.namespaces.beginDeleteAndWait(group, `eh-${word}`),
  }),
  row(hub, [hubs], {
    make: ({ clients, group, word }) =>
      clients.events.eventHubs.createOrUpdate(group, `eh-${word}`, "topic", { partitionCount: 3 }),
    read: ({ clients, group, word }) => clients.events.eventHubs.get(group, `eh-${word}`, "topic"),
    list: ({ clients, group, word }) => clients.events.eventHubs.listByNamespace(group, `eh-${word}`),
    remove: ({ clients, group, word }) => clients.events.eventHubs.delete(group, `eh-${word}`, "topic"),
  }),
  row(`${hub}/consumergroups`, [hub], {
    make: ({ clients, group, word }) =>
      clients.events.consumerGroups.createOrUpdate(group, `eh-${word}`, "topic", "g", {}),
    read: ({ clients, group, word }) => clients.events.consumerGroups.get(group, `eh-${word}`, "topic", "g"),
    list: ({ clients, group, word }) =>
      clients.events.consumerGroups.listByEventHub(group, `eh-${word}`, "topic"),
    remove: ({ clients, group, word }) =>
      clients.events.consumerGroups.delete(group, `eh-${word}`, "topic", "g"),
  }),
];

const groupScope = ({ clients, group }: Place): string =>
  `/subscriptions/${clients.subscriptionId}/resourceGroups/${group}`;

const accessRows: Row[] = [
  row(identity, [], {
    make: ({ clients, group }) =>
      clients.identities.userAssignedIdentities.createOrUpdate(group, "id", { location }),
    read: ({ clients, group }) => clients.identities.userAssignedIdentities.get(group, "id"),
    list: ({ clients, group }) => clients.identities.userAssignedIdentities.listByResourceGroup(group),
    remove: ({ clients, group }) => clients.identities.userAssignedIdentities.delete(group, "id"),
  }),
  row(`${identity}/federatedIdentityCredentials`, [identity], {
    make: ({ clients, group }) =>
      clients.identities.federatedIdentityCredentials.createOrUpdate(group, "id", "fic", {
        issuer: "https://issuer.test/",
        subject: "system:serviceaccount:a:b",
        audiences: ["api://AzureADTokenExchange"],
      }),
    read: ({ clients, group }) => clients.identities.federatedIdentityCredentials.get(group, "id", "fic"),
    list: ({ clients, group }) => clients.identities.federatedIdentityCredentials.list(group, "id"),
    remove: ({ clients, group }) =>
      clients.identities.federatedIdentityCredentials.delete(group, "id", "fic"),
  }),
  row("Microsoft.Authorization/roleAssignments", [], {
    make: (place) =>
      place.clients.authorization.roleAssignments.create(groupScope(place), assignment, {
        principalId,
        principalType: "ServicePrincipal",
        roleDefinitionId: `/subscriptions/${place.clients.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`,
      }),
    read: (place) => place.clients.authorization.roleAssignments.get(groupScope(place), assignment),
    list: (place) => place.clients.authorization.roleAssignments.listForResourceGroup(place.group),
    remove: (place) => place.clients.authorization.roleAssignments.delete(groupScope(place), assignment),
  }),
  row("Microsoft.Authorization/locks", [], {
    make: ({ clients, group }) =>
      clients.locks.managementLocks.createOrUpdateAtResourceGroupLevel(group, "keep", {
        level: "CanNotDelete",
      }),
    read: ({ clients, group }) => clients.locks.managementLocks.getAtResourceGroupLevel(group, "keep"),
    list: ({ clients, group }) => clients.locks.managementLocks.listAtResourceGroupLevel(group),
    remove: ({ clients, group }) => clients.locks.managementLocks.deleteAtResourceGroupLevel(group, "keep"),
  }),
];

/** Types without a client here: by id and version, with the generic one. Extensions are on no list of it. */
function generic(type: string): Row {
  const one = sampleOf(type);
  const idsOf = (place: Place): Ids => ({
    of: place.id,
    tenantId: place.clients.tenantId,
    subscription: `/subscriptions/${place.clients.subscriptionId}`,
  });
  const isExtension = one.path.includes("/providers/");
  const resources = ({ clients }: Place) => clients.resources.resources;
  return row(type, one.needs ?? [], {
    make: (place) =>
      resources(place).beginCreateOrUpdateByIdAndWait(
        genericId(place, one),
        versionOf(type),
        one.body(idsOf(place)) as object,
      ),
    read: (place) => resources(place).getById(genericId(place, one), versionOf(type)),
    ...(isExtension ? {} : { list: (place) => resources(place).listByResourceGroup(place.group) }),
    remove: (place) => resources(place).beginDeleteByIdAndWait(genericId(place, one), versionOf(type)),
  });
}

const genericId = (place: Place, one: Sample): string =>
  `${groupScope(place)}/providers/${one.path.replaceAll("~", place.word)}`;

export const rows: Row[] = [
  ...networkRows,
  ...clusterRows,
  ...storeRows,
  ...accessRows,
  ...[
    "Microsoft.Network/privateLinkServices",
    "Microsoft.Cache/redis",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Insights/components",
    "Microsoft.Monitor/accounts",
    "Microsoft.Insights/dataCollectionEndpoints",
    "Microsoft.Insights/dataCollectionRules",
    "Microsoft.Insights/dataCollectionRuleAssociations",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.AlertsManagement/prometheusRuleGroups",
    "Microsoft.Dashboard/grafana",
    "Microsoft.ContainerRegistry/registries",
  ].map(generic),
];

/** By type; throws for a type without a row. */
export function rowOf(type: string): Row {
  const found = rows.find((one) => one.type === type);
  if (found === undefined) throw new Error(`no row for ${type}`);
  return found;
}

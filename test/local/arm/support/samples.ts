/** A small valid body for every resource type, and what it needs to be there first. */
import { createHash } from "node:crypto";

export interface Sample {
  type: string;
  version: string;
  /** Below the group's `/providers/`, or below the group itself for an extension. `~` stands for a short unique word. */
  path: string;
  body: (ids: Ids) => unknown;
  /** Types of samples that must exist. */
  needs?: string[];
}

export interface Ids {
  /** Id of another sample in the same group. */
  of: (type: string) => string;
  tenantId: string;
  subscription: string;
}

const location = "westeurope";
const network = "2024-05-01";
const aks = "2025-09-01";
const pg = "2025-08-01";
const uuid = "0f0f0f0f-1111-4222-8333-444455556666";
const vnet = "Microsoft.Network/virtualNetworks";
const vault = "Microsoft.KeyVault/vaults";
const cluster = "Microsoft.ContainerService/managedClusters";
const server = "Microsoft.DBforPostgreSQL/flexibleServers";
const account = "Microsoft.Storage/storageAccounts";
const identity = "Microsoft.ManagedIdentity/userAssignedIdentities";
const redis = "Microsoft.Cache/redisEnterprise";
const hubs = "Microsoft.EventHub/namespaces";

const sample = (
  type: string,
  version: string,
  path: string,
  body: Sample["body"],
  needs: string[] = [],
): Sample => ({
  type,
  version,
  path,
  body,
  needs,
});

export const samples: Sample[] = [
  sample(vnet, network, `${vnet}/net`, () => ({
    location,
    properties: { addressSpace: { addressPrefixes: ["10.0.0.0/16"] } },
  })),
  sample(
    `${vnet}/subnets`,
    network,
    `${vnet}/net/subnets/a`,
    () => ({ properties: { addressPrefix: "10.0.0.0/24" } }),
    [vnet],
  ),
  sample(
    "Microsoft.Network/networkSecurityGroups",
    network,
    "Microsoft.Network/networkSecurityGroups/nsg",
    () => ({ location }),
  ),
  sample("Microsoft.Network/natGateways", network, "Microsoft.Network/natGateways/nat", () => ({
    location,
    sku: { name: "Standard" },
  })),
  sample("Microsoft.Network/publicIPAddresses", network, "Microsoft.Network/publicIPAddresses/ip", () => ({
    location,
    sku: { name: "Standard" },
    properties: { publicIPAllocationMethod: "Static" },
  })),
  sample(
    "Microsoft.Network/privateEndpoints",
    network,
    "Microsoft.Network/privateEndpoints/pe",
    ({ of }) => ({
      location,
      properties: {
        subnet: { id: of(`${vnet}/subnets`) },
        privateLinkServiceConnections: [
          { name: "c", properties: { privateLinkServiceId: of(account), groupIds: ["blob"] } },
        ],
      },
    }),
    [`${vnet}/subnets`, account],
  ),
  sample(
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    network,
    "Microsoft.Network/privateEndpoints/pe/privateDnsZoneGroups/default",
    ({ of }) => ({
      properties: {
        privateDnsZoneConfigs: [
          { name: "z", properties: { privateDnsZoneId: of("Microsoft.Network/privateDnsZones") } },
        ],
      },
    }),
    ["Microsoft.Network/privateEndpoints", "Microsoft.Network/privateDnsZones"],
  ),
  sample(
    "Microsoft.Network/privateLinkServices",
    network,
    "Microsoft.Network/privateLinkServices/pls",
    () => ({ location }),
  ),
  sample(
    "Microsoft.Network/privateDnsZones",
    "2024-06-01",
    "Microsoft.Network/privateDnsZones/a.test",
    () => ({ location: "global" }),
  ),
  sample(
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    "2024-06-01",
    "Microsoft.Network/privateDnsZones/a.test/virtualNetworkLinks/l",
    ({ of }) => ({
      location: "global",
      properties: { virtualNetwork: { id: of(vnet) }, registrationEnabled: false },
    }),
    ["Microsoft.Network/privateDnsZones", vnet],
  ),
  sample(
    "Microsoft.Network/privateDnsZones/A",
    "2024-06-01",
    "Microsoft.Network/privateDnsZones/a.test/A/www",
    () => ({ properties: { ttl: 60, aRecords: [{ ipv4Address: "10.0.0.4" }] } }),
    ["Microsoft.Network/privateDnsZones"],
  ),
  sample("Microsoft.Network/dnsZones", "2023-07-01-preview", "Microsoft.Network/dnsZones/b.test", () => ({
    location: "global",
  })),
  sample(
    "Microsoft.Network/dnsZones/A",
    "2023-07-01-preview",
    "Microsoft.Network/dnsZones/b.test/A/api",
    () => ({ properties: { TTL: 60, ARecords: [{ ipv4Address: "198.18.0.4" }] } }),
    ["Microsoft.Network/dnsZones"],
  ),
  sample(cluster, aks, `${cluster}/k8s`, () => ({
    location,
    identity: { type: "SystemAssigned" },
    properties: {
      dnsPrefix: "k8s",
      agentPoolProfiles: [{ name: "system", mode: "System", count: 1, vmSize: "Standard_D2ds_v5" }],
    },
  })),
  sample(
    `${cluster}/agentPools`,
    aks,
    `${cluster}/k8s/agentPools/user`,
    () => ({ properties: { count: 1, vmSize: "Standard_D4ds_v5", mode: "User" } }),
    [cluster],
  ),
  sample(
    `${cluster}/maintenanceConfigurations`,
    aks,
    `${cluster}/k8s/maintenanceConfigurations/default`,
    () => ({ properties: { timeInWeek: [{ day: "Sunday", hourSlots: [1] }] } }),
    [cluster],
  ),
  sample(account, "2024-01-01", `${account}/st~`, () => ({
    location,
    kind: "StorageV2",
    sku: { name: "Standard_LRS" },
  })),
  sample(
    `${account}/blobServices/containers`,
    "2024-01-01",
    `${account}/st~/blobServices/default/containers/data`,
    () => ({ properties: {} }),
    [account],
  ),
  sample(
    `${account}/managementPolicies`,
    "2024-01-01",
    `${account}/st~/managementPolicies/default`,
    () => ({
      properties: {
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
      },
    }),
    [account],
  ),
  sample(vault, "2024-11-01", `${vault}/kv-~`, ({ tenantId }) => ({
    location,
    properties: { tenantId, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true },
  })),
  sample(
    `${vault}/secrets`,
    "2024-11-01",
    `${vault}/kv-~/secrets/one`,
    () => ({ properties: { value: "not to be seen" } }),
    [vault],
  ),
  sample(identity, "2023-01-31", `${identity}/id`, () => ({ location })),
  sample(
    `${identity}/federatedIdentityCredentials`,
    "2023-01-31",
    `${identity}/id/federatedIdentityCredentials/fic`,
    () => ({
      properties: {
        issuer: "https://issuer.test/",
        subject: "system:serviceaccount:a:b",
        audiences: ["api://AzureADTokenExchange"],
      },
    }),
    [identity],
  ),
  sample(
    "Microsoft.Authorization/roleAssignments",
    "2022-04-01",
    `Microsoft.Authorization/roleAssignments/${uuid}`,
    ({ subscription }) => ({
      properties: {
        principalId: uuid,
        principalType: "ServicePrincipal",
        roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`,
      },
    }),
  ),
  sample("Microsoft.Authorization/locks", "2020-05-01", "Microsoft.Authorization/locks/keep", () => ({
    properties: { level: "CanNotDelete" },
  })),
  sample(server, pg, `${server}/pg-~`, () => ({
    location,
    sku: { name: "Standard_D2ds_v5", tier: "GeneralPurpose" },
    properties: {
      administratorLogin: "boss",
      administratorLoginPassword: "Secret-0123456789",
      version: "16",
      availabilityZone: "",
    },
  })),
  sample(`${server}/databases`, pg, `${server}/pg-~/databases/query`, () => ({ properties: {} }), [server]),
  sample(
    `${server}/firewallRules`,
    pg,
    `${server}/pg-~/firewallRules/all`,
    () => ({ properties: { startIpAddress: "0.0.0.0", endIpAddress: "0.0.0.0" } }),
    [server],
  ),
  sample(
    `${server}/configurations`,
    pg,
    `${server}/pg-~/configurations/work_mem`,
    () => ({ properties: { value: "8192", source: "user-override" } }),
    [server],
  ),
  sample(redis, "2025-07-01", `${redis}/cache-~`, () => ({
    location,
    sku: { name: "Balanced_B5" },
    properties: { publicNetworkAccess: "Disabled" },
  })),
  sample(
    `${redis}/databases`,
    "2025-07-01",
    `${redis}/cache-~/databases/default`,
    () => ({ properties: { accessKeysAuthentication: "Enabled" } }),
    [redis],
  ),
  sample("Microsoft.Cache/redis", "2024-11-01", "Microsoft.Cache/redis/old-~", () => ({
    location,
    properties: { sku: { name: "Standard", family: "C", capacity: 1 } },
  })),
  sample(hubs, "2024-01-01", `${hubs}/eh-~x`, () => ({
    location,
    sku: { name: "Standard", tier: "Standard", capacity: 1 },
  })),
  sample(
    `${hubs}/eventhubs`,
    "2024-01-01",
    `${hubs}/eh-~x/eventhubs/topic`,
    () => ({ properties: { partitionCount: 3 } }),
    [hubs],
  ),
  sample(
    `${hubs}/eventhubs/consumergroups`,
    "2024-01-01",
    `${hubs}/eh-~x/eventhubs/topic/consumergroups/g`,
    () => ({ properties: {} }),
    [`${hubs}/eventhubs`],
  ),
  sample(
    "Microsoft.OperationalInsights/workspaces",
    "2023-09-01",
    "Microsoft.OperationalInsights/workspaces/logs",
    () => ({ location, properties: { sku: { name: "PerGB2018" } } }),
  ),
  sample(
    "Microsoft.Insights/components",
    "2020-02-02",
    "Microsoft.Insights/components/appi",
    ({ of }) => ({
      location,
      kind: "web",
      properties: {
        Application_Type: "web",
        WorkspaceResourceId: of("Microsoft.OperationalInsights/workspaces"),
      },
    }),
    ["Microsoft.OperationalInsights/workspaces"],
  ),
  sample("Microsoft.Monitor/accounts", "2023-04-03", "Microsoft.Monitor/accounts/metrics", () => ({
    location,
  })),
  sample(
    "Microsoft.Insights/dataCollectionEndpoints",
    "2022-06-01",
    "Microsoft.Insights/dataCollectionEndpoints/dce",
    () => ({ location, properties: {} }),
  ),
  sample(
    "Microsoft.Insights/dataCollectionRules",
    "2022-06-01",
    "Microsoft.Insights/dataCollectionRules/dcr",
    () => ({ location, properties: {} }),
  ),
  sample(
    "Microsoft.Insights/dataCollectionRuleAssociations",
    "2022-06-01",
    `${cluster}/k8s/providers/Microsoft.Insights/dataCollectionRuleAssociations/a`,
    ({ of }) => ({ properties: { dataCollectionRuleId: of("Microsoft.Insights/dataCollectionRules") } }),
    [cluster, "Microsoft.Insights/dataCollectionRules"],
  ),
  sample(
    "Microsoft.Insights/diagnosticSettings",
    "2021-05-01-preview",
    `${cluster}/k8s/providers/Microsoft.Insights/diagnosticSettings/d`,
    ({ of }) => ({
      properties: {
        workspaceId: of("Microsoft.OperationalInsights/workspaces"),
        logs: [{ categoryGroup: "audit", enabled: true }],
      },
    }),
    [cluster, "Microsoft.OperationalInsights/workspaces"],
  ),
  sample(
    "Microsoft.AlertsManagement/prometheusRuleGroups",
    "2023-03-01",
    "Microsoft.AlertsManagement/prometheusRuleGroups/rules",
    ({ of }) => ({
      location,
      properties: {
        scopes: [of("Microsoft.Monitor/accounts")],
        rules: [{ alert: "Down", expression: "up == 0" }],
      },
    }),
    ["Microsoft.Monitor/accounts"],
  ),
  sample("Microsoft.Dashboard/grafana", "2024-10-01", "Microsoft.Dashboard/grafana/graf", () => ({
    location,
    sku: { name: "Standard" },
    properties: {},
  })),
  sample(
    "Microsoft.ContainerRegistry/registries",
    "2023-01-01-preview",
    "Microsoft.ContainerRegistry/registries/reg~",
    () => ({ location, sku: { name: "Basic" } }),
  ),
];

/** By type; throws for a type without a sample. */
export function sampleOf(type: string): Sample {
  const found = samples.find((one) => one.type === type);
  if (found === undefined) throw new Error(`no sample for ${type}`);
  return found;
}

/** The path of a sample in a group, with a word for names that are unique over all of Azure. */
export function pathIn(groupPath: string, one: Sample): string {
  const word = createHash("sha256").update(groupPath).digest("hex").slice(0, 8);
  return `${groupPath}/providers/${one.path.replaceAll("~", word)}`;
}

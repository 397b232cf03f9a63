/** A managed cluster's shape, and what its identities may do. */
import type { containerservice } from "@pulumi/azure-native/types/input.js";
import { SYSTEM_POOL, ZONES } from "../azure-sizes.ts";
import type { PoolPlan } from "../azure-sizes.ts";
import { CLUSTER_RANGES } from "../network/plan.ts";

/** Azure's built-in roles. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
export const ROLES = {
  networkContributor: "4d97b98b-1d4f-4787-a291-c67834d212e7",
  managedIdentityOperator: "f1a07417-d97a-45cb-824c-7a7467783830",
  clusterAdmin: "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
  keyVaultSecretsUser: "4633458b-17de-408a-b874-0445c86b69e6",
  blobDataContributor: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  eventHubsDataOwner: "f526a384-b230-433a-b45c-95f59c4a2dec",
  monitoringDataReader: "b0d8363b-8ddd-447d-831f-62ca05bff136",
  monitoringMetricsPublisher: "3913510d-42f4-4e42-8a64-420c390055eb",
} as const;
export type RoleName = keyof typeof ROLES;

export function planRoleDefinitionId(subscriptionId: string, role: RoleName): string {
  return `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${ROLES[role]}`;
}

/** Upgrades of nodes and control plane happen in these hours only: Sunday from 02:00 UTC, six hours. */
export const MAINTENANCE_WINDOW = {
  schedule: { weekly: { intervalWeeks: 1, dayOfWeek: "Sunday" } },
  durationHours: 6,
  startTime: "02:00",
  utcOffset: "+00:00",
} as const satisfies containerservice.MaintenanceWindowArgs;

/** The names AKS gives a meaning to: control plane and node image. */
export const MAINTENANCE_CONFIGURATIONS = [
  "aksManagedAutoUpgradeSchedule",
  "aksManagedNodeOSUpgradeSchedule",
] as const;

export const KUBERNETES_VERSION = "1.34";

/**
 * The only pool in the cluster's own body: it takes nothing but the cluster's own pods and never changes, since a
 * change of one inline pool touches all pools. User pools are resources beside it.
 */
export function planSystemPool(): Omit<containerservice.ManagedClusterAgentPoolProfileArgs, "vnetSubnetID"> {
  return {
    name: SYSTEM_POOL.name,
    mode: "System",
    type: "VirtualMachineScaleSets",
    count: SYSTEM_POOL.count,
    vmSize: SYSTEM_POOL.vmSize,
    availabilityZones: [...ZONES],
    osType: "Linux",
    osSKU: "AzureLinux",
    osDiskType: "Ephemeral",
    osDiskSizeGB: SYSTEM_POOL.osDiskGb,
    maxPods: SYSTEM_POOL.maxPods,
    nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"],
    upgradeSettings: { maxSurge: "33%" },
  };
}

/** A pool of the services. */
export function planUserPool(pool: PoolPlan) {
  return {
    agentPoolName: pool.name,
    mode: "User",
    type: "VirtualMachineScaleSets",
    enableAutoScaling: true,
    count: pool.minCount,
    minCount: pool.minCount,
    maxCount: pool.maxCount,
    vmSize: pool.vmSize,
    availabilityZones: [...ZONES],
    osType: "Linux",
    osSKU: "AzureLinux",
    osDiskType: "Ephemeral",
    osDiskSizeGB: pool.osDiskGb,
    maxPods: pool.maxPods,
    upgradeSettings: { maxSurge: "33%" },
  };
}

export function planClusterNetwork() {
  return {
    networkPlugin: "azure",
    networkPluginMode: "overlay",
    networkDataplane: "cilium",
    networkPolicy: "cilium",
    podCidr: CLUSTER_RANGES.pods,
    serviceCidr: CLUSTER_RANGES.services,
    dnsServiceIP: CLUSTER_RANGES.dns,
    loadBalancerSku: "standard",
    outboundType: "userAssignedNATGateway",
  } as const satisfies containerservice.ContainerServiceNetworkProfileArgs;
}

import type { ArmResource, ResourceView } from "../arm/backend.ts";
import type { AgentPool, PoolCluster } from "./nodes.ts";

/** What this folder reads of a Microsoft.ContainerService/managedClusters body's `properties`. */
export interface ClusterProperties {
  agentPoolProfiles?: AgentPool[];
  disableLocalAccounts?: boolean;
  kubernetesVersion?: string;
  nodeResourceGroup?: string;
  networkProfile?: { networkPlugin?: string; networkPluginMode?: string } & Record<string, unknown>;
  oidcIssuerProfile?: { enabled?: boolean } & Record<string, unknown>;
  apiServerAccessProfile?: { enablePrivateCluster?: boolean };
}

export const clusterType = "microsoft.containerservice/managedclusters";
export const poolType = "microsoft.containerservice/managedclusters/agentpools";

export function clusterProperties(resource: ArmResource): ClusterProperties {
  return resource.body.properties ?? {};
}

/** As AKS names it when the program does not. */
export function nodeResourceGroup(cluster: ArmResource): string {
  const given = clusterProperties(cluster).nodeResourceGroup;
  return given ?? `MC_${cluster.resourceGroup}_${cluster.name}_${region(cluster)}`.slice(0, 80);
}

export function poolCluster(cluster: ArmResource): PoolCluster {
  const network = clusterProperties(cluster).networkProfile;
  return {
    name: cluster.name,
    subscriptionId: cluster.subscriptionId,
    location: region(cluster),
    nodeResourceGroup: nodeResourceGroup(cluster),
    ...(network ? { network } : {}),
  };
}

/**
 * A cluster's pools: those in its own body and those that are resources below it, the latter winning by name. `without`
 * leaves one out that is being deleted.
 */
export function poolsOf(cluster: ArmResource, view: ResourceView, without?: string): AgentPool[] {
  const pools = new Map<string, AgentPool>();
  for (const pool of clusterProperties(cluster).agentPoolProfiles ?? []) pools.set(pool.name, pool);
  for (const child of view.list(poolType, cluster.id)) {
    pools.set(child.name, { ...(child.body.properties as Omit<AgentPool, "name">), name: child.name });
  }
  return [...pools.values()].filter((pool) => pool.name.toLowerCase() !== without?.toLowerCase());
}

/** The read-only properties ARM answers for a running cluster. */
export function clusterOutputs(
  cluster: ArmResource,
  endpoint: string,
  issuer: string,
): Record<string, unknown> {
  const properties = clusterProperties(cluster);
  const version = properties.kubernetesVersion ?? "1.34";
  return {
    // The port is Azure's constant 443 there and a part of the name here.
    fqdn: endpoint,
    ...(properties.apiServerAccessProfile?.enablePrivateCluster ? { privateFQDN: endpoint } : {}),
    azurePortalFQDN: endpoint,
    powerState: { code: "Running" },
    currentKubernetesVersion: version,
    nodeResourceGroup: nodeResourceGroup(cluster),
    ...(properties.oidcIssuerProfile?.enabled
      ? { oidcIssuerProfile: { ...properties.oidcIssuerProfile, issuerURL: `${issuer}/` } }
      : {}),
  };
}

function region(cluster: ArmResource): string {
  return (cluster.location ?? "local").toLowerCase().replaceAll(" ", "");
}

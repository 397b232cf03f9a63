import { createHash } from "node:crypto";
import { allocatable, parseSize } from "./sizes.ts";

/** The part of an agent pool's properties that shows on its nodes (Microsoft.ContainerService, agentPoolProfiles). */
export interface AgentPool {
  name: string;
  count?: number;
  minCount?: number;
  enableAutoScaling?: boolean;
  vmSize?: string;
  mode?: string;
  maxPods?: number;
  availabilityZones?: string[];
  nodeLabels?: Record<string, string>;
  nodeTaints?: string[];
  osSKU?: string;
  osType?: string;
  scaleSetPriority?: string;
}

export interface PoolCluster {
  name: string;
  subscriptionId: string;
  location: string;
  nodeResourceGroup: string;
  /** `properties.networkProfile`. */
  network?: { networkPlugin?: string; networkPluginMode?: string };
}

export interface Taint {
  key: string;
  value?: string;
  effect: string;
}

export interface NodePlan {
  name: string;
  providerId: string;
  labels: Record<string, string>;
  taints: Taint[];
  /** Kubernetes quantities. */
  capacity: Record<string, string>;
  allocatable: Record<string, string>;
}

/**
 * The nodes that pools have: as many as `count` says (an autoscaled pool has at least `minCount`; nothing scales it
 * here), spread over the pool's zones in turn. Throws on an unknown size or a malformed taint.
 */
export function planNodes(cluster: PoolCluster, pools: readonly AgentPool[]): NodePlan[] {
  return pools.flatMap((pool) =>
    Array.from({ length: nodeCount(pool) }, (_, index) => planNode(cluster, pool, index)),
  );
}

function nodeCount(pool: AgentPool): number {
  const count = pool.count ?? pool.minCount ?? 1;
  return pool.enableAutoScaling ? Math.max(count, pool.minCount ?? 0) : count;
}

function planNode(cluster: PoolCluster, pool: AgentPool, index: number): NodePlan {
  const vmSize = pool.vmSize ?? "Standard_D4s_v5";
  const size = parseSize(vmSize);
  if (!size)
    throw new Error(`The VM size of ${vmSize} of agent pool ${pool.name} is not one the local cloud knows.`);
  const maxPods = pool.maxPods ?? defaultMaxPods(cluster);
  const left = allocatable(size, maxPods);
  const scaleSet = `aks-${pool.name}-${digits(`${cluster.subscriptionId}/${cluster.nodeResourceGroup}`)}-vmss`;
  const name = `${scaleSet}${index.toString(36).padStart(6, "0")}`;
  const disk = { "ephemeral-storage": "128Gi" };
  return {
    name,
    providerId: `azure:///subscriptions/${cluster.subscriptionId}/resourceGroups/${cluster.nodeResourceGroup}/providers/Microsoft.Compute/virtualMachineScaleSets/${scaleSet}/virtualMachines/${index}`,
    labels: nodeLabels(cluster, pool, name, vmSize, index),
    taints: [...(pool.nodeTaints ?? []), ...(isSpot(pool) ? [spotTaint] : [])].map(parseTaint),
    capacity: { cpu: `${size.cpus}`, memory: `${size.memoryMib}Mi`, pods: `${maxPods}`, ...disk },
    allocatable: { cpu: `${left.cpuMillis}m`, memory: `${left.memoryMib}Mi`, pods: `${maxPods}`, ...disk },
  };
}

const spotTaint = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule";

function isSpot(pool: AgentPool): boolean {
  return pool.scaleSetPriority?.toLowerCase() === "spot";
}

/** learn.microsoft.com, aks/quotas-skus-regions: 250 with the overlay, 30 with Azure CNI, 110 with kubenet. */
function defaultMaxPods({ network }: PoolCluster): number {
  if (network?.networkPluginMode?.toLowerCase() === "overlay") return 250;
  return network?.networkPlugin?.toLowerCase() === "azure" ? 30 : 110;
}

function nodeLabels(
  cluster: PoolCluster,
  pool: AgentPool,
  name: string,
  vmSize: string,
  index: number,
): Record<string, string> {
  const region = cluster.location.toLowerCase().replaceAll(" ", "");
  const zones = pool.availabilityZones ?? [];
  const mode = (pool.mode ?? "User").toLowerCase();
  return {
    ...pool.nodeLabels,
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/os": (pool.osType ?? "Linux").toLowerCase(),
    "kubernetes.io/hostname": name,
    "node.kubernetes.io/instance-type": vmSize,
    "topology.kubernetes.io/region": region,
    // Without zones AKS labels the fault domain instead.
    "topology.kubernetes.io/zone": zones.length > 0 ? `${region}-${zones[index % zones.length]}` : "0",
    agentpool: pool.name,
    "kubernetes.azure.com/agentpool": pool.name,
    "kubernetes.azure.com/cluster": cluster.nodeResourceGroup.slice(0, 63),
    "kubernetes.azure.com/mode": mode,
    "kubernetes.azure.com/role": "agent",
    "kubernetes.azure.com/os-sku": pool.osSKU ?? "Ubuntu",
    "kubernetes.azure.com/nodepool-type": "VirtualMachineScaleSets",
    ...(isSpot(pool) ? { "kubernetes.azure.com/scalesetpriority": "spot" } : {}),
  };
}

/** `key=value:Effect`, also without a value. */
export function parseTaint(text: string): Taint {
  const match = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text);
  if (!match) throw new Error(`The node taint ${JSON.stringify(text)} is not of the form key=value:Effect.`);
  const [, key, value, effect] = match as unknown as [string, string, string | undefined, string];
  return { key, ...(value ? { value } : {}), effect };
}

/** Eight digits, the same for one cluster's pools always. */
function digits(of: string): string {
  return String(createHash("sha256").update(of).digest().readUInt32BE(0) % 100_000_000).padStart(8, "0");
}

/**
 * From what a tier promises to Azure sizes, by arithmetic that `docs/sizing.md` shows. CPU is in thousandths of a core,
 * memory in mebibytes.
 */
import type { Amount } from "./services/catalogue.ts";
import { DATABASES } from "./services/catalogue.ts";
import { requestsOf } from "./services/sizing.ts";
import type { DedicatedTier, SharedTier, Tier } from "./spec.ts";
import { TIER_TABLE } from "./tiers.ts";

/** Nodes and servers are planned to be at most this full. */
export const MAX_FULL = 0.8;
export const ZONES = ["1", "2", "3"] as const;
const MAX_PODS_PER_NODE = 110;

/** Sizes used, with what Azure documents of them. All have a local disk, so that the operating system's is ephemeral. */
export const VM_SIZES = {
  Standard_D4ds_v5: { cores: 4, memoryGi: 16, osDiskGb: 128 },
  Standard_D8ds_v5: { cores: 8, memoryGi: 32, osDiskGb: 128 },
  Standard_D16ds_v5: { cores: 16, memoryGi: 64, osDiskGb: 128 },
} as const;
export type VmSize = keyof typeof VM_SIZES;

/** AKS keeps these thousandths of a core for kubelet and runtime. https://learn.microsoft.com/azure/aks/node-resource-reservations */
const RESERVED_CPU = { 4: 140, 8: 180, 16: 260 } as const;

/**
 * What runs on every node besides services: network agent, storage drivers, log and metrics agents, secrets provider.
 * Sums of the add-ons' documented requests, rounded up.
 */
export const NODE_AGENTS: Amount = { cpuMilli: 500, memoryMi: 1024 };

/** What the pods of one node may request, at most MAX_FULL of what AKS and the agents leave. */
export function planNodeCapacity(size: VmSize): { allocatable: Amount; usable: Amount } {
  const { cores, memoryGi } = VM_SIZES[size];
  const memoryMi = memoryGi * 1024;
  // From AKS 1.29 on: 20 MB for each pod the node can hold plus 50 MB, never more than a quarter; 100 MB for eviction.
  const reservedMemory = Math.min(20 * MAX_PODS_PER_NODE + 50, memoryMi / 4) + 100;
  const allocatable = { cpuMilli: cores * 1000 - RESERVED_CPU[cores], memoryMi: memoryMi - reservedMemory };
  return {
    allocatable,
    usable: {
      cpuMilli: Math.floor((allocatable.cpuMilli - NODE_AGENTS.cpuMilli) * MAX_FULL),
      memoryMi: Math.floor((allocatable.memoryMi - NODE_AGENTS.memoryMi) * MAX_FULL),
    },
  };
}

export interface PoolPlan {
  /** At most 12 lower-case letters and digits; holds the size, since another size is another pool. */
  name: string;
  vmSize: VmSize;
  osDiskGb: number;
  minCount: number;
  maxCount: number;
  maxPods: number;
}

/** Nodes of a size that hold `load`. */
export function planNodeCount(load: Amount, size: VmSize): number {
  const { usable } = planNodeCapacity(size);
  return Math.max(1, Math.ceil(load.cpuMilli / usable.cpuMilli), Math.ceil(load.memoryMi / usable.memoryMi));
}

/** A pool over three zones: always a multiple of three, so that no zone is weaker than another. */
function planPool(vmSize: VmSize, floor: number, ceiling: number): PoolPlan {
  const perZone = (nodes: number): number => Math.ceil(nodes / ZONES.length) * ZONES.length;
  return {
    name: `u${vmSize.replace("Standard_", "").replaceAll("_", "").toLowerCase()}`,
    vmSize,
    osDiskGb: VM_SIZES[vmSize].osDiskGb,
    minCount: perZone(floor),
    maxCount: Math.max(perZone(ceiling), perZone(floor)),
    maxPods: MAX_PODS_PER_NODE,
  };
}

/** The pool of the cluster's own pods: one node in each zone, the same in every tier since its size cannot change. */
export const SYSTEM_POOL = {
  name: "system",
  vmSize: "Standard_D4ds_v5",
  osDiskGb: VM_SIZES.Standard_D4ds_v5.osDiskGb,
  count: ZONES.length,
  maxPods: MAX_PODS_PER_NODE,
} as const;

interface TierChoice {
  postgresSku: keyof typeof POSTGRES_SKUS;
  zoneRedundantPostgres: boolean;
  backupRetentionDays: number;
  storageSku: "Standard_ZRS" | "Standard_GZRS";
  eventHubsUnits: number;
}

/** The tier that a dedicated footprint can be taken back to, but never grows into. */
const SMALLEST: DedicatedTier = "PROFESSIONAL";

const CHOICES = {
  PROFESSIONAL: {
    postgresSku: "Standard_D2ds_v5",
    zoneRedundantPostgres: false,
    backupRetentionDays: 14,
    storageSku: "Standard_ZRS",
    eventHubsUnits: 1,
  },
  ENTERPRISE: {
    postgresSku: "Standard_D8ds_v5",
    zoneRedundantPostgres: true,
    backupRetentionDays: 35,
    storageSku: "Standard_GZRS",
    eventHubsUnits: 2,
  },
} as const satisfies Record<DedicatedTier, TierChoice>;

const BASE_VM = "Standard_D4ds_v5";
const LARGE_VM = "Standard_D8ds_v5";

/**
 * The pools of a tier's services. A pool's size cannot change, so a larger tier keeps the smaller one's pool and gets
 * a second one beside it: growing adds, and takes nothing away.
 *
 * PROFESSIONAL: at least what the services request as deployed, at most what fills the namespace's quota.
 * ENTERPRISE: its second pool takes the rest of the larger quota, and both together hold all autoscalers' maxima while
 * one of the three zones is away, which is what 99.99 % asks for.
 */
export function planUserPools(tier: DedicatedTier): PoolPlan[] {
  const base = planPool(
    BASE_VM,
    planNodeCount(requestsOf("PROFESSIONAL").steady.requests, BASE_VM),
    planNodeCount(quotaOf("PROFESSIONAL"), BASE_VM),
  );
  if (tier === "PROFESSIONAL") return [base];
  const withoutZone = (nodes: number): number => (nodes * (ZONES.length - 1)) / ZONES.length;
  const leftOfPeak = subtract(
    requestsOf("ENTERPRISE").peak.requests,
    base.vmSize,
    withoutZone(base.minCount),
  );
  const leftOfQuota = subtract(quotaOf("ENTERPRISE"), base.vmSize, base.maxCount);
  return [
    base,
    planPool(
      LARGE_VM,
      Math.ceil((planNodeCount(leftOfPeak, LARGE_VM) * ZONES.length) / (ZONES.length - 1)),
      planNodeCount(leftOfQuota, LARGE_VM),
    ),
  ];
}

function quotaOf(tier: DedicatedTier): Amount {
  const { cpuRequests, memoryRequestsGi } = TIER_TABLE[tier].quota;
  return { cpuMilli: cpuRequests * 1000, memoryMi: memoryRequestsGi * 1024 };
}

/** What is left of a load when so many nodes carry their part of it. */
function subtract(load: Amount, vmSize: VmSize, nodes: number): Amount {
  const { usable } = planNodeCapacity(vmSize);
  return {
    cpuMilli: Math.max(0, load.cpuMilli - usable.cpuMilli * nodes),
    memoryMi: Math.max(0, load.memoryMi - usable.memoryMi * nodes),
  };
}

/** How many slices the shared cluster is to hold with their quotas in full. */
export const SHARED_SLICES = { FREE: 20, STARTER: 10 } as const satisfies Record<SharedTier, number>;

/** The shared cluster's user nodes: from one STARTER slice's quota to all slices' quotas. */
export function planSharedPool(): PoolPlan {
  const vmSize = "Standard_D16ds_v5";
  const tiers = Object.keys(SHARED_SLICES) as SharedTier[];
  const load: Amount = { cpuMilli: 0, memoryMi: 0 };
  for (const tier of tiers) {
    load.cpuMilli += TIER_TABLE[tier].quota.cpuRequests * 1000 * SHARED_SLICES[tier];
    load.memoryMi += TIER_TABLE[tier].quota.memoryRequestsGi * 1024 * SHARED_SLICES[tier];
  }
  return planPool(vmSize, 1, planNodeCount(load, vmSize));
}

/**
 * Memory in GiB and the connections Azure sets by default, which is what the memory carries.
 * https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-limits
 */
export const POSTGRES_SKUS = {
  Standard_D2ds_v5: { memoryGi: 8, connections: 859 },
  Standard_D4ds_v5: { memoryGi: 16, connections: 1718 },
  Standard_D8ds_v5: { memoryGi: 32, connections: 3437 },
  Standard_D16ds_v5: { memoryGi: 64, connections: 5000 },
} as const;
const POSTGRES_STORAGE_GB = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384] as const;

/** Azure keeps 15 connections for replication and its own monitoring. */
const POSTGRES_RESERVED_CONNECTIONS = 15;
/** The part of a tier's storage that is rows; the rest is objects. */
const DATABASE_SHARE = 0.25;

export interface PostgresPlan {
  version: "16";
  sku: { name: string; tier: "GeneralPurpose" };
  storageGb: number;
  maxConnections: number;
  zoneRedundant: boolean;
  backupRetentionDays: number;
  /** As `StoresPlan.keepsSize`, of the disk. */
  keepsSize: boolean;
}

/** Connections of a tenant to all its databases together: what its role or its server takes. */
export function planConnections(tier: Tier): number {
  return TIER_TABLE[tier].maxConnections * DATABASES.length;
}

/** The flexible server of a dedicated tier. Throws when the chosen sku does not carry the tier's connections. */
export function planPostgres(tier: DedicatedTier): PostgresPlan {
  const { postgresSku, zoneRedundantPostgres, backupRetentionDays } = CHOICES[tier];
  return planServer({
    sku: postgresSku,
    connections: planConnections(tier),
    dataGb: TIER_TABLE[tier].storageGb * DATABASE_SHARE,
    zoneRedundant: zoneRedundantPostgres,
    backupRetentionDays,
    keepsSize: tier === SMALLEST,
  });
}

/** The shared server: the connections and rows of all slices it is planned for. */
export function planSharedPostgres(): PostgresPlan {
  const tiers = Object.keys(SHARED_SLICES) as SharedTier[];
  const sum = (of: (tier: SharedTier) => number): number =>
    tiers.reduce((total, tier) => total + of(tier) * SHARED_SLICES[tier], 0);
  return planServer({
    sku: "Standard_D16ds_v5",
    connections: sum(planConnections),
    dataGb: sum((tier) => TIER_TABLE[tier].storageGb * DATABASE_SHARE),
    zoneRedundant: true,
    backupRetentionDays: 35,
    keepsSize: false,
  });
}

function planServer(need: {
  sku: keyof typeof POSTGRES_SKUS;
  connections: number;
  dataGb: number;
  zoneRedundant: boolean;
  backupRetentionDays: number;
  keepsSize: boolean;
}): PostgresPlan {
  const wanted = need.connections + POSTGRES_RESERVED_CONNECTIONS;
  const carried = POSTGRES_SKUS[need.sku].connections * MAX_FULL;
  if (wanted > carried)
    throw new RangeError(`${need.sku} carries ${carried} connections, ${wanted} are wanted.`);
  const storageGb = POSTGRES_STORAGE_GB.find((size) => size * MAX_FULL >= need.dataGb);
  if (storageGb === undefined) throw new RangeError(`No storage size holds ${need.dataGb} GB.`);
  return {
    version: "16",
    sku: { name: need.sku, tier: "GeneralPurpose" },
    storageGb,
    maxConnections: wanted,
    zoneRedundant: need.zoneRedundant,
    backupRetentionDays: need.backupRetentionDays,
    keepsSize: need.keepsSize,
  };
}

/** Azure Managed Redis, balanced: GiB by size. https://learn.microsoft.com/azure/redis/overview */
const CACHE_SIZES = [
  ["Balanced_B1", 1],
  ["Balanced_B3", 3],
  ["Balanced_B5", 6],
  ["Balanced_B10", 12],
  ["Balanced_B20", 24],
  ["Balanced_B50", 60],
] as const;
/** The hot part of a tier's storage. */
const CACHE_SHARE = 0.0025;

/** The cache's size: the hot part of the storage at most MAX_FULL full. */
export function planCache(storageGb: number): (typeof CACHE_SIZES)[number][0] {
  const found = CACHE_SIZES.find(([, gi]) => gi * MAX_FULL >= storageGb * CACHE_SHARE);
  if (!found) throw new RangeError(`No cache size holds the hot part of ${storageGb} GB.`);
  return found[0];
}

/** What the stores of a footprint are made of. */
export interface StoresPlan {
  postgres: PostgresPlan;
  cacheSku: string;
  /**
   * Whether stores that are there keep the sizes that only grow. A disk cannot shrink, and a cache only while its keys
   * fit the smaller one: after a rollback from the larger tier they stay as large as they became.
   */
  keepsSize: boolean;
  storageSku: "Standard_ZRS" | "Standard_GZRS";
  eventHubsUnits: number;
}

export function planStores(tier: DedicatedTier): StoresPlan {
  const { storageSku, eventHubsUnits } = CHOICES[tier];
  return {
    postgres: planPostgres(tier),
    cacheSku: planCache(TIER_TABLE[tier].storageGb),
    keepsSize: tier === SMALLEST,
    storageSku,
    eventHubsUnits,
  };
}

export function planSharedStores(): StoresPlan {
  const tiers = Object.keys(SHARED_SLICES) as SharedTier[];
  const storageGb = tiers.reduce(
    (total, tier) => total + TIER_TABLE[tier].storageGb * SHARED_SLICES[tier],
    0,
  );
  return {
    postgres: planSharedPostgres(),
    cacheSku: planCache(storageGb),
    keepsSize: false,
    storageSku: "Standard_ZRS",
    eventHubsUnits: 1,
  };
}

/**
 * What a service gets in a tier. The table of services (`catalogue.ts`) says what it would like; a tier's
 * ResourceQuota says what there is. Everything here keeps the highest sum a tier can reach (every autoscaler at its
 * maximum while every service rolls to a new image) inside the quota, so that no rollout is ever stopped by it.
 */
import type { Tier } from "../spec.ts";
import { TIER_TABLE } from "../tiers.ts";
import { SERVICES, SERVICE_NAMES } from "./catalogue.ts";
import type { Amount, Resources, ServiceDefinition, ServiceName } from "./catalogue.ts";

export interface ServiceSize {
  replicas: number;
  autoscale?: { min: number; max: number };
  resources: Resources;
  /** Pods above the wanted number while a new version rolls out; at 0 a rollout takes one pod away first. */
  maxSurge: 0 | 1;
}

interface TierSizing {
  /** One replica of each service and no autoscaler. */
  single: boolean;
  /** Which services may have one pod more during a rollout. */
  surge: "none" | "single-replica" | "all";
  /** Below the maximum of the service table where the quota cannot hold it. */
  autoscaleMax: Partial<Record<ServiceName, number>>;
  /** Instead of the service table's resources. */
  resources: { standard?: Resources } & Partial<Record<ServiceName, Resources>>;
}

const resources = (requestCpu: number, requestMi: number, limitCpu: number, limitMi: number): Resources => ({
  requests: { cpuMilli: requestCpu, memoryMi: requestMi },
  limits: { cpuMilli: limitCpu, memoryMi: limitMi },
});

/**
 * FREE has no service level, so a rollout there may interrupt a service; from STARTER on, a single replica is
 * replaced before it goes. PROFESSIONAL's peak leaves one core of the quota for short-lived pods, such as those that
 * answer certificate challenges.
 */
const TIER_SIZING = {
  FREE: {
    single: true,
    surge: "none",
    autoscaleMax: {},
    resources: {
      standard: resources(100, 256, 250, 512),
      "query-engine": resources(200, 384, 500, 1024),
      "ai-service": resources(250, 512, 500, 1024),
    },
  },
  STARTER: {
    single: false,
    surge: "single-replica",
    autoscaleMax: {
      "query-engine": 4,
      "bi-service": 3,
      "ai-service": 3,
      "ml-service": 2,
      "render-service": 3,
    },
    resources: {
      standard: resources(100, 256, 300, 512),
      "ai-service": resources(500, 1024, 1000, 2048),
    },
  },
  PROFESSIONAL: {
    single: false,
    surge: "single-replica",
    autoscaleMax: { "query-engine": 5, "ai-service": 5 },
    resources: {},
  },
  ENTERPRISE: { single: false, surge: "all", autoscaleMax: {}, resources: {} },
} as const satisfies Record<Tier, TierSizing>;

/**
 * The least number of pods behind a service, by what is promised: at 99.9 % the loss of a node or a zone takes no
 * service away, at 99.99 % neither does a rollout or a drain while a zone is away. Below that the table of services
 * decides.
 */
export function planReplicaFloor(tier: Tier): 1 | 2 | 3 {
  const { slaPercent } = TIER_TABLE[tier];
  if (slaPercent === null || slaPercent < 99.9) return 1;
  return slaPercent < 99.99 ? 2 : 3;
}

/** Java's connection pool (HikariCP) holds so many when nobody says otherwise. */
const DEFAULT_POOL = 10;

/**
 * Connections of a Java pod's pool, where the default of all pods together is more than the tier has for one database;
 * undefined where the default fits. Dedicated tiers are sized so that it does: a change of tier then rolls no pod.
 */
export function planPoolSize(service: ServiceName, tier: Tier): number | undefined {
  if (SERVICES[service].stack !== "java") return undefined;
  const size = sizeOf(service, tier);
  const pods = Math.max(size.replicas, size.autoscale?.max ?? 0) + size.maxSurge;
  const fitting = Math.max(1, Math.floor(TIER_TABLE[tier].maxConnections / pods));
  return fitting < DEFAULT_POOL ? fitting : undefined;
}

/** Replicas, autoscaling, resources and rollout of one service in a tier. */
export function sizeOf(service: ServiceName, tier: Tier): ServiceSize {
  const definition: ServiceDefinition = SERVICES[service];
  const sizing: TierSizing = TIER_SIZING[tier];
  const ownResources = definition.resources === SERVICES["catalog-service"].resources;
  const chosen =
    sizing.resources[service] ??
    (ownResources ? sizing.resources.standard : undefined) ??
    definition.resources;
  const floor = planReplicaFloor(tier);
  const replicas = sizing.single ? 1 : Math.max(floor, definition.replicas);
  const surges = sizing.surge === "all" || (sizing.surge === "single-replica" && replicas === 1);
  const size: ServiceSize = { replicas, resources: chosen, maxSurge: surges ? 1 : 0 };
  if (sizing.single || definition.autoscale === undefined) return size;
  const max = sizing.autoscaleMax[service] ?? definition.autoscale.max;
  return { ...size, autoscale: { min: Math.max(floor, definition.autoscale.min), max } };
}

export interface Totals {
  pods: number;
  requests: Amount;
  limits: Amount;
}

/** What the 13 services together ask for: as deployed, and at the most that autoscalers and rollouts can reach. */
export interface TierRequests {
  steady: Totals;
  peak: Totals;
}

/** Sums over the services of a tier, for quotas and for the size of node pools. */
export function requestsOf(tier: Tier): TierRequests {
  const sizes = SERVICE_NAMES.map((name) => sizeOf(name, tier));
  return {
    steady: totalsOf(sizes.map((size) => [size, size.replicas])),
    peak: totalsOf(
      sizes.map((size) => [size, Math.max(size.replicas, size.autoscale?.max ?? 0) + size.maxSurge]),
    ),
  };
}

function totalsOf(counted: [ServiceSize, number][]): Totals {
  const total: Totals = {
    pods: 0,
    requests: { cpuMilli: 0, memoryMi: 0 },
    limits: { cpuMilli: 0, memoryMi: 0 },
  };
  for (const [size, pods] of counted) {
    total.pods += pods;
    for (const kind of ["requests", "limits"] as const) {
      total[kind].cpuMilli += size.resources[kind].cpuMilli * pods;
      total[kind].memoryMi += size.resources[kind].memoryMi * pods;
    }
  }
  return total;
}

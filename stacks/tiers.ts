/** What a tier promises and allows: limits, service level and the quota of its namespace. */
import type { DedicatedTier, SharedTier, Tier } from "./spec.ts";

export interface TierDefinition {
  deployment: "SHARED" | "DEDICATED";
  /** `null` means unlimited. */
  maxUsers: number | null;
  /** Connections to each of the tenant's databases. */
  maxConnections: number;
  storageGb: number;
  apiRatePerMinute: number;
  support: "community" | "email" | "priority" | "dedicated";
  /** `null` means none is promised. */
  slaPercent: number | null;
  quota: NamespaceQuota;
}

/** A namespace's ResourceQuota. */
export interface NamespaceQuota {
  cpuRequests: number;
  cpuLimits: number;
  memoryRequestsGi: number;
  memoryLimitsGi: number;
  pods: number;
  services: number;
  volumeClaims: number;
}

const quota = (
  [cpuRequests, cpuLimits]: [number, number],
  [memoryRequestsGi, memoryLimitsGi]: [number, number],
  [pods, services, volumeClaims]: [number, number, number],
): NamespaceQuota => ({
  cpuRequests,
  cpuLimits,
  memoryRequestsGi,
  memoryLimitsGi,
  pods,
  services,
  volumeClaims,
});

export const TIER_TABLE = {
  FREE: {
    deployment: "SHARED",
    maxUsers: 3,
    maxConnections: 5,
    storageGb: 5,
    apiRatePerMinute: 60,
    support: "community",
    slaPercent: null,
    quota: quota([2, 4], [4, 8], [20, 20, 5]),
  },
  STARTER: {
    deployment: "SHARED",
    maxUsers: 25,
    maxConnections: 10,
    storageGb: 50,
    apiRatePerMinute: 1000,
    support: "email",
    slaPercent: 99.5,
    quota: quota([8, 16], [16, 32], [40, 40, 10]),
  },
  PROFESSIONAL: {
    deployment: "DEDICATED",
    maxUsers: 100,
    maxConnections: 50,
    storageGb: 500,
    apiRatePerMinute: 5000,
    support: "priority",
    slaPercent: 99.9,
    quota: quota([16, 32], [32, 64], [100, 100, 50]),
  },
  ENTERPRISE: {
    deployment: "DEDICATED",
    maxUsers: null,
    maxConnections: 200,
    storageGb: 5000,
    apiRatePerMinute: 20_000,
    support: "dedicated",
    slaPercent: 99.99,
    quota: quota([80, 160], [160, 320], [300, 100, 50]),
  },
} as const satisfies Record<Tier, TierDefinition>;

export function isDedicatedTier(tier: Tier): tier is DedicatedTier {
  return TIER_TABLE[tier].deployment === "DEDICATED";
}

export function isSharedTier(tier: Tier): tier is SharedTier {
  return TIER_TABLE[tier].deployment === "SHARED";
}

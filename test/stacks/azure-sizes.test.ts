import { describe, expect, it } from "vitest";
import {
  MAX_FULL,
  planCache,
  planNodeCapacity,
  planNodeCount,
  planPostgres,
  planSharedPool,
  planSharedPostgres,
  planUserPools,
  POSTGRES_SKUS,
  ZONES,
} from "../../stacks/azure-sizes.ts";
import type { PoolPlan } from "../../stacks/azure-sizes.ts";
import { DATABASES } from "../../stacks/services/catalogue.ts";
import { planServerConfigurations } from "../../stacks/stores/plan.ts";
import { requestsOf } from "../../stacks/services/sizing.ts";
import { TIER_TABLE } from "../../stacks/tiers.ts";

const capacity = (pools: PoolPlan[], nodes: (pool: PoolPlan) => number) =>
  pools.reduce((total, pool) => total + planNodeCapacity(pool.vmSize).usable.cpuMilli * nodes(pool), 0);

describe("node capacity", () => {
  it.each([
    // 4000 - 140 reserved; 16384 - (20 × 110 + 50) - 100; agents 500 and 1024 off, 80 % of the rest.
    ["Standard_D4ds_v5", { cpuMilli: 3860, memoryMi: 14_034 }, { cpuMilli: 2688, memoryMi: 10_408 }],
    ["Standard_D8ds_v5", { cpuMilli: 7820, memoryMi: 30_418 }, { cpuMilli: 5856, memoryMi: 23_515 }],
    ["Standard_D16ds_v5", { cpuMilli: 15_740, memoryMi: 63_186 }, { cpuMilli: 12_192, memoryMi: 49_729 }],
  ] as const)("of %s leaves what AKS and the agents take", (size, allocatable, usable) => {
    expect(planNodeCapacity(size)).toEqual({ allocatable, usable });
  });

  it("is counted by whichever of CPU and memory runs out first", () => {
    expect(planNodeCount({ cpuMilli: 2689, memoryMi: 1 }, "Standard_D4ds_v5")).toBe(2);
    expect(planNodeCount({ cpuMilli: 1, memoryMi: 31_000 }, "Standard_D4ds_v5")).toBe(3);
  });
});

describe("pools", () => {
  it("of PROFESSIONAL hold the services as deployed at their least and the quota at their most", () => {
    const pools = planUserPools("PROFESSIONAL");
    expect(pools.map(({ name, minCount, maxCount }) => [name, minCount, maxCount])).toEqual([
      ["ud4dsv5", 3, 6],
    ]);
    expect(capacity(pools, (pool) => pool.minCount)).toBeGreaterThan(
      requestsOf("PROFESSIONAL").steady.requests.cpuMilli,
    );
    expect(capacity(pools, (pool) => pool.maxCount)).toBeGreaterThanOrEqual(
      TIER_TABLE.PROFESSIONAL.quota.cpuRequests * 1000,
    );
  });

  it("of ENTERPRISE hold all autoscalers' maxima while a zone is away", () => {
    const pools = planUserPools("ENTERPRISE");
    const left = capacity(pools, (pool) => (pool.minCount * 2) / 3);
    expect(left).toBeGreaterThanOrEqual(requestsOf("ENTERPRISE").peak.requests.cpuMilli);
    expect(capacity(pools, (pool) => pool.maxCount)).toBeGreaterThanOrEqual(
      TIER_TABLE.ENTERPRISE.quota.cpuRequests * 1000,
    );
  });

  it("of the larger tier keep the smaller one's pool as it is, since a pool's size cannot change", () => {
    expect(planUserPools("ENTERPRISE")[0]).toEqual(planUserPools("PROFESSIONAL")[0]);
  });

  it("have the same number of nodes in each zone and names that Azure takes", () => {
    for (const pool of [...planUserPools("ENTERPRISE"), planSharedPool()]) {
      expect(pool.minCount % ZONES.length).toBe(0);
      expect(pool.maxCount % ZONES.length).toBe(0);
      expect(pool.name).toMatch(/^[a-z][a-z0-9]{0,11}$/);
    }
  });
});

describe("stores", () => {
  it.each(["PROFESSIONAL", "ENTERPRISE"] as const)(
    "carry the connections and rows of %s at most 80 %% full",
    (tier) => {
      const plan = planPostgres(tier);
      const sku = POSTGRES_SKUS[plan.sku.name as keyof typeof POSTGRES_SKUS];
      expect(plan.maxConnections).toBe(TIER_TABLE[tier].maxConnections * DATABASES.length + 15);
      expect(plan.maxConnections).toBeLessThanOrEqual(sku.connections * MAX_FULL);
      expect(plan.storageGb * MAX_FULL).toBeGreaterThanOrEqual(TIER_TABLE[tier].storageGb / 4);
    },
  );

  it("are zone-redundant where 99.99 % is promised", () => {
    expect(planPostgres("ENTERPRISE").zoneRedundant).toBe(true);
    expect(planPostgres("PROFESSIONAL").zoneRedundant).toBe(false);
    expect(planSharedPostgres().zoneRedundant).toBe(true);
  });

  it.each([
    ["shared", planSharedPostgres()],
    ["own", planPostgres("ENTERPRISE")],
  ])("log changes for others on the %s server, as a tenant can leave it", (_which, plan) => {
    expect(planServerConfigurations(plan)).toMatchObject({
      wal_level: "logical",
      max_replication_slots: "100",
      max_wal_senders: "100",
    });
  });

  it("never shrink from a tier to the next", () => {
    expect(planPostgres("ENTERPRISE").storageGb).toBeGreaterThan(planPostgres("PROFESSIONAL").storageGb);
  });

  it("hold the hot part of the storage in the cache", () => {
    expect([50, 500, 5000].map(planCache)).toEqual(["Balanced_B1", "Balanced_B3", "Balanced_B20"]);
    expect(() => planCache(1_000_000)).toThrow(RangeError);
  });
});

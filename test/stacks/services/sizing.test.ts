import { describe, expect, it } from "vitest";
import { planConnections } from "../../../stacks/azure-sizes.ts";
import { SERVICES, SERVICE_NAMES, DATABASES } from "../../../stacks/services/catalogue.ts";
import { planPoolSize, planReplicaFloor, requestsOf, sizeOf } from "../../../stacks/services/sizing.ts";
import { planQuantity } from "../../../stacks/services/manifests.ts";
import { TIERS } from "../../../stacks/spec.ts";
import { TIER_TABLE } from "../../../stacks/tiers.ts";

describe("the services of a tier", () => {
  it.each(TIERS)(
    "fit the quota of %s with every autoscaler at its maximum and every service rolling",
    (tier) => {
      const { peak } = requestsOf(tier);
      const { quota } = TIER_TABLE[tier];
      expect(peak.pods).toBeLessThanOrEqual(quota.pods);
      expect(peak.requests.cpuMilli).toBeLessThanOrEqual(quota.cpuRequests * 1000);
      expect(peak.limits.cpuMilli).toBeLessThanOrEqual(quota.cpuLimits * 1000);
      expect(peak.requests.memoryMi).toBeLessThanOrEqual(quota.memoryRequestsGi * 1024);
      expect(peak.limits.memoryMi).toBeLessThanOrEqual(quota.memoryLimitsGi * 1024);
      expect(SERVICE_NAMES.length).toBeLessThanOrEqual(quota.services);
    },
  );

  it.each(TIERS)("stay inside the limit range of %s", (tier) => {
    for (const name of SERVICE_NAMES) {
      const { requests, limits } = sizeOf(name, tier).resources;
      expect(requests.cpuMilli).toBeGreaterThanOrEqual(50);
      expect(requests.memoryMi).toBeGreaterThanOrEqual(64);
      expect(limits.cpuMilli).toBeLessThanOrEqual(2000);
      expect(limits.memoryMi).toBeLessThanOrEqual(4096);
      expect(limits.cpuMilli).toBeGreaterThanOrEqual(requests.cpuMilli);
      expect(limits.memoryMi).toBeGreaterThanOrEqual(requests.memoryMi);
    }
  });

  it("run once each without autoscalers on FREE", () => {
    expect(requestsOf("FREE").steady.pods).toBe(13);
    expect(SERVICE_NAMES.map((name) => sizeOf(name, "FREE").autoscale)).toEqual(Array(13).fill(undefined));
  });

  it.each([
    ["STARTER", [3, 2, 2, 2, 2, 2, 2, 1, 1, 2, 1, 1, 2]],
    ["PROFESSIONAL", [3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]],
    ["ENTERPRISE", Array(13).fill(3)],
  ] as const)(
    "run in %s with the replicas of the table, and at least those of its promise",
    (tier, replicas) => {
      expect(SERVICE_NAMES.map((name) => sizeOf(name, tier).replicas)).toEqual(replicas);
      for (const name of SERVICE_NAMES) {
        expect(sizeOf(name, tier).autoscale?.min ?? Infinity).toBeGreaterThanOrEqual(planReplicaFloor(tier));
      }
    },
  );

  it.each(TIERS)("open at most the connections that %s has for a database, and in all", (tier) => {
    const { maxConnections } = TIER_TABLE[tier];
    const java = SERVICE_NAMES.filter((name) => SERVICES[name].stack === "java" && SERVICES[name].database);
    const opened = java.map((name) => {
      const size = sizeOf(name, tier);
      const pods = Math.max(size.replicas, size.autoscale?.max ?? 0) + size.maxSurge;
      return pods * (planPoolSize(name, tier) ?? 10);
    });
    for (const connections of opened) expect(connections).toBeLessThanOrEqual(maxConnections);
    expect(opened.reduce((sum, connections) => sum + connections, 0)).toBeLessThan(planConnections(tier));
  });

  it("have the same pools in both dedicated tiers, so that a change of tier rolls no pod", () => {
    for (const name of SERVICE_NAMES) {
      expect([planPoolSize(name, "PROFESSIONAL"), planPoolSize(name, "ENTERPRISE")]).toEqual([
        undefined,
        undefined,
      ]);
    }
  });

  it("never lose their only replica to a rollout above FREE", () => {
    for (const tier of ["STARTER", "PROFESSIONAL", "ENTERPRISE"] as const) {
      const single = SERVICE_NAMES.map((name) => sizeOf(name, tier)).filter((size) => size.replicas === 1);
      expect(single.every((size) => size.maxSurge === 1)).toBe(true);
    }
  });
});

describe("the catalogue", () => {
  it("names a service's needs before the service", () => {
    for (const [index, name] of SERVICE_NAMES.entries()) {
      for (const need of SERVICES[name].needs) expect(SERVICE_NAMES.indexOf(need)).toBeLessThan(index);
    }
  });

  it("has eleven databases", () => {
    expect(DATABASES).toEqual([
      "query",
      "catalog",
      "semantic",
      "pipeline",
      "quality",
      "bi",
      "ai",
      "ml",
      "ontology",
      "governance",
      "ops_agent",
    ]);
  });
});

it.each([
  [100, 1000, "m", "100m"],
  [1000, 1000, "m", "1"],
  [2000, 1000, "m", "2"],
  [512, 1024, "Mi", "512Mi"],
  [2048, 1024, "Mi", "2Gi"],
] as const)("writes %d of %d %s as %s", (value, per, unit, written) => {
  expect(planQuantity(value, per, unit)).toBe(written);
});

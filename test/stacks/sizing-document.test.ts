import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  planNodeCapacity,
  planSharedPool,
  planSharedStores,
  planStores,
  planUserPools,
  VM_SIZES,
} from "../../stacks/azure-sizes.ts";
import type { PoolPlan, StoresPlan, VmSize } from "../../stacks/azure-sizes.ts";
import { requestsOf } from "../../stacks/services/sizing.ts";
import { TIER_TABLE } from "../../stacks/tiers.ts";

const DOCUMENT = readFileSync(new URL("../../docs/sizing.md", import.meta.url), "utf8");
const TIERS = ["PROFESSIONAL", "ENTERPRISE"] as const;

/** The rows of the table below a heading, as strings. */
function tableUnder(heading: string): string[][] {
  const section = DOCUMENT.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const asText = (rows: (string | number)[][]) => rows.map((row) => row.map(String));

describe("docs/sizing.md", () => {
  it("gives the services' requests and quotas as the functions do", () => {
    const rows = TIERS.map((tier) => {
      const { steady, peak } = requestsOf(tier);
      const { cpuRequests, memoryRequestsGi } = TIER_TABLE[tier].quota;
      return [
        tier,
        steady.requests.cpuMilli,
        steady.requests.memoryMi,
        peak.requests.cpuMilli,
        peak.requests.memoryMi,
        cpuRequests * 1000,
        memoryRequestsGi * 1024,
      ];
    });
    expect(tableUnder("What the services request")).toEqual(asText(rows));
  });

  it("gives what a node carries as the functions do", () => {
    const rows = (Object.keys(VM_SIZES) as VmSize[]).map((size) => {
      const { allocatable, usable } = planNodeCapacity(size);
      return [size, allocatable.cpuMilli, allocatable.memoryMi, usable.cpuMilli, usable.memoryMi];
    });
    expect(tableUnder("What a node carries")).toEqual(asText(rows));
  });

  it("gives the node pools as the functions do", () => {
    const row = (footprint: string) => (pool: PoolPlan) => [
      footprint,
      pool.name,
      pool.vmSize,
      pool.minCount,
      pool.maxCount,
    ];
    const rows = [
      ...TIERS.flatMap((tier) => planUserPools(tier).map(row(tier))),
      row("shared")(planSharedPool()),
    ];
    expect(tableUnder("Node pools")).toEqual(asText(rows));
  });

  it("gives the stores as the functions do", () => {
    const plans: [string, StoresPlan][] = [
      ...TIERS.map((tier): [string, StoresPlan] => [tier, planStores(tier)]),
      ["shared", planSharedStores()],
    ];
    expect(tableUnder("PostgreSQL")).toEqual(
      asText(
        plans.map(([footprint, { postgres }]) => [
          footprint,
          postgres.sku.name,
          postgres.maxConnections,
          postgres.storageGb,
          postgres.zoneRedundant ? "yes" : "no",
          postgres.backupRetentionDays,
        ]),
      ),
    );
    expect(tableUnder("Cache, topics, objects")).toEqual(
      asText(
        plans.map(([footprint, plan]) => [footprint, plan.cacheSku, plan.eventHubsUnits, plan.storageSku]),
      ),
    );
  });
});

import { describe, expect, it } from "vitest";
import { planUserPools, VM_SIZES } from "../../stacks/azure-sizes.ts";
import { familyOf, planQuota } from "../../stacks/quota.ts";

describe("the quota a footprint takes", () => {
  it("counts the system pool, every user pool at its least and one surge node a pool", () => {
    const pools = planUserPools("PROFESSIONAL");
    const users = pools.reduce(
      (sum, { vmSize, minCount }) => sum + VM_SIZES[vmSize].cores * (minCount + 1),
      0,
    );
    expect(planQuota("PROFESSIONAL").cores["cores"]).toBe(4 * (3 + 1) + users);
  });

  it("is the region's total when the families are added", () => {
    const { cores: total, ...families } = planQuota("ENTERPRISE").cores;
    expect(Object.values(families).reduce((sum, cores) => sum + cores, 0)).toBe(total);
  });

  it("names families as Azure's usages do", () => {
    expect(familyOf("Standard_D4ds_v5")).toBe("standardDDSv5Family");
  });
});

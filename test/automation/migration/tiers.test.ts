import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { needsCredentials, pathOf } from "../../../automation/migration/plan.ts";
import type { Path } from "../../../automation/migration/plan.ts";
import { TIERS } from "../../../stacks/spec.ts";
import type { Tier } from "../../../stacks/spec.ts";
import { activeTenant, ADMIN, createWorld } from "../../support/fake-world.ts";
import type { World } from "../../support/fake-world.ts";

/** Every pair of tiers: how the one becomes the other, or null where it is refused. */
const PATHS: Record<Tier, Record<Tier, Path | null>> = {
  FREE: { FREE: null, STARTER: "resize", PROFESSIONAL: "dedicate", ENTERPRISE: "dedicate" },
  STARTER: { FREE: null, STARTER: null, PROFESSIONAL: "dedicate", ENTERPRISE: "dedicate" },
  PROFESSIONAL: { FREE: null, STARTER: null, PROFESSIONAL: null, ENTERPRISE: "enlarge" },
  ENTERPRISE: { FREE: null, STARTER: null, PROFESSIONAL: null, ENTERPRISE: null },
};

let world: World;
beforeEach(async () => {
  world = createWorld();
  await world.tierlift.start();
});
afterEach(() => world.tierlift.stop());

async function tenantIn(tier: Tier): Promise<string> {
  const { id } = await activeTenant(world, "STARTER");
  await world.store.tenants.update(id, (draft) => {
    draft.tier = tier;
  });
  return id;
}

describe.each(TIERS)("from %s", (source) => {
  test.each(TIERS)("to %s the table decides", async (target) => {
    const id = await tenantIn(source);
    const asked = world.tierlift.migrations.initiate(id, target, ADMIN);
    const path = PATHS[source][target];
    if (path === null) {
      await expect(asked).rejects.toMatchObject({
        code: "NOT_AN_UPGRADE",
        message: `${target} is not above the tenant's present tier, ${source}. Only upgrades are possible.`,
      });
      return;
    }
    const job = await asked;
    expect(pathOf(job)).toBe(path);
    expect(needsCredentials(job)).toBe(path === "dedicate");
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tierliftError } from "../../../automation/errors.ts";
import {
  ADMIN,
  arrival,
  createWorld,
  inVerification,
  outcomeOf,
  PATIENT_MS,
} from "../../support/fake-world.ts";
import type { World } from "../../support/fake-world.ts";

let world: World;
let tenantId: string;
let growthId: string;

/** A PROFESSIONAL tenant whose growth to ENTERPRISE waits for its word. */
beforeEach(async () => {
  world = createWorld();
  await world.tierlift.start();
  const moved = await inVerification(world);
  tenantId = moved.tenantId;
  const { migrations } = world.tierlift;
  await migrations.completeVerification(moved.jobId, ADMIN, PATIENT_MS);
  growthId = (await migrations.initiate(tenantId, "ENTERPRISE", ADMIN)).id;
});
afterEach(() => world.tierlift.stop());

const tenant = () => world.tierlift.tenants.get(tenantId);
const tierOf = (name: string): unknown =>
  [...(world.engine.cloud.stacks.get("acme")?.values() ?? [])].find((resource) => resource.name === name)
    ?.properties["tier"];
const verified = async () => {
  await world.tierlift.migrations.validatePayment(growthId, ADMIN);
  return arrival(world, growthId, "VERIFICATION", "FAILED");
};

describe("a dedicated tenant that grows in place", () => {
  test("needs no credentials, replaces nothing and tries the new size before it has its limits", async () => {
    const before = world.engine.applied.length;
    expect((await verified()).status).toBe("VERIFICATION");
    expect(world.engine.applied.slice(before).every((entry) => entry.startsWith("update"))).toBe(true);
    expect(tierOf("services")).toBe("ENTERPRISE");
    expect(tenant()).toMatchObject({ tier: "PROFESSIONAL", limits: { maxUsers: 100 } });
  });

  test("has its tier and limits when it completes, without a freeze or a switch", async () => {
    await verified();
    const [applied, data] = [world.engine.applied.length, world.data.length];
    const { job } = await world.tierlift.migrations.completeVerification(growthId, ADMIN, PATIENT_MS);
    expect(job.status).toBe("COMPLETED");
    expect(outcomeOf(job, "CUTTING_OVER")).toBe("DONE");
    expect(world.engine.applied.length).toBe(applied);
    expect(world.data.length).toBe(data);
    expect(tenant()).toMatchObject({ tier: "ENTERPRISE", status: "ACTIVE", limits: { maxUsers: null } });
  });

  test("asks nothing of the shared server on its way or back, where nothing of it is any more", async () => {
    const before = [...world.data];
    await verified();
    await world.tierlift.migrations.rollback(growthId, "too large", ADMIN);
    expect((await arrival(world, growthId, "ROLLED_BACK", "FAILED")).status).toBe("ROLLED_BACK");
    expect(world.data).toEqual(before);
  });

  test("goes back to the size it had", async () => {
    await verified();
    const before = world.engine.applied.length;
    await world.tierlift.migrations.rollback(growthId, "dear", ADMIN);
    expect((await arrival(world, growthId, "ROLLED_BACK", "FAILED")).status).toBe("ROLLED_BACK");
    expect(world.engine.applied.slice(before).every((entry) => entry.startsWith("update"))).toBe(true);
    expect(tierOf("services")).toBe("PROFESSIONAL");
    expect(tenant()).toMatchObject({ tier: "PROFESSIONAL", status: "ACTIVE", limits: { maxUsers: 100 } });
  });

  test("can grow a second time after it went back", async () => {
    await verified();
    const { migrations } = world.tierlift;
    await migrations.rollback(growthId, "not yet", ADMIN);
    await arrival(world, growthId, "ROLLED_BACK");
    growthId = (await migrations.initiate(tenantId, "ENTERPRISE", ADMIN)).id;
    await verified();
    await migrations.completeVerification(growthId, ADMIN, PATIENT_MS);
    expect(tenant().tier).toBe("ENTERPRISE");
  });

  test("is not rolled back when something of what served it is gone", async () => {
    await verified();
    const stack = world.engine.cloud.stacks.get("acme");
    const gone = [...(stack?.values() ?? [])].find(({ name }) => name === "services");
    world.engine.onApply = (_stack, operation, { name }) => {
      if (operation === "update" && name === "observability" && gone) stack?.delete(gone.urn);
    };
    await world.tierlift.migrations.rollback(growthId, "slow", ADMIN);
    const job = await arrival(world, growthId, "FAILED", "ROLLED_BACK");
    expect(job.error?.code).toBe("UNDO_INCOMPLETE");
    expect(job.error?.message).toContain("services id of");
  });

  test("goes back from FAILED as well", async () => {
    world.engine.onApply = (stack, operation, { name }) => {
      if (operation === "update" && name === "data")
        throw tierliftError("ENGINE_FAILED", { stack, detail: "no capacity" });
    };
    expect((await verified()).status).toBe("FAILED");
    world.engine.onApply = () => undefined;
    await world.tierlift.migrations.rollback(growthId, "enough", ADMIN);
    expect((await arrival(world, growthId, "ROLLED_BACK", "FAILED")).status).toBe("ROLLED_BACK");
    expect(tierOf("infrastructure")).toBe("PROFESSIONAL");
  });
});

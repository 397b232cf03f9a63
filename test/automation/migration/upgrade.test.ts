import { afterEach, beforeEach, expect, test } from "vitest";
import {
  activeTenant,
  ADMIN,
  arrival,
  createWorld,
  inVerification,
  outcomeOf,
  PATIENT_MS,
  underWay,
} from "../../support/fake-world.ts";
import type { World } from "../../support/fake-world.ts";
import { PHASES } from "../../../automation/model.ts";

let world: World;
beforeEach(async () => {
  world = createWorld();
  await world.tierlift.start();
});
afterEach(() => world.tierlift.stop());

const resourcesIn = (): string[] =>
  [...(world.engine.cloud.stacks.get("acme")?.values() ?? [])].map(({ name }) => name);

test("an upgrade goes from INITIATED to COMPLETED and moves the tenant to infrastructure of its own", async () => {
  const tenant = await activeTenant(world);
  const jobId = await underWay(world, tenant.id);
  await arrival(world, jobId, "VERIFICATION");
  expect(world.tierlift.tenants.get(tenant.id).status).toBe("UPGRADING");
  const { job, done } = await world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
  expect(done).toBe(true);
  expect(job.status).toBe("COMPLETED");
  expect(PHASES.map((phase) => outcomeOf(job, phase))).toEqual(PHASES.map(() => "DONE"));
  expect(job.phases.map(({ attempts }) => attempts)).toEqual(PHASES.map(() => 1));
  expect(resourcesIn()).not.toContain("namespace");
  expect(resourcesIn()).not.toContain("next");
  expect(resourcesIn()).toEqual(expect.arrayContaining(["infrastructure", "services", "observability"]));
  const { tier, limits, status } = world.tierlift.tenants.get(tenant.id);
  expect({ tier, status, users: limits.maxUsers }).toEqual({
    tier: "PROFESSIONAL",
    status: "ACTIVE",
    users: 100,
  });
});

test("a rollback in verification leaves the slice as it was and nothing dedicated", async () => {
  const { jobId } = await inVerification(world);
  await world.tierlift.migrations.rollback(jobId, "slower than before", ADMIN);
  const job = await arrival(world, jobId, "ROLLED_BACK", "FAILED");
  expect(job.status).toBe("ROLLED_BACK");
  expect(resourcesIn().sort()).toEqual([
    "*",
    "@",
    "acme",
    "acme",
    "acme",
    "api",
    "bi",
    "claim",
    "namespace",
    "quota",
  ]);
});

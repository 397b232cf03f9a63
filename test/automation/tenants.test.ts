import { afterEach, beforeEach, expect, test } from "vitest";
import { tierliftError } from "../../automation/errors.ts";
import {
  activeTenant,
  ADMIN,
  arrival,
  createWorld,
  inVerification,
  PATIENT_MS,
  underWay,
  until,
} from "../support/fake-world.ts";
import type { World } from "../support/fake-world.ts";

let world: World;
beforeEach(async () => {
  world = createWorld();
  await world.tierlift.start();
});
afterEach(() => world.tierlift.stop());

const input = {
  name: "Acme",
  slug: "acme",
  tier: "STARTER",
  region: "westeurope",
  adminEmail: "a@b.test",
} as const;
const statusOf = (id: string): string => world.tierlift.tenants.get(id).status;

test("a tenant is answered at once and becomes ACTIVE when its slice stands", async () => {
  const tenant = await world.tierlift.tenants.create(input, ADMIN);
  expect(tenant).toMatchObject({ slug: "acme", status: "PROVISIONING", limits: { maxUsers: 25 } });
  await until(world, tenant.id, () => statusOf(tenant.id) === "ACTIVE");
  expect(world.engine.applied).toContain("create namespace");
});

test("an answered tenant holds nothing that only the service needs", async () => {
  const tenant = await world.tierlift.tenants.create(input, ADMIN);
  expect(Object.keys(tenant)).not.toContain("outbox");
  expect(Object.keys(tenant)).not.toContain("lease");
});

test("of two tenants with one slug at the same time one is refused", async () => {
  const both = await Promise.allSettled([
    world.tierlift.tenants.create(input, ADMIN),
    world.tierlift.tenants.create(input, ADMIN),
  ]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  await expect(world.tierlift.tenants.create(input, ADMIN)).rejects.toMatchObject({ code: "SLUG_TAKEN" });
});

test("the platform's name and a dedicated tier are refused", async () => {
  const { tenants } = world.tierlift;
  await expect(tenants.create({ ...input, slug: "platform" }, ADMIN)).rejects.toMatchObject({
    code: "SLUG_RESERVED",
  });
  await expect(tenants.create({ ...input, tier: "PROFESSIONAL" }, ADMIN)).rejects.toMatchObject({
    code: "DEDICATED_AT_CREATION",
  });
});

test("a slice that cannot be made leaves PROVISIONING_FAILED, and a retry makes it", async () => {
  world.engine.onApply = (stack) => {
    throw tierliftError("ENGINE_FAILED", { stack, detail: "no quota" });
  };
  const { id } = await world.tierlift.tenants.create(input, ADMIN);
  await until(world, id, () => statusOf(id) === "PROVISIONING_FAILED");
  await until(world, id, () => world.store.operations.list()[0]?.status === "FAILED");
  const status = await world.tierlift.tenants.provisioningStatus(id);
  expect(status).toMatchObject({ status: "FAILED", error: { code: "ENGINE_FAILED" } });
  world.engine.onApply = () => undefined;
  await world.tierlift.tenants.retryProvisioning(id, ADMIN);
  await until(world, id, () => statusOf(id) === "ACTIVE");
});

test("a slice whose making was cut off is made after the next start", async () => {
  world.engine.onApply = (stack, _operation, _resource, signal) =>
    new Promise((_, reject) =>
      signal?.addEventListener("abort", () =>
        reject(tierliftError("ENGINE_INTERRUPTED", { stack, detail: "stopped" })),
      ),
    );
  const { id } = await world.tierlift.tenants.create(input, ADMIN);
  await world.tierlift.stop();
  expect(statusOf(id)).toBe("PROVISIONING");
  world.engine.onApply = () => undefined;
  world = createWorld({ store: world.store, engine: world.engine, clock: world.clock });
  await world.tierlift.start();
  await until(world, id, () => statusOf(id) === "ACTIVE");
});

test("tenants are listed by page and filter, without those that are deleted", async () => {
  for (const slug of ["one", "two", "three"])
    await activeTenant(world, slug === "two" ? "FREE" : "STARTER", slug);
  const { tenants } = world.tierlift;
  expect(tenants.list({ page: 1, size: 2 })).toMatchObject({
    total: 3,
    tenants: [{ slug: "one" }, { slug: "two" }],
  });
  expect(tenants.list({ page: 2, size: 2 }).tenants.map(({ slug }) => slug)).toEqual(["three"]);
  expect(tenants.list({ tier: "FREE", page: 1, size: 9 }).tenants.map(({ slug }) => slug)).toEqual(["two"]);
  const [first] = tenants.list({ slug: "one", page: 1, size: 1 }).tenants;
  const id = first?.id ?? "";
  await tenants.delete(id, "one", ADMIN);
  await until(world, id, () => statusOf(id) === "DELETED");
  expect(tenants.list({ page: 1, size: 9 }).total).toBe(2);
  expect(tenants.list({ status: "DELETED", page: 1, size: 9 }).total).toBe(1);
});

test("a deletion is confirmed with the slug, leaves nothing in the cloud and keeps the history", async () => {
  const { tenantId, jobId } = await inVerification(world);
  const { tenants, migrations } = world.tierlift;
  await expect(tenants.delete(tenantId, "acme", ADMIN)).rejects.toMatchObject({ code: "MIGRATION_ACTIVE" });
  await migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
  await expect(tenants.delete(tenantId, "other", ADMIN)).rejects.toMatchObject({
    code: "CONFIRMATION_MISMATCH",
  });
  await tenants.delete(tenantId, "acme", ADMIN);
  await until(
    world,
    tenantId,
    () => world.store.operations.list(({ status }) => status === "DONE").length === 2,
  );
  expect(world.engine.cloud.stacks.has("acme")).toBe(false);
  expect(migrations.history(tenantId)).toHaveLength(1);
  expect((await tenants.audit(tenantId)).at(-1)).toMatchObject({ to: "DELETED" });
  await tenants.create(input, ADMIN);
});

test("one migration at a time: a second is refused with the first one's state", async () => {
  const { id } = await activeTenant(world);
  const { migrations } = world.tierlift;
  const both = await Promise.allSettled([
    migrations.initiate(id, "PROFESSIONAL", ADMIN),
    migrations.initiate(id, "ENTERPRISE", ADMIN),
  ]);
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  await expect(migrations.initiate(id, "ENTERPRISE", ADMIN)).rejects.toThrow(/INITIATED/);
});

test.each(["FREE", "STARTER"] as const)(
  "a migration to %s is no upgrade for a STARTER tenant",
  async (tier) => {
    const { id } = await activeTenant(world);
    await expect(world.tierlift.migrations.initiate(id, tier, ADMIN)).rejects.toMatchObject({
      code: "NOT_AN_UPGRADE",
    });
  },
);

test("unknown tenants and migrations are missing", async () => {
  const { tenants, migrations } = world.tierlift;
  expect(() => tenants.get("none")).toThrow(expect.objectContaining({ code: "TENANT_NOT_FOUND" }));
  expect(() => migrations.get("none")).toThrow(expect.objectContaining({ code: "MIGRATION_NOT_FOUND" }));
  await expect(migrations.cancel("none", "x", ADMIN)).rejects.toMatchObject({ code: "MIGRATION_NOT_FOUND" });
});

test("the provisioning status follows a migration and estimates its end from past ones", async () => {
  const first = await inVerification(world);
  const { migrations, tenants } = world.tierlift;
  expect(await tenants.provisioningStatus(first.tenantId)).toMatchObject({
    status: "VERIFICATION",
    percentage: 83,
  });
  await migrations.completeVerification(first.jobId, ADMIN, PATIENT_MS);
  expect(await tenants.provisioningStatus(first.tenantId)).toMatchObject({
    status: "COMPLETED",
    percentage: 100,
  });

  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const second = await activeTenant(world, "STARTER", "other");
  world.engine.onApply = (_stack, _operation, resource) => (resource.name === "services" ? gate : undefined);
  const jobId = await underWay(world, second.id);
  await until(world, second.id, () => migrations.get(jobId).provisioningState === "DEPLOYING_SERVICES");
  const status = await tenants.provisioningStatus(second.id);
  expect(status).toMatchObject({
    phase: { name: "DEPLOYING_SERVICES", number: 6, total: 12 },
    percentage: 41,
  });
  expect(status.estimatedCompletionAt).not.toBeNull();
  expect(status.recentLogs.join()).toContain("previewed other");
  release();
  await arrival(world, jobId, "VERIFICATION");
});

test("statistics count states, success and durations", async () => {
  const { tenantId, jobId } = await inVerification(world);
  const { migrations } = world.tierlift;
  expect(migrations.stats()).toMatchObject({
    total: 1,
    active: 1,
    successRate: null,
    averageDurationMs: null,
  });
  await migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
  const { id } = await migrations.initiate(tenantId, "ENTERPRISE", ADMIN);
  await migrations.cancel(id, "no", ADMIN);
  const stats = migrations.stats();
  expect(stats).toMatchObject({ total: 2, active: 0, completed: 1, successRate: 0.5 });
  expect(stats.byStatus).toMatchObject({ COMPLETED: 1, CANCELLED: 1, FAILED: 0 });
  expect(stats.averageDurationMsByTargetTier.PROFESSIONAL).toBe(stats.averageDurationMs);
});

test("it is ready once the platform stands, and says why not before", async () => {
  await world.tierlift.stop();
  world = createWorld();
  let release: () => void = () => undefined;
  const tried = new Promise<void>((resolve) => (release = resolve));
  let fails = true;
  world.engine.onApply = (stack) => {
    if (!fails) return;
    release();
    throw tierliftError("ENGINE_FAILED", { stack, detail: "no subscription" });
  };
  await world.tierlift.start();
  await tried;
  expect(world.tierlift.ready().ready).toBe(false);
  fails = false;
  await activeTenant(world);
  expect(world.tierlift.ready()).toEqual({ ready: true, problem: null });
});

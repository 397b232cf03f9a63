import { afterEach, describe, expect, test } from "vitest";
import { tierliftError } from "../../../automation/errors.ts";
import type { Phase } from "../../../automation/model.ts";
import { verifyTrail } from "../../../automation/audit.ts";
import {
  activeTenant,
  ADMIN,
  arrival,
  CLIENT_SECRET,
  createWorld,
  CREDENTIALS,
  CUTOVER,
  inVerification,
  outcomeOf,
  PATIENT_MS,
  SETTINGS,
  underWay,
  until,
} from "../../support/fake-world.ts";
import type { World, WorldOptions } from "../../support/fake-world.ts";
import { dnsAnswer } from "../../support/fake-engine.ts";

let world: World;
afterEach(() => world.tierlift.stop());
async function begin(options: WorldOptions = {}): Promise<World> {
  world = createWorld(options);
  await world.tierlift.start();
  return world;
}

const names = (): string[] =>
  [...(world.engine.cloud.stacks.get("acme")?.values() ?? [])].map(({ name }) => name).sort();
const SLICE_ONLY = ["*", "@", "acme", "acme", "acme", "api", "bi", "claim", "namespace", "quota"];
const ttlOf = (name: string): unknown =>
  [...(world.engine.cloud.stacks.get("acme")?.values() ?? [])].find((resource) => resource.name === name)
    ?.properties["ttl"];
const passing = (stack: string) => tierliftError("ENGINE_FAILED", { stack, detail: "a moment's trouble" });

/** Fails operations on a resource as often as said. */
function failOn(name: string, times: number, kind: "create" | "update" | "delete" = "create"): void {
  let left = times;
  world.engine.onApply = (stack, operation, resource) => {
    if (operation !== kind || resource.name !== name || left === 0) return;
    left -= 1;
    throw passing(stack);
  };
}

describe("a phase that fails", () => {
  test("is tried three times when the failure may pass", async () => {
    await begin();
    const { id } = await activeTenant(world);
    failOn("services", 2);
    const job = await arrival(world, await underWay(world, id), "VERIFICATION", "FAILED");
    expect(job.status).toBe("VERIFICATION");
    expect(job.phases.find(({ phase }) => phase === "DEPLOYING_SERVICES")).toMatchObject({
      attempts: 3,
      outcome: "DONE",
    });
  });

  test("ends the migration's advance after the third try, keeps the text, and goes on there when retried", async () => {
    await begin();
    const { id } = await activeTenant(world);
    failOn("services", 3);
    const jobId = await underWay(world, id);
    const failed = await arrival(world, jobId, "FAILED");
    expect(failed.error).toMatchObject({
      code: "ENGINE_FAILED",
      phase: "DEPLOYING_SERVICES",
      status: "PROVISIONING",
    });
    expect(failed.error?.message).toContain("a moment's trouble");
    expect(names()).toContain("infrastructure");
    await world.tierlift.migrations.retry(jobId, ADMIN);
    const job = await arrival(world, jobId, "VERIFICATION");
    expect(job.error).toBeUndefined();
    expect(world.engine.applied.filter((entry) => entry === "create infrastructure")).toHaveLength(1);
  });

  test("is not tried again when trying cannot help, and credentials can then be replaced", async () => {
    const bad = tierliftError("SERVICE_PRINCIPAL_REJECTED", { clientId: "client", problem: "no role" });
    let asked = 0;
    await begin({
      ports: {
        checkServicePrincipal: () =>
          (asked += 1) === 1 ? Promise.reject(bad) : Promise.resolve({ directoryId: "directory" }),
      },
    });
    const { id } = await activeTenant(world);
    const jobId = await underWay(world, id);
    expect((await arrival(world, jobId, "FAILED")).error?.code).toBe("SERVICE_PRINCIPAL_REJECTED");
    expect(asked).toBe(1);
    await world.tierlift.migrations.submitCredentials(jobId, { ...CREDENTIALS, clientId: "other" }, ADMIN);
    await arrival(world, jobId, "VERIFICATION");
  });

  test("can be rolled back from FAILED to the slice alone", async () => {
    await begin();
    const { id } = await activeTenant(world);
    failOn("data", 3);
    const jobId = await underWay(world, id);
    await arrival(world, jobId, "FAILED");
    await world.tierlift.migrations.rollback(jobId, "enough", ADMIN);
    await arrival(world, jobId, "ROLLED_BACK");
    expect(names()).toEqual(SLICE_ONLY);
    expect(ttlOf("@")).toBe(300);
  });

  test("whose time is over fails with the time it had", async () => {
    const never = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("told to stop"))));
    await begin({
      ports: { checkServicePrincipal: (_c, _r, _t, signal) => never(signal) },
      settings: { phaseTimeoutMs: { ...SETTINGS.phaseTimeoutMs, VALIDATING_SERVICE_PRINCIPAL: 20 } },
    });
    const { id } = await activeTenant(world);
    const job = await arrival(world, await underWay(world, id), "FAILED");
    expect(job.error?.code).toBe("PHASE_TIMEOUT");
    expect(job.phases[0]?.attempts).toBe(3);
  });

  test("verification that does not pass fails with what was expected, and its report is kept", async () => {
    const check = {
      name: "rollout of bi-service",
      group: "rollouts",
      expected: "2",
      found: "1",
      passed: false,
    };
    await begin({
      ports: {
        verify: () => Promise.resolve({ checks: [check], passed: false, startedAt: "", finishedAt: "" }),
      },
    });
    const { id } = await activeTenant(world);
    const jobId = await underWay(world, id);
    expect((await arrival(world, jobId, "FAILED")).error?.message).toContain(
      "bi-service: expected 2, found 1",
    );
    expect((await world.tierlift.migrations.report(jobId)).checks).toEqual([check]);
  });
});

describe("changes that are not allowed", () => {
  test("stop the migration before anything is touched", async () => {
    await begin();
    const { id } = await activeTenant(world);
    // Someone changed the slice by hand: the next update would put it right on the way.
    const quota = [...(world.engine.cloud.stacks.get("acme")?.values() ?? [])].find(
      ({ name }) => name === "quota",
    );
    if (quota) quota.properties = { tier: "other" };
    const before = world.engine.applied.length;
    const job = await arrival(world, await underWay(world, id), "FAILED");
    expect(job.error).toMatchObject({ code: "CHANGE_NOT_ALLOWED", phase: "PREVIEWING_CHANGES" });
    expect(world.engine.applied.length).toBe(before);
  });

  test("includes what the approved preview did not hold", async () => {
    await begin({ settings: { reviewRequired: true } });
    const { id } = await activeTenant(world);
    const jobId = await underWay(world, id);
    await arrival(world, jobId, "AWAITING_APPROVAL");
    const changes = await world.tierlift.migrations.preview(jobId);
    const fewer = changes.operations.filter(({ name }) => name !== "services");
    await world.store.artifacts.put(`${jobId}.preview.PREVIEWING_CHANGES`, { ...changes, operations: fewer });
    await world.tierlift.migrations.approve(jobId, ADMIN);
    const job = await arrival(world, jobId, "FAILED");
    expect(job.error).toMatchObject({ code: "CHANGE_NOT_APPROVED", phase: "DEPLOYING_SERVICES" });
    expect(names()).not.toContain("services");
  });
});

describe("with review", () => {
  test("nothing is made before the approval of the change set that was shown", async () => {
    await begin({ settings: { reviewRequired: true } });
    const { id } = await activeTenant(world);
    const jobId = await underWay(world, id);
    await arrival(world, jobId, "AWAITING_APPROVAL");
    expect(names()).toEqual(SLICE_ONLY);
    const { digest, totals } = await world.tierlift.migrations.preview(jobId);
    expect(totals.create).toBeGreaterThan(6);
    await expect(world.tierlift.migrations.approve(jobId, ADMIN, "other")).rejects.toMatchObject({
      code: "APPROVED_OTHER",
    });
    await world.tierlift.migrations.approve(jobId, ADMIN, digest);
    await arrival(world, jobId, "VERIFICATION");
  });
});

describe("a cancelled migration", () => {
  test("ends the phase that runs and leaves the slice alone", async () => {
    await begin();
    const { id } = await activeTenant(world);
    world.engine.onApply = (stack, operation, resource, signal) => {
      if (operation !== "create" || resource.name !== "services") return;
      return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(passing(stack))));
    };
    const jobId = await underWay(world, id);
    const isDeploying = () => world.tierlift.migrations.get(jobId).provisioningState === "DEPLOYING_SERVICES";
    await until(world, id, isDeploying);
    expect((await world.tierlift.migrations.cancel(jobId, "dear", ADMIN)).status).toBe("CANCELLING");
    const job = await arrival(world, jobId, "CANCELLED");
    expect(names()).toEqual(SLICE_ONLY);
    expect(job.reason).toBe("dear");
    expect(world.tierlift.tenants.get(id).status).toBe("ACTIVE");
    expect(() => world.tierlift.migrations.active(id)).toThrow(/no active migration/);
  });

  test("goes on with the other undos when one fails, then says what is left", async () => {
    await begin();
    const { tenantId, jobId } = await inVerification(world);
    world.engine.onApply = (stack, operation, resource) => {
      if (operation === "delete" && resource.name === "infrastructure") throw passing(stack);
    };
    await world.tierlift.migrations.rollback(jobId, "slow", ADMIN);
    const failed = await arrival(world, jobId, "FAILED");
    expect(failed.error).toMatchObject({ code: "UNDO_INCOMPLETE", status: "ROLLING_BACK" });
    expect(failed.error?.message).toContain("infrastructure still exists");
    expect(outcomeOf(failed, "PREVIEWING_CHANGES")).toBe("UNDONE");
    expect(names()).not.toContain("services");
    world.engine.onApply = () => undefined;
    await world.tierlift.migrations.retry(jobId, ADMIN);
    await arrival(world, jobId, "ROLLED_BACK");
    expect(names()).toEqual(SLICE_ONLY);
    expect(world.tierlift.tenants.get(tenantId).status).toBe("ACTIVE");
  });

  test("is not rolled back when something of the slice is gone", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    const stack = world.engine.cloud.stacks.get("acme");
    world.engine.onApply = (_stack, operation, resource) => {
      if (operation !== "delete" || resource.name !== "next") return;
      for (const { urn, name } of stack?.values() ?? []) if (name === "quota") stack?.delete(urn);
    };
    await world.tierlift.migrations.rollback(jobId, "slow", ADMIN);
    expect((await arrival(world, jobId, "FAILED", "ROLLED_BACK")).status).toBe("FAILED");
  });
});

describe("the cutover", () => {
  const cutoverOf = (jobId: string) => world.tierlift.migrations.cutoverReport(jobId);
  const cutOver = async (jobId: string) =>
    (await world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS)).job;

  test("freezes, copies, compares, switches and confirms, in this order", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    const before = world.engine.applied.length;
    expect((await cutOver(jobId)).status).toBe("COMPLETED");
    expect(world.data).toEqual(["cutover", "detach"]);
    const applied = world.engine.applied.slice(before);
    expect(applied.slice(0, 4).sort()).toEqual(["update *", "update @", "update api", "update bi"]);
    expect(applied.slice(4)).toEqual([
      "delete next",
      "delete acme",
      "delete quota",
      "delete namespace",
      "delete claim",
      "delete acme",
      "update @",
      "update *",
      "update api",
      "update bi",
    ]);
  });

  test("is told of both containers and by which reference the tenant's own is reached, and of no secret", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    await cutOver(jobId);
    expect(world.blobs).toEqual([
      {
        source: { endpoint: "https://platform.blob.test/", container: "data" },
        target: {
          endpoint: "https://acme.blob.test/",
          container: "data",
          credentials: { ...CREDENTIALS, directoryId: CREDENTIALS.azureTenantId },
        },
      },
    ]);
  });

  test("warms the cache before it freezes, for a bounded time, and tells what came of it", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    await cutOver(jobId);
    const server = (of: string) => ({ host: `${of}.cache.test`, port: 10000, password: `key of ${of}` });
    expect(world.caches).toEqual([
      [
        "copy",
        {
          tenant: { id: expect.any(String) as string, slug: "acme" },
          cache: { source: server("platform"), target: server("acme"), maxSeconds: 30 },
        },
      ],
    ]);
    expect(await cutoverOf(jobId)).toMatchObject({ cache: { complete: true, copied: 3 } });
  });

  test.each([
    [
      "cannot be run",
      () => Promise.reject(tierliftError("DATA_COMMAND_FAILED", { verb: "copy", problem: "gone" })),
    ],
    ["reports what nobody knows", () => Promise.resolve({})],
  ])("does not fail for a warming that %s", async (_, runCache) => {
    await begin({ ports: { runCache } });
    const { jobId } = await inVerification(world);
    expect((await cutOver(jobId)).status).toBe("COMPLETED");
    const cutover = await cutoverOf(jobId);
    expect(cutover).toMatchObject({ frozenSeconds: 0.3, cache: { complete: false, copied: 0 } });
    expect(cutover?.cache?.problem).toMatch(/gone|complete/);
  });

  test("warms nothing where the cloud has no cache", async () => {
    await begin({ ports: { runCache: undefined } });
    const { jobId } = await inVerification(world);
    expect((await cutOver(jobId)).status).toBe("COMPLETED");
    expect(await cutoverOf(jobId)).not.toHaveProperty("cache");
  });

  test("waits until answers with the old time to live have expired", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    const lowered = Date.parse(world.store.migrations.get(jobId)?.work.ttlLoweredAt ?? "");
    await cutOver(jobId);
    const frozen = Date.parse(world.store.migrations.get(jobId)?.work.cutover.frozenAt ?? "");
    expect(frozen - lowered).toBeGreaterThanOrEqual(300_000);
  });

  test("goes back to VERIFICATION, able to write, when the freeze takes longer than it may", async () => {
    const problem = "writes were frozen for longer than the 2 s allowed";
    await begin({
      onData: (verb) => {
        if (verb === "cutover") throw tierliftError("DATA_COMMAND_FAILED", { verb, problem });
        return {};
      },
    });
    const { tenantId, jobId } = await inVerification(world);
    const job = await cutOver(jobId);
    expect(job).toMatchObject({
      status: "VERIFICATION",
      error: { code: "DATA_COMMAND_FAILED", phase: "CUTTING_OVER" },
    });
    expect(job.error?.message).toContain(problem);
    expect(world.data.at(-1)).toBe("unfreeze");
    expect(world.tierlift.tenants.get(tenantId).tier).toBe("STARTER");
    expect(names()).toContain("namespace");
  });

  test("does not switch when the copies differ", async () => {
    await begin({
      onData: (verb) => (verb === "cutover" ? { differences: ["query.runs: 5 rows, 4 copied"] } : {}),
    });
    const { jobId } = await inVerification(world);
    const job = await cutOver(jobId);
    expect(job.error).toMatchObject({ code: "PARITY_MISMATCH" });
    expect(job.error?.message).toContain("5 rows, 4 copied");
    expect(dnsAnswer(world.engine.cloud, "acme.example.test")).toEqual(["10.0.0.1"]);
  });

  test("switches back when the answer does not show the new address, and can be tried again", async () => {
    let stale = true;
    await begin({
      ports: {
        resolveDns: (name) => Promise.resolve(stale ? ["10.0.0.1"] : dnsAnswer(world.engine.cloud, name)),
      },
    });
    const { tenantId, jobId } = await inVerification(world);
    expect((await cutOver(jobId)).error?.code).toBe("SWITCH_NOT_CONFIRMED");
    expect(dnsAnswer(world.engine.cloud, "acme.example.test")).toEqual(["10.0.0.1"]);
    expect(world.data.at(-1)).toBe("unfreeze");
    stale = false;
    expect((await cutOver(jobId)).status).toBe("COMPLETED");
    expect(world.tierlift.tenants.get(tenantId).tier).toBe("PROFESSIONAL");
  });

  test("is FAILED when it can neither be done nor taken back, and rolls back from there", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    let updates = 0;
    world.engine.onApply = (stack, operation) => {
      if (operation === "update" && (updates += 1) > 1) throw passing(stack);
    };
    const failed = await cutOver(jobId);
    expect(failed).toMatchObject({ status: "FAILED", error: { code: "SWITCH_BACK_FAILED" } });
    world.engine.onApply = () => undefined;
    await world.tierlift.migrations.rollback(jobId, "no", ADMIN);
    await arrival(world, jobId, "ROLLED_BACK");
    expect(names()).toEqual(SLICE_ONLY);
    expect(dnsAnswer(world.engine.cloud, "api.acme.example.test")).toEqual(["10.0.0.1"]);
    expect(world.data.slice(-2)).toEqual(["unfreeze", "detach"]);
  });

  test("keeps the slice when the decommission fails, and only a retry is possible then", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    failOn("namespace", 3, "delete");
    const failed = await cutOver(jobId);
    expect(failed).toMatchObject({ status: "FAILED", error: { phase: "DECOMMISSIONING_SHARED" } });
    await expect(world.tierlift.migrations.rollback(jobId, "no", ADMIN)).rejects.toMatchObject({
      code: "ALREADY_SWITCHED",
    });
    const cutovers = () => world.data.filter((verb) => verb === "cutover").length;
    expect(cutovers()).toBe(1);
    await world.tierlift.migrations.retry(jobId, ADMIN);
    await arrival(world, jobId, "COMPLETED");
    expect(cutovers()).toBe(1);
  });

  test("brings over what the old services wrote last, after them and before what holds the stores", async () => {
    const blobsAsOf = "2026-03-01T10:00:00.000Z";
    const late = { copied: { blobs: 2, bytes: 7 }, aside: ["a.shared-20260301T100102Z"] };
    const seen: { asOf: string | undefined; stands: string[] }[] = [];
    await begin({
      onData: (verb) => (verb === "cutover" ? { ...CUTOVER, blobsAsOf } : {}),
      ports: {
        runBlobs: (verb, { blobs: { asOf } }) => {
          if (verb === "late") seen.push({ asOf, stands: names() });
          // A second try finds nothing more.
          return Promise.resolve(
            seen.length > 1 ? { copied: { blobs: 0, bytes: 0 }, aside: [] } : { ...late },
          );
        },
      },
    });
    const { jobId } = await inVerification(world);
    failOn("claim", 1, "delete");
    await cutOver(jobId);
    await arrival(world, jobId, "COMPLETED");
    expect(seen).toHaveLength(2);
    expect(seen[0]!.asOf).toBe(blobsAsOf);
    expect(seen[0]!.stands).toContain("claim");
    expect(seen[0]!.stands).not.toContain("namespace");
    expect(names()).not.toContain("claim");
    expect(await world.tierlift.migrations.cutoverReport(jobId)).toMatchObject({
      ...CUTOVER,
      blobsAsOf,
      late,
    });
  });

  test("records that came late are brought over once, between the services' end and the topics'", async () => {
    const seen: { verb: string; stands: string[]; topics: number }[] = [];
    await begin({
      onData: (verb) => (verb === "cutover" ? { ...CUTOVER } : {}),
      ports: {
        runKafka: (verb, { kafka }) => {
          seen.push({ verb, stands: names(), topics: Object.keys(kafka.topics).length });
          return Promise.resolve({ copied: 3 });
        },
      },
    });
    const { jobId } = await inVerification(world);
    await cutOver(jobId);
    await arrival(world, jobId, "COMPLETED");
    expect(seen.map(({ verb, topics }) => [verb, topics])).toEqual([
      ["catch-up", 10],
      ["finish", 10],
    ]);
    const [late, finish] = seen.map(({ stands }) => stands);
    expect(late).toContain("claim");
    expect(late).not.toContain("namespace");
    expect(finish).not.toContain("claim");
    const report = await world.tierlift.migrations.cutoverReport(jobId);
    expect(report).toMatchObject({ ...CUTOVER, lateRecords: 3 });
  });

  test("answers in time when it takes longer than the wait", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    await begin({ onData: async (verb) => (verb === "cutover" ? gate.then(() => ({})) : {}) });
    const { jobId } = await inVerification(world);
    const { job, done } = await world.tierlift.migrations.completeVerification(jobId, ADMIN, 1);
    expect({ done, status: job.status }).toEqual({ done: false, status: "CUTTING_OVER" });
    release();
    await arrival(world, jobId, "COMPLETED");
  });
});

test("a verification window that ends without an answer is rolled back", async () => {
  await begin();
  const { jobId } = await inVerification(world);
  const { verificationDeadline } = world.tierlift.migrations.get(jobId);
  for (let day = 0; day < 8; day += 1) {
    world.clock.advance(24 * 60 * 60_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const job = await arrival(world, jobId, "ROLLED_BACK");
  expect(job.reason).toContain(verificationDeadline);
  expect(names()).toEqual(SLICE_ONLY);
});

test("a shared tenant is resized without credentials", async () => {
  await begin();
  const { id } = await activeTenant(world, "FREE");
  const { id: jobId } = await world.tierlift.migrations.initiate(id, "STARTER", ADMIN);
  await world.tierlift.migrations.validatePayment(jobId, ADMIN);
  await arrival(world, jobId, "COMPLETED");
  expect(world.tierlift.tenants.get(id)).toMatchObject({
    tier: "STARTER",
    status: "ACTIVE",
    limits: { maxUsers: 25 },
  });
  expect(world.engine.applied.at(-1)).toBe("update quota");
});

test("a service that stops in the middle of a phase goes on with it after the next start", async () => {
  await begin();
  const { id } = await activeTenant(world);
  world.engine.onApply = (stack, operation, resource, signal) => {
    if (operation !== "create" || resource.name !== "data") return;
    return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(passing(stack))));
  };
  const jobId = await underWay(world, id);
  const phase: Phase = "MIGRATING_DATA";
  await until(world, id, () => world.tierlift.migrations.get(jobId).provisioningState === phase);
  await world.tierlift.stop();
  expect(outcomeOf(world.tierlift.migrations.get(jobId), phase)).toBeUndefined();
  world.engine.onApply = () => undefined;
  const { store, engine, clock } = world;
  await begin({ store, engine, clock });
  const job = await arrival(world, jobId, "VERIFICATION");
  expect(job.phases.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 1, 1]);
  expect(store.tenants.get(id)?.leaseEpoch).toBe(3);
});

test("the trail has every state with actor and reason, and no secret is stored or told", async () => {
  await begin();
  const { tenantId, jobId } = await inVerification(world);
  await world.tierlift.migrations.rollback(jobId, "too slow", {
    subject: "tenant admin",
    roles: ["TENANT_ADMIN"],
  });
  await arrival(world, jobId, "ROLLED_BACK");
  const trail = await world.tierlift.migrations.audit(jobId);
  expect(verifyTrail(trail, world.store.migrations.get(jobId)?.outbox.at(-1))).toEqual({ valid: true });
  expect(trail.find(({ action }) => action === "rollback")).toMatchObject({
    actor: "tenant admin",
    reason: "too slow",
  });
  expect(trail.map(({ to }) => to)).toContain("PROVISIONING/MIGRATING_DATA");
  expect(world.engine.secrets.get("acme")).toBeDefined();
  const kept = JSON.stringify([
    world.store.migrations.list(),
    world.store.tenants.list(),
    trail,
    await world.store.events.read(tenantId),
    await world.store.artifacts.get(`${jobId}.preview.PREVIEWING_CHANGES`),
  ]);
  expect(kept).not.toContain(CLIENT_SECRET);
  expect(kept).not.toContain("password of");
});

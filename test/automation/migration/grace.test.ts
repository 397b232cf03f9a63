import { afterEach, describe, expect, test } from "vitest";
import { tierliftError } from "../../../automation/errors.ts";
import { createMemoryStore } from "../../../automation/store/memory-store.ts";
import { SHORT_MS, createFakeClock } from "../../support/fake-clock.ts";
import { createFakeEngine, dnsAnswer } from "../../support/fake-engine.ts";
import { DEDICATED_ADDRESS, SLICE_ADDRESS } from "../../support/fake-stack.ts";
import {
  ADMIN,
  arrival,
  createWorld,
  inVerification,
  outcomeOf,
  PATIENT_MS,
} from "../../support/fake-world.ts";
import type { World, WorldOptions } from "../../support/fake-world.ts";

/** Longer than the fake clock lets pass by itself. */
const GRACE_MS = SHORT_MS * 100;
const EVERY_MS = SHORT_MS * 10;
const RETURN = { frozenSeconds: 0.2, differences: [] as string[] };
const ROUND = { changes: 3, databases: [] };

let world: World;
afterEach(() => world.tierlift.stop());

async function begin({ settings, ...options }: WorldOptions = {}): Promise<void> {
  world = createWorld({
    onData: (verb) => (verb === "return" ? RETURN : verb === "reverse" ? ROUND : {}),
    ...options,
    settings: { graceMs: GRACE_MS, catchUpEveryMs: EVERY_MS, ...settings },
  });
  await world.tierlift.start();
}

async function inGrace(): Promise<string> {
  const { jobId } = await inVerification(world);
  const { job, done } = await world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
  expect([job.status, done]).toEqual(["GRACE_PERIOD", true]);
  return jobId;
}

/** Lets time pass once everything waits for it, and what follows from it happen. */
async function pass(ms: number): Promise<void> {
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  await settle();
  world.clock.advance(ms);
  await settle();
}

const addressOf = () => dnsAnswer(world.engine.cloud, "acme.example.test");
const sliceStands = () =>
  [...world.engine.cloud.stacks.get("acme")!.values()].some(({ components }) =>
    components.includes("tierlift:slice:Slice"),
  );
const tierNow = (jobId: string) =>
  world.tierlift.tenants.get(world.tierlift.migrations.get(jobId).tenantId).tier;

describe("a grace period", () => {
  test("is none by default: the slice goes right after the switch", async () => {
    await begin({ settings: { graceMs: 0 } });
    const { jobId } = await inVerification(world);
    const { job } = await world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
    expect(job).toMatchObject({ status: "COMPLETED" });
    expect(job.graceDeadline).toBeUndefined();
    expect(world.data).not.toContain("end-reverse");
  });

  test("keeps the slice and brings back what is written, until its deadline", async () => {
    const asked: (boolean | undefined)[] = [];
    await begin({
      ports: {
        runData: (verb, { reverse }) => {
          world.data.push(verb);
          if (verb === "cutover") asked.push(reverse);
          const cutover = { mode: "followed", frozenSeconds: 0.1, comparedInFreeze: 0, differences: [] };
          return Promise.resolve(verb === "cutover" ? cutover : ROUND);
        },
      },
    });
    const jobId = await inGrace();
    expect(asked).toEqual([true]);
    const { graceDeadline } = world.tierlift.migrations.get(jobId);
    expect(Date.parse(graceDeadline!) - world.clock.now().getTime()).toBe(GRACE_MS);
    expect(addressOf()).toEqual([DEDICATED_ADDRESS]);
    expect(sliceStands()).toBe(true);
    // What went over until now ends with the switch.
    expect(world.data.at(-1)).toBe("detach");
    await pass(EVERY_MS);
    await pass(EVERY_MS);
    expect(world.data.filter((verb) => verb === "reverse")).toHaveLength(2);
    expect(sliceStands()).toBe(true);
    world.clock.advance(GRACE_MS);
    const job = await arrival(world, jobId, "COMPLETED");
    expect(outcomeOf(job, "DECOMMISSIONING_SHARED")).toBe("DONE");
    expect(sliceStands()).toBe(false);
    expect(world.data.at(-1)).toBe("end-reverse");
    const actions = (await world.tierlift.migrations.audit(jobId)).map(({ action }) => action);
    expect(actions).toContain("graceEnded");
  });

  test("ends at once when the tenant says that it stays", async () => {
    await begin();
    const jobId = await inGrace();
    const { job, done } = await world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
    expect([job.status, done]).toEqual(["COMPLETED", true]);
    expect(sliceStands()).toBe(false);
  });

  test("goes on after a restart of the service, to the same deadline", async () => {
    const lasting = { store: createMemoryStore(), engine: createFakeEngine(), clock: createFakeClock() };
    await begin(lasting);
    const jobId = await inGrace();
    await world.tierlift.stop();
    const deadline = world.store.migrations.get(jobId)!.job.graceDeadline;
    await begin(lasting);
    await pass(EVERY_MS);
    expect(world.data).toEqual(["reverse"]);
    expect(world.tierlift.migrations.get(jobId).graceDeadline).toBe(deadline);
    world.clock.advance(GRACE_MS);
    await arrival(world, jobId, "COMPLETED");
  });
});

describe("a rollback in the grace period", () => {
  const rollBack = (jobId: string) => world.tierlift.migrations.rollback(jobId, "not as expected", ADMIN);

  test("brings the tenant back to its slice with what it wrote, then removes its own side", async () => {
    await begin();
    const jobId = await inGrace();
    const before = world.data.length;
    await rollBack(jobId);
    const job = await arrival(world, jobId, "ROLLED_BACK", "FAILED");
    expect(job.error).toBeUndefined();
    expect(job.status).toBe("ROLLED_BACK");
    expect(world.data.slice(before)).toEqual(["return", "unfreeze", "end-reverse", "detach"]);
    expect(addressOf()).toEqual([SLICE_ADDRESS]);
    expect(tierNow(jobId)).toBe("STARTER");
    expect(sliceStands()).toBe(true);
    const report = await world.tierlift.migrations.undoReport(jobId);
    expect(report.passed).toBe(true);
  });

  test("leaves the tenant where it is when both sides differ, tells why, and can be asked for again", async () => {
    let differences = ["postgres / data / public.orders, id = 1: source 0123, target 4567"];
    await begin({
      onData: (verb) => (verb === "return" ? { ...RETURN, differences } : verb === "reverse" ? ROUND : {}),
    });
    const jobId = await inGrace();
    const { graceDeadline } = world.tierlift.migrations.get(jobId);
    await rollBack(jobId);
    const job = await arrival(world, jobId, "GRACE_PERIOD");
    expect(job.error).toMatchObject({ code: "PARITY_MISMATCH", status: "SWITCHING_BACK" });
    expect(job.error?.message).toContain("public.orders, id = 1");
    expect(job.graceDeadline).toBe(graceDeadline);
    expect(world.data.at(-1)).toBe("reopen");
    expect(addressOf()).toEqual([DEDICATED_ADDRESS]);
    expect(tierNow(jobId)).toBe("PROFESSIONAL");
    differences = [];
    await rollBack(jobId);
    expect((await arrival(world, jobId, "ROLLED_BACK", "FAILED")).status).toBe("ROLLED_BACK");
  });

  test("that fails after the records may have moved is gone on with, and never taken back", async () => {
    let isDeaf = false;
    await begin({
      settings: { retryDelaysMs: [] },
      ports: {
        resolveDns: (name) =>
          isDeaf
            ? Promise.reject(tierliftError("SWITCH_NOT_CONFIRMED", { name, expected: "a", found: "b" }))
            : Promise.resolve(dnsAnswer(world.engine.cloud, name)),
      },
    });
    const jobId = await inGrace();
    isDeaf = true;
    await rollBack(jobId);
    const failed = await arrival(world, jobId, "FAILED", "ROLLED_BACK");
    expect(failed.error).toMatchObject({ code: "SWITCH_NOT_CONFIRMED", status: "SWITCHING_BACK" });
    expect(world.data).not.toContain("reopen");
    await expect(rollBack(jobId)).rejects.toMatchObject({ code: "ALREADY_SWITCHED" });
    isDeaf = false;
    await world.tierlift.migrations.retry(jobId, ADMIN);
    await arrival(world, jobId, "ROLLED_BACK");
    expect(world.data.filter((verb) => verb === "return")).toHaveLength(1);
    expect(addressOf()).toEqual([SLICE_ADDRESS]);
  });
});

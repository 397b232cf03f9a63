import { afterEach, describe, expect, test } from "vitest";
import { tierliftError } from "../../../automation/errors.ts";
import { followedWay } from "../../../automation/migration/following.ts";
import { createMemoryStore } from "../../../automation/store/memory-store.ts";
import { SHORT_MS, createFakeClock } from "../../support/fake-clock.ts";
import { createFakeEngine } from "../../support/fake-engine.ts";
import {
  ADMIN,
  arrival,
  createWorld,
  CUTOVER,
  inVerification,
  PATIENT_MS,
} from "../../support/fake-world.ts";
import type { World, WorldOptions } from "../../support/fake-world.ts";

/** Longer than the fake clock lets pass by itself. */
const EVERY_MS = SHORT_MS + 1;
const report = { changes: 0, databases: [] };

let world: World;
afterEach(() => world.tierlift.stop());
async function begin(options: WorldOptions = {}): Promise<World> {
  world = createWorld({ ...options, settings: { catchUpEveryMs: EVERY_MS } });
  await world.tierlift.start();
  return world;
}
const rounds = (): number => world.data.filter((verb) => verb === "catch-up").length;

/** Lets a round's time pass, and what follows from it happen. */
async function pass(times = 1): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    world.clock.advance(EVERY_MS);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("between the copy and the cutover, changes", () => {
  test("are brought over again and again while the tenant tries its new infrastructure", async () => {
    await begin({ onData: () => report });
    await inVerification(world);
    expect(rounds()).toBe(0);
    await pass(3);
    expect(rounds()).toBe(3);
  });

  test("are tried again in the next round when one fails", async () => {
    await begin({
      onData: (verb) => {
        if (verb === "catch-up" && rounds() === 1)
          throw tierliftError("DATA_COMMAND_FAILED", { verb, problem: "no connection" });
        return report;
      },
    });
    const { jobId } = await inVerification(world);
    await pass(3);
    expect(rounds()).toBe(3);
    expect(world.tierlift.migrations.get(jobId).status).toBe("VERIFICATION");
  });

  test("are brought over again after a restart of the service", async () => {
    const lasting = { store: createMemoryStore(), engine: createFakeEngine(), clock: createFakeClock() };
    await begin({ ...lasting, onData: () => report });
    await inVerification(world);
    await world.tierlift.stop();
    await pass();
    expect(rounds()).toBe(0);
    await begin({ ...lasting, onData: () => report });
    await pass();
    expect(rounds()).toBe(1);
  });

  test("are no longer brought over after the cutover", async () => {
    await begin({ onData: () => report });
    const { jobId } = await inVerification(world);
    await pass();
    await world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
    await pass(3);
    expect(rounds()).toBe(1);
  });

  test("are no longer brought over after a rollback, which waits for the round that runs", async () => {
    let ended = false;
    let begun: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    await begin({
      ports: {
        runData: (verb, _input, signal) => {
          world.data.push(verb);
          if (verb !== "catch-up") return Promise.resolve(report);
          begun();
          return new Promise((_resolve, reject) =>
            signal.addEventListener("abort", () =>
              setImmediate(() => {
                ended = true;
                reject(new Error("ended"));
              }),
            ),
          );
        },
      },
    });
    const { jobId } = await inVerification(world);
    world.clock.advance(EVERY_MS);
    await running;
    let wasEndedAtDestroy: boolean | undefined;
    world.engine.onApply = (_stack, operation) => {
      if (operation === "delete") wasEndedAtDestroy ??= ended;
    };
    await world.tierlift.migrations.rollback(jobId, "slow", ADMIN);
    await arrival(world, jobId, "ROLLED_BACK");
    expect(wasEndedAtDestroy).toBe(true);
    await pass(2);
    expect(rounds()).toBe(1);
  });

  test("are brought over while a failed migration waits, and not before there is a copy", async () => {
    await begin();
    const { jobId } = await inVerification(world);
    const record = world.store.migrations.get(jobId)!;
    const withStatus = (status: typeof record.job.status) => ({ ...record, job: { ...record.job, status } });
    expect(followedWay(withStatus("FAILED"))).toBe("catch-up");
    expect(followedWay(withStatus("ROLLING_BACK"))).toBeNull();
    expect(followedWay(withStatus("CUTTING_OVER"))).toBeNull();
    const phases = record.job.phases.filter(({ phase }) => phase !== "MIGRATING_DATA");
    expect(followedWay({ ...record, job: { ...record.job, phases } })).toBeNull();
  });
});

test("a cutover is told how long writes may be frozen", async () => {
  const inputs: unknown[] = [];
  await begin({
    ports: {
      runData: (verb, input) => {
        if (verb === "cutover") inputs.push(input.freezeBudgetMs);
        return Promise.resolve({ ...CUTOVER });
      },
    },
  });
  const { jobId } = await inVerification(world);
  await world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
  expect(inputs).toEqual([2_000]);
});

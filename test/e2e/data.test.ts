/**
 * A tenant that writes from before its upgrade until after it, beside another one that stays: once undisturbed, once
 * with what moves its data killed in every phase that does. More, by chance: `npm run chaos:data`.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Kill } from "../chaos/plan.ts";
import { Chaos } from "../chaos/run.ts";
import { Halves } from "./halves.ts";

const MINUTE = 60_000;
/** The setting's default. */
const FREEZE_SECONDS = 2;

const installation = new Halves();
let chaos: Chaos | undefined;

beforeAll(async () => {
  chaos = await Chaos.begin(installation);
}, 10 * MINUTE);

afterAll(async () => {
  await chaos?.end();
  await installation.stop();
  if (process.env["TIERLIFT_E2E_KEEP"] === undefined) installation.remove();
}, 2 * MINUTE);

test(
  "every confirmed write of a tenant that never stops is on its own server once, and writes were frozen for a moment",
  async () => {
    const outcome = await chaos!.run("steady", [], 1);
    console.log(
      `${outcome.acknowledged} writes, ${outcome.refused} refused, in ${outcome.seconds.toFixed(0)} s`,
    );
    console.log(`frozen ${outcome.frozenSeconds} s, longest gap ${outcome.longestGapSeconds.toFixed(2)} s`);
    expect(outcome.wrong).toEqual([]);
    expect(outcome.acknowledged).toBeGreaterThan(1_000);
    // Frozen, and then refused at the old address until the name led to the new one.
    expect(outcome.refused).toBeGreaterThan(0);
    expect(outcome.frozenSeconds).toBeLessThanOrEqual(FREEZE_SECONDS);
    // As the tenant saw it, from its last write on the old side to its first on the new one.
    expect(outcome.longestGapSeconds).toBeLessThanOrEqual(FREEZE_SECONDS);
  },
  10 * MINUTE,
);

test(
  "nor is any lost or doubled when mover, service and servers are killed on the way",
  async () => {
    const kills: Kill[] = [
      { phase: "MIGRATING_DATA", victim: "mover", afterMs: 0 },
      { phase: "CUTTING_OVER", victim: "service", afterMs: 2_000 },
      { phase: "DECOMMISSIONING_SHARED", victim: "shared server", afterMs: 2_000 },
    ];
    const outcome = await chaos!.run("shaken", kills, 2);
    console.log(
      `${outcome.acknowledged} writes, ${outcome.unknown} cut off, in ${outcome.seconds.toFixed(0)} s`,
    );
    expect(outcome.kills).toEqual(kills.map((kill) => ({ kill, struck: true })));
    expect(outcome.wrong).toEqual([]);
  },
  15 * MINUTE,
);

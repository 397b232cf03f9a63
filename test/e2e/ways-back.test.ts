/**
 * A tenant that goes back from every place a migration can be turned round at, on the real engine and real servers.
 * Each time the test itself looks at the world, and finds it as it was before the migration.
 */
import { describe, expect, it } from "vitest";
import { PHASES } from "../../automation/model.ts";
import type { Phase } from "../../automation/model.ts";
import { secondsSince } from "./beginning.ts";
import { tellChapters } from "./chapters.ts";
import { isMomentOf, MOMENTS } from "./moments.ts";
import { isFull, WHY_NOT } from "./scope.ts";
import { lookAt } from "./world.ts";

const MINUTE = 60_000;
const CANCELLABLE = PHASES.slice(0, PHASES.indexOf("CUTTING_OVER"));
/** With ARM at work, API servers, and the shared database; `upgrade.test.ts` goes back in VERIFICATION. */
const ALWAYS: readonly Phase[] = ["PROVISIONING_INFRASTRUCTURE", "DEPLOYING_SERVICES", "MIGRATING_DATA"];

const { installation, begun } = tellChapters("STARTER");
/** Resolves in the middle of a phase of the tenant's migration, which `begin` starts. */
async function reachMoment(phase: Phase, begin: () => Promise<string>): Promise<string> {
  const { story, tenantId } = begun();
  const stop = new AbortController();
  const events = await story.follow(tenantId, stop.signal);
  const jobId = await begin();
  for await (const event of events) {
    if (event.type === "status" && event.data["status"] === "FAILED")
      throw new Error(`it failed before ${phase}: ${JSON.stringify(event.data)}`);
    if (isMomentOf(phase, event)) break;
  }
  stop.abort();
  if (MOMENTS[phase] === "engine") await installation.untilEngineRuns();
  return jobId;
}

async function expectAsBefore(jobId: string): Promise<void> {
  const { story, tenantId, before } = begun();
  const { undone } = await story.job(jobId);
  if (undone !== null) expect(undone.checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(await lookAt(installation, "acme")).toEqual(before);
  expect(await story.tenant(tenantId)).toMatchObject({ status: "ACTIVE", tier: "STARTER" });
}

describe("a tenant that goes back", { timeout: 15 * MINUTE }, () => {
  for (const phase of CANCELLABLE) {
    it(`finds everything as it was after it cancels in ${phase}`, async (context) => {
      if (!isFull() && !ALWAYS.includes(phase)) context.skip(WHY_NOT);
      const { story, tenantId } = begun();
      const jobId = await reachMoment(phase, () => story.upgrade(tenantId, "PROFESSIONAL"));
      const cancelledMs = performance.now();
      await story.cancel(jobId);
      await story.reaches(jobId, "CANCELLED");
      console.log(`${phase}: taken back in ${secondsSince(cancelledMs)} s`);
      await expectAsBefore(jobId);
    });
  }

  it("finds everything as it was after it rolls back in VERIFICATION", async (context) => {
    if (!isFull()) context.skip(WHY_NOT);
    const { story, tenantId } = begun();
    const jobId = await story.upgrade(tenantId, "PROFESSIONAL");
    await story.reaches(jobId, "VERIFICATION");
    const rolledBackMs = performance.now();
    await story.rollback(jobId);
    const { undone } = await story.reaches(jobId, "ROLLED_BACK");
    console.log(`VERIFICATION: taken back in ${secondsSince(rolledBackMs)} s`);
    expect(undone?.passed).toBe(true);
    await expectAsBefore(jobId);
  });

  it("leaves nothing when it is deleted", async () => {
    const { story, tenantId, empty } = begun();
    await story.deleteTenant(tenantId, "acme");
    expect(await lookAt(installation, "acme")).toEqual(empty);
  });
});

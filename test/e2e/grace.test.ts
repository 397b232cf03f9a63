/**
 * A tenant that writes all the time is switched, works on its own side, and goes back in the grace period with all that
 * it has written; then it is switched again, and stays.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEntries, serverOf, Workers } from "../chaos/workers.ts";
import { createTables, writeRows } from "../../commands/demo/rows.ts";
import { Halves } from "./halves.ts";
import { Story } from "./migration.ts";
import { replicationOf } from "./world.ts";

const MINUTE = 60_000;
/** Longer than the story. */
const GRACE_SECONDS = 3_600;
/** The setting's default. */
const FREEZE_MS = 2_000;
/** More than the round that brings changes back takes to come. */
const ON_OWN_SIDE_MS = 40_000;
const AFTER_MS = 3_000;

const installation = new Halves({ CUTOVER_GRACE_SECONDS: String(GRACE_SECONDS) });

describe("a grace period", { timeout: 10 * MINUTE }, () => {
  let story: Story;
  let tenantId: string;
  let workers: Workers;
  let canary: Workers;
  let replication: Record<string, string[]>;

  beforeAll(async () => {
    await installation.start();
    story = new Story(installation, await installation.token(["PLATFORM_ADMIN"]));
    await createTables(serverOf(installation, "platform"), installation.endpoints().ca);
    await createEntries(installation);
    replication = await replicationOf(installation);
    const canaryId = await story.createTenant("canary", "STARTER");
    canary = await Workers.start({ installation, slug: "canary", tenantId: canaryId, seed: 0 });
    tenantId = await story.createTenant("acme", "STARTER");
    await writeRows(serverOf(installation, "platform"), installation.endpoints().ca, tenantId, 20);
    workers = await Workers.start({ installation, slug: "acme", tenantId, seed: 1 });
  }, 10 * MINUTE);

  afterAll(async () => {
    await workers?.stop();
    await canary?.stop();
    await installation.stop();
    if (process.env["TIERLIFT_E2E_KEEP"] === undefined) installation.remove();
  }, 2 * MINUTE);

  /** The tenant on its own side, with the slice still there. */
  async function switched(): Promise<string> {
    const jobId = await story.upgrade(tenantId, "PROFESSIONAL");
    await story.reaches(jobId, "VERIFICATION");
    workers.keepBlobs();
    await story.complete(jobId);
    const job = await story.reaches(jobId, "GRACE_PERIOD");
    expect(Date.parse(job.graceDeadline!) - Date.now()).toBeGreaterThan((GRACE_SECONDS - 60) * 1000);
    expect((await story.tenant(tenantId)).tier).toBe("PROFESSIONAL");
    return jobId;
  }

  it("lets the tenant go back with all that it wrote on both sides, and leaves nothing behind", async () => {
    const jobId = await switched();
    workers.forgetGaps();
    await sleep(ON_OWN_SIDE_MS);
    await story.rollback(jobId);
    const job = await story.reaches(jobId, "ROLLED_BACK");
    const gapMs = workers.longestGapMs();
    await sleep(AFTER_MS);
    const { acknowledged, refused } = workers.counts();
    console.log(
      `${acknowledged} writes, ${refused} refused; longest gap of the way back ${gapMs.toFixed(0)} ms`,
    );
    expect(job.undone?.passed).toBe(true);
    expect((await story.tenant(tenantId)).tier).toBe("STARTER");
    expect(await workers.differencesNow("platform")).toEqual([]);
    expect(await canary.differencesNow("platform")).toEqual([]);
    expect(await replicationOf(installation)).toEqual(replication);
    expect(gapMs).toBeLessThanOrEqual(2 * FREEZE_MS);
  });

  it("lets it be switched again, and stay: then the shared side is rid of it", async () => {
    const jobId = await switched();
    await sleep(AFTER_MS);
    await story.complete(jobId);
    await story.reaches(jobId, "COMPLETED");
    await sleep(AFTER_MS);
    await workers.stop();
    expect(await workers.differences("own")).toEqual([]);
    expect(await workers.misplaced()).toEqual([]);
    expect(await canary.differencesNow("platform")).toEqual([]);
    expect(await replicationOf(installation)).toEqual(replication);
  });
});

/**
 * A tenant that is upgraded while it works and things are killed, on a real installation: in the end every confirmed
 * write is on its own server, once, and another tenant's are where they were.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createTables, writeRows } from "../../commands/demo/rows.ts";
import type { JobStatus, TierliftEvent } from "../../automation/model.ts";
import type { Halves } from "../e2e/halves.ts";
import { Story } from "../e2e/migration.ts";
import { replicationOf } from "../e2e/world.ts";
import { DATA_PHASES, describeKill } from "./plan.ts";
import type { DataPhase, Kill } from "./plan.ts";
import { killVictim, moversOf } from "./victims.ts";
import { createEntries, serverOf, Workers } from "./workers.ts";

/** More than a person would do: each kill costs one at most. */
const MAX_HELP = 6;
const MAX_TRIES = 30;
const ASK_AGAIN_MS = 2_000;
/** Several times what a run takes on a busy machine: what takes longer hangs. */
const HANGS_AFTER_MS = 15 * 60_000;
/** For what is written after the end. */
const AFTER_MS = 1_000;

export interface Outcome {
  /** What was killed, and whether it was there to be killed. */
  kills: { kill: Kill; struck: boolean }[];
  seconds: number;
  /** By the service's own report: how long the shared side took no writes before both sides were the same. */
  frozenSeconds: number;
  /** As the tenant saw it: the longest time without a confirmed change of a row, since the last kill. */
  longestGapSeconds: number;
  acknowledged: number;
  refused: number;
  unknown: number;
  /** What is not as it has to be, in words. */
  wrong: string[];
}

/** An installation with a tenant that is never moved and works all the time. */
export class Chaos {
  private readonly installation: Halves;
  private readonly story: Story;
  private readonly canary: Workers;
  private readonly replication: Record<string, string[]>;

  private constructor(
    installation: Halves,
    story: Story,
    canary: Workers,
    replication: Record<string, string[]>,
  ) {
    this.installation = installation;
    this.story = story;
    this.canary = canary;
    this.replication = replication;
  }

  static async begin(installation: Halves): Promise<Chaos> {
    await installation.start();
    const story = new Story(installation, await installation.token(["PLATFORM_ADMIN"]));
    const { ca } = installation.endpoints();
    await createTables(serverOf(installation, "platform"), ca);
    await createEntries(installation);
    const tenantId = await story.createTenant("canary", "STARTER");
    const canary = await Workers.start({ installation, slug: "canary", tenantId, seed: 0 });
    return new Chaos(installation, story, canary, await replicationOf(installation));
  }

  async end(): Promise<void> {
    await this.canary.stop();
  }

  /** One tenant's upgrade, with kills. The tenant is deleted afterwards. */
  async run(slug: string, kills: readonly Kill[], seed: number): Promise<Outcome> {
    const { installation, story } = this;
    const startedMs = performance.now();
    const tenantId = await story.createTenant(slug, "STARTER");
    await writeRows(serverOf(installation, "platform"), installation.endpoints().ca, tenantId, 20);
    const workers = await Workers.start({ installation, slug, tenantId, seed });
    try {
      const struck = await this.upgrade(slug, tenantId, kills, workers);
      await sleep(AFTER_MS);
      await workers.stop();
      const { cutover } = await story.job(struck.jobId);
      return {
        kills: struck.kills,
        seconds: (performance.now() - startedMs) / 1000,
        frozenSeconds: cutover?.frozenSeconds ?? Number.NaN,
        longestGapSeconds: workers.longestGapMs() / 1000,
        ...workers.counts(),
        wrong: await this.check(workers),
      };
    } finally {
      await workers.stop();
      await story.deleteTenant(tenantId, slug);
    }
  }

  /** From the first request to COMPLETED; what stops is helped on as a person would do it. */
  private async upgrade(
    slug: string,
    tenantId: string,
    kills: readonly Kill[],
    workers: Workers,
  ): Promise<{ jobId: string; kills: Outcome["kills"] }> {
    const { installation, story } = this;
    const left = new Map<string, Kill>(kills.map((kill) => [kill.phase, kill]));
    const done: { kill: Kill; struck: boolean }[] = [];
    const end = new AbortController();
    const hangs = setTimeout(() => end.abort(new Error(`${slug} hangs`)), HANGS_AFTER_MS);
    const events = await story.follow(tenantId, end.signal);
    const jobId = await story.upgrade(tenantId, "PROFESSIONAL");
    let help = 0;
    const helped = (): void => {
      help += 1;
      if (help > MAX_HELP) throw new Error(`${slug} was helped on ${MAX_HELP} times and is not there`);
    };
    for await (const event of events) {
      const kill = left.get(phaseBegunIn(event) ?? "");
      if (kill !== undefined) {
        left.delete(kill.phase);
        await sleep(kill.afterMs);
        workers.forgetGaps();
        done.push({ kill, struck: await killVictim(kill.victim, installation, slug) });
        console.log(`    killed ${describeKill(kill)}`);
      }
      const status = event.type === "status" ? event.data["status"] : undefined;
      if (status === "COMPLETED") break;
      // Both answer when their phase is over, in the middle of which something is to be killed.
      if (status === "VERIFICATION") {
        helped();
        workers.keepBlobs();
        void this.press(jobId, "VERIFICATION", () => story.complete(jobId), end);
      }
      if (status === "FAILED") {
        helped();
        void this.press(jobId, "FAILED", () => story.retry(jobId), end);
      }
    }
    clearTimeout(hangs);
    end.abort();
    await story.reaches(jobId, "COMPLETED");
    return { jobId, kills: done };
  }

  /** Asks until it is heard: a service that is killed meanwhile may not have been. Gives the run up when it never is. */
  private async press(
    jobId: string,
    status: JobStatus,
    ask: () => Promise<void>,
    end: AbortController,
  ): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await ask();
      } catch (error) {
        const now = await this.story.job(jobId).catch(() => undefined);
        if (now !== undefined && now.status !== status) return;
        if (tries === MAX_TRIES) return end.abort(error);
        await sleep(ASK_AGAIN_MS);
      }
    }
  }

  private async check(workers: Workers): Promise<string[]> {
    const { installation, canary } = this;
    const wrong = [...(await workers.differences("own")), ...(await workers.misplaced())];
    wrong.push(...(await canary.differencesNow("platform")).map((text) => `canary: ${text}`));
    const replication = await replicationOf(installation);
    if (JSON.stringify(replication) !== JSON.stringify(this.replication))
      wrong.push(`left on the shared server: ${JSON.stringify(replication)}`);
    const movers = moversOf(installation);
    if (movers.length > 0) wrong.push(`movers are left: ${movers.join(", ")}`);
    return wrong;
  }
}

const isDataPhase = (phase: unknown): phase is DataPhase => DATA_PHASES.some((one) => one === phase);

/** The data phase whose beginning an event tells of. */
function phaseBegunIn({ type, data }: TierliftEvent): DataPhase | undefined {
  const { phase } = data;
  return type === "phase" && data["state"] === "started" && isDataPhase(phase) ? phase : undefined;
}

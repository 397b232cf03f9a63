/**
 * A tenant that is upgraded while it works and things are killed, on a real installation: in the end every confirmed
 * write is on its own server, once, and another tenant's are where they were.
 */
import { readFileSync } from "node:fs";
import { Resolver } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import pg from "pg";
import { createTables, writeRows } from "../../commands/demo/rows.ts";
import type { Endpoints } from "../../commands/endpoints.ts";
import type { JobStatus, TierliftEvent } from "../../automation/model.ts";
import { STORE_SECRETS } from "../../stacks/services/environment.ts";
import type { Halves } from "../e2e/halves.ts";
import { until } from "../e2e/installation.ts";
import { Story } from "../e2e/migration.ts";
import { replicationOf } from "../e2e/world.ts";
import { DATA_PHASES, describeKill } from "./plan.ts";
import type { DataPhase, Kill } from "./plan.ts";
import { createRandom } from "./random.ts";
import { killVictim, moversOf } from "./victims.ts";
import { entriesTable, findEntries, Workload } from "./workload.ts";
import type { Login } from "./workload.ts";

/** Where writers work: one table with a primary key, one without. */
const WRITERS = [
  { database: "query", table: "keyed_entries", keyed: true },
  { database: "catalog", table: "loose_entries", keyed: false },
] as const;
const MINUTE = 60_000;
/** More than a person would do: each kill costs one at most. */
const MAX_HELP = 6;
const MAX_TRIES = 30;
const ASK_AGAIN_MS = 2_000;
/** For what is written after the end. */
const AFTER_MS = 1_000;

export interface Outcome {
  /** What was killed, and whether it was there to be killed. */
  kills: { kill: Kill; struck: boolean }[];
  seconds: number;
  /** By the service's own report: how long the shared side took no writes before both sides were the same. */
  frozenSeconds: number;
  /** As the tenant saw it: the longest time without a confirmed write, since the last kill. */
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
    for (const { database, table, keyed } of WRITERS)
      await onServer(installation, "platform", database, (client) =>
        client.query(entriesTable(table, keyed)),
      );
    const tenantId = await story.createTenant("canary", "STARTER");
    const canary = await Workers.start(installation, "canary", tenantId, 0);
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
    const workers = await Workers.start(installation, slug, tenantId, seed);
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
        wrong: await this.check(slug, tenantId, workers),
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
        void this.press(jobId, "VERIFICATION", () => story.complete(jobId), end);
      }
      if (status === "FAILED") {
        helped();
        void this.press(jobId, "FAILED", () => story.retry(jobId), end);
      }
    }
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

  private async check(slug: string, tenantId: string, workers: Workers): Promise<string[]> {
    const { installation, canary } = this;
    const wrong = await workers.differences(slug);
    for (const { database, table } of WRITERS) {
      const left = await onServer(installation, "platform", database, (client) =>
        findEntries(client, table, tenantId),
      );
      if (left.length > 0) wrong.push(`${left.length} rows of ${table} are left on the shared server`);
      const strange = await onServer(installation, slug, database, async (client) => {
        const { rows } = await client.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM public.${table} WHERE tenant_id <> $1`,
          [tenantId],
        );
        return rows[0]!.n;
      });
      if (strange > 0) wrong.push(`${strange} rows of ${table} on the tenant's own server are another's`);
    }
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

/** A tenant's writers. */
class Workers {
  private readonly installation: Halves;
  private readonly tenantId: string;
  private readonly workloads: readonly Workload[];
  private stopped: Promise<unknown> | undefined;

  private constructor(installation: Halves, tenantId: string, workloads: Workload[]) {
    this.installation = installation;
    this.tenantId = tenantId;
    this.workloads = workloads;
  }

  static async start(installation: Halves, slug: string, tenantId: string, seed: number): Promise<Workers> {
    const login = await createLogin(installation, slug);
    const random = createRandom(seed).next;
    const workloads = WRITERS.map(
      ({ database, table }) => new Workload({ tenantId, database, table, login, random }),
    );
    return new Workers(installation, tenantId, workloads);
  }

  async stop(): Promise<void> {
    this.stopped ??= Promise.all(this.workloads.map((workload) => workload.stop()));
    await this.stopped;
  }

  forgetGaps(): void {
    for (const workload of this.workloads) workload.forgetGaps();
  }

  longestGapMs(): number {
    return Math.max(...this.workloads.map(({ longestGapMs }) => longestGapMs));
  }

  counts(): { acknowledged: number; refused: number; unknown: number } {
    const sum = (of: "acknowledged" | "refused" | "unknown"): number =>
      this.workloads.reduce((total, { ledger }) => total + ledger[of], 0);
    return { acknowledged: sum("acknowledged"), refused: sum("refused"), unknown: sum("unknown") };
  }

  /** Beside the rows of a server, once nothing is written any more. */
  async differences(server: string): Promise<string[]> {
    const found = await Promise.all(
      WRITERS.map(async ({ database, table }, index) => {
        const rows = await onServer(this.installation, server, database, (client) =>
          findEntries(client, table, this.tenantId),
        );
        return this.workloads[index]!.ledger.differences(rows).map((text) => `${table}: ${text}`);
      }),
    );
    return found.flat();
  }

  /** The same while writing goes on: it rests meanwhile. */
  async differencesNow(server: string): Promise<string[]> {
    for (const workload of this.workloads) await workload.pause();
    try {
      return await this.differences(server);
    } finally {
      for (const workload of this.workloads) workload.resume();
    }
  }
}

/** How the tenant's services log in: where its name leads to, as its own role there. */
async function createLogin(installation: Halves, slug: string): Promise<() => Promise<Login>> {
  const { user, password } = await sharedRole(installation, slug);
  const { host, port } = installation.endpoints().dns;
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([`${host}:${port}`]);
  const look = async (): Promise<string> => (await resolver.resolve4(`api.${slug}.matih.ai`)).join();
  const before = await look();
  return async () => {
    const isMoved = (await look()) !== before;
    const server = serverOf(installation, isMoved ? slug : "platform");
    const ca = readFileSync(installation.endpoints().ca, "utf8");
    return {
      host: server.host,
      port: server.port,
      ca,
      ...(isMoved
        ? { user: server.user, password: readFileSync(server.passwordFile, "utf8").trim() }
        : { user, password }),
    };
  };
}

/** As the services of the slice find it: in their namespace. */
async function sharedRole(installation: Halves, slug: string): Promise<{ user: string; password: string }> {
  const cluster = installation.endpoints().clusters.find(({ name }) => name.includes("platform"))!;
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const { data = {} } = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedSecret({ name: STORE_SECRETS.postgres, namespace: `tenant-${slug}` });
  const read = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString("utf8");
  return { user: read("username"), password: read("password") };
}

function serverOf(installation: Halves, name: string): Endpoints["postgres"][number] {
  const server = installation.endpoints().postgres.find(({ resourceId }) => resourceId.includes(name));
  if (server === undefined) throw new Error(`there is no PostgreSQL server of ${name}`);
  return server;
}

/** Runs `work` as the administrator; a server that was just killed is waited for. */
async function onServer<T>(
  installation: Halves,
  name: string,
  database: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const server = serverOf(installation, name);
  const connect = async (): Promise<pg.Client | undefined> => {
    const client = new pg.Client({
      host: server.host,
      port: server.port,
      user: server.user,
      password: readFileSync(server.passwordFile, "utf8").trim(),
      database,
      ssl: { ca: readFileSync(installation.endpoints().ca, "utf8") },
      connectionTimeoutMillis: 5_000,
    });
    return await client.connect().then(
      () => client,
      () => undefined,
    );
  };
  const client = await until(connect, (found) => found !== undefined, MINUTE);
  try {
    return await work(client!);
  } finally {
    await client!.end();
  }
}

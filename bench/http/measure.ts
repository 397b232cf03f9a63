/** Requests and streams of the real service, in processes of their own and without a cloud. */
import { mkdtemp, rm } from "node:fs/promises";
import type { ChildProcess } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Tenant, TierMigrationJob } from "../../automation/model.ts";
import { createClient, type Client } from "../../cli/client.ts";
import { createSupervisor, type Supervisor } from "../../commands/supervise.ts";
import type { Finding } from "../report.ts";
import { medianOf, peakOf, rounded } from "../statistics.ts";
import { openListeners } from "./listeners.ts";
import type { BareOrder, ServiceMessage, ServiceOrder } from "./messages.ts";
import { measureRates, type Sides } from "./rates.ts";

const ROUNDS = 5;
const LISTENERS = 1_000;
const EVENTS = 15;
const WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 100;

interface Stage {
  service: Process;
  bare: Process;
  /** Whose migration is under way. */
  tenantId: string;
  signal: AbortSignal;
}

interface Process {
  child: ChildProcess;
  url: string;
  headers: Record<string, string>;
}

/** The rate of status requests, and how far apart a thousand listeners hear an event. */
export async function measureHttp(signal: AbortSignal): Promise<Finding[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-"));
  const supervisor = createSupervisor();
  try {
    const service = await launch(supervisor, "service", folder, signal);
    const bare = await launch(supervisor, "bare", folder, signal);
    const client = createClient({ api: service.url, token: service.token, signal });
    const stage = { service, bare, tenantId: await begunMigration(client, signal), signal };
    const document = await client.get<TierMigrationJob>(statusPath(stage.tenantId));
    bare.child.send({ document } satisfies BareOrder);
    return [await measureStatus(stage), await measureStream(stage)];
  } finally {
    await supervisor.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function launch(supervisor: Supervisor, name: "service" | "bare", folder: string, signal: AbortSignal) {
  let said: ServiceMessage | undefined;
  const child = await supervisor.start(
    {
      name: `the bench's ${name} process`,
      entry: path.join(import.meta.dirname, `${name}.ts`),
      env: { ...process.env, TIERLIFT_BENCH_DATA: path.join(folder, "data") },
      logFile: path.join(folder, `${name}.log`),
      ready: async (started) => {
        said = await new Promise<ServiceMessage>((resolve) => started.once("message", resolve));
      },
      readyWithinMs: WITHIN_MS,
      stopWithinMs: WITHIN_MS,
    },
    signal,
  );
  const { url, token } = said!;
  return { child, url, token, headers: { Authorization: `Bearer ${token}` } };
}

/** A tenant whose migration previews, for as long as nobody ends it. */
async function begunMigration(client: Client, signal: AbortSignal): Promise<string> {
  const wish = { name: "Bench", slug: "bench", tier: "STARTER", adminEmail: "admin@bench.example" };
  const { body: tenant } = await client.post<Tenant>("/api/v1/tenants", wish);
  const found = () => client.get<Tenant>(`/api/v1/tenants/${tenant.id}`);
  while ((await found()).status !== "ACTIVE") await delay(LOOK_EVERY_MS, undefined, { signal });
  const upgrade = `/api/v1/migrations/tenants/${tenant.id}/upgrade-tier`;
  const { body: job } = await client.post<TierMigrationJob>(upgrade, { targetTier: "PROFESSIONAL" });
  await client.post(`/api/v1/migrations/${job.id}/validate-payment`);
  await client.post(`/api/v1/migrations/${job.id}/submit-credentials`, {
    clientId: "bench",
    clientSecretRef: "bench",
    azureTenantId: "bench",
    subscriptionId: "bench",
  });
  const state = async () => (await client.get<TierMigrationJob>(statusPath(tenant.id))).provisioningState;
  while ((await state()) !== "PREVIEWING_CHANGES") await delay(LOOK_EVERY_MS, undefined, { signal });
  return tenant.id;
}

const statusPath = (tenantId: string) => `/api/v1/migrations/tenants/${tenantId}/status`;

async function measureStatus({ service, bare, tenantId }: Stage): Promise<Finding> {
  const routeOf = ({ child, url, headers }: Process) => ({
    pid: child.pid!,
    url: url + statusPath(tenantId),
    headers,
  });
  const rates = await measureRates({ service: routeOf(service), bare: routeOf(bare) }, ROUNDS);
  const { perSecond, microseconds, generatorLoad } = rates;
  return {
    name: "statusRequests",
    what:
      "Requests per second of GET /api/v1/migrations/tenants/{id}/status with a bearer token, answered by the service " +
      "with its log and its metrics, against a bare Hono route that answers the same document on the same server " +
      "adapter; 32 connections, median of the ratios of interleaved rounds. The load generator is one process on the " +
      "same machine: where its load comes near 1 it bounds the bare route's rate, and the ratio of processor times is " +
      "the stricter one.",
    value: rates.ratio,
    unit: "ratio",
    goal: { atLeast: 0.6 },
    figures: {
      perSecond: roundedSides(perSecond, 0),
      processorMicrosecondsPerRequest: roundedSides(microseconds, 1),
      ratioOfProcessorTimes: rounded(microseconds.bare / microseconds.service, 3),
      generatorLoad: roundedSides(generatorLoad, 2),
      rounds: rates.rounds.map((round) => roundedSides(round, 0)),
    },
    onMiss: "What a request costs beyond the route: the token's check, the log line, the counters, copies.",
  };
}

const roundedSides = ({ service, bare }: Sides, decimals: number): Sides => ({
  service: rounded(service, decimals),
  bare: rounded(bare, decimals),
});

async function measureStream({ service, tenantId }: Stage): Promise<Finding> {
  const url = `${service.url}/api/v1/tenants/${tenantId}/provisioning/status/stream`;
  const openedAt = performance.now();
  const listeners = await openListeners(url, service.headers, LISTENERS);
  const openingMs = performance.now() - openedAt;
  try {
    const heard = [];
    for (let event = 0; event < EVENTS; event += 1) {
      const line = `bench event ${event}.`;
      const cause = () => service.child.send({ line } satisfies ServiceOrder);
      heard.push(await listeners.hear(line, cause));
    }
    const spreads = heard.map(({ firstMs, lastMs }) => lastMs - firstMs);
    return {
      name: "streamSpread",
      what:
        `Milliseconds between the first and the last of ${LISTENERS} listeners of one tenant's stream hearing the same ` +
        `event: the median of ${EVENTS} events, each told by the engine and durable before it is sent. The listeners ` +
        "are one process on the same machine, whose own reading is part of it.",
      value: medianOf(spreads),
      unit: "ms",
      goal: { atMost: 100 },
      figures: {
        spreadsMs: spreads.map((spread) => rounded(spread, 1)),
        worstMs: rounded(peakOf(spreads), 1),
        firstHeardMs: rounded(medianOf(heard.map(({ firstMs }) => firstMs)), 1),
        openingMs: rounded(openingMs, 0),
      },
      onMiss: "Less work for each listener: the event encoded once, and written without a task of its own.",
    };
  } finally {
    listeners.close();
  }
}

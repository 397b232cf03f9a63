/** How fast a tenant's keys are warmed, beside a bare copy with the same client, and what it costs the shared server. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createClient, RESP_TYPES } from "@redis/client";
import type { CacheCopyReport } from "../../automation/data/cache/report.ts";
import { startCacheServer } from "../../local/cache/server.ts";
import type { CacheServer } from "../../local/cache/server.ts";
import { ensureAuthority } from "../../local/pki/authority.ts";
import { claimPorts } from "../../local/ports.ts";
import type { Parts } from "../../setup/parts.ts";
import type { Finding, Measure } from "../report.ts";
import { medianOf, peakOf, rounded } from "../statistics.ts";
import { runMover } from "./mover.ts";
import { TENANT } from "./tables.ts";

const KEYS = 100_000;
/** Of another tenant, on the shared server. */
const OTHERS = 100_000;
const VALUE_BYTES = 256;
const PAGE = 1000;
const ROUNDS = 3;
/** As good as none. */
const NO_LIMIT = 100_000_000;

interface Login {
  host: string;
  port: number;
  password: string;
}

interface Caches {
  source: Login;
  target: Login;
  caFile: string;
  stop(): Promise<void>;
}

export async function measureKeys(
  parts: Parts,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal },
): Promise<(Finding | Measure)[]> {
  const { redisServer } = parts;
  if ("absent" in redisServer) return [{ name: "dataKeys", notMeasured: redisServer.absent }];
  log(`bench: data: ${KEYS} keys`);
  const caches = await startCaches(redisServer.program);
  const mover = path.join(parts.bundles, "data.mjs");
  const warm = async (more: object = {}) => {
    await emptyTarget(caches);
    return await runMover<CacheCopyReport>(
      mover,
      "copy",
      { tenant: TENANT, cache: { source: caches.source, target: caches.target, ...more } },
      { store: "cache", caFile: caches.caFile, signal },
    );
  };
  try {
    await seedKeys(caches);
    const byHand: number[] = [];
    const warmed: number[] = [];
    const peaks: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      byHand.push(KEYS / (await copyByHand(caches)));
      const { report, peakMb } = await warm({ keysPerSecond: NO_LIMIT });
      if (report.copied !== KEYS)
        throw new Error(`${report.copied} keys were copied: ${report.problem ?? ""}`);
      warmed.push(report.rate);
      peaks.push(peakMb);
    }
    const idle = await watchOthers(
      caches,
      async () => void (await new Promise((end) => setTimeout(end, 3_000))),
    );
    const limited = await watchOthers(caches, async () => void peaks.push((await warm()).peakMb));
    return [
      {
        name: "dataKeys",
        what: "Keys a second of the data command's copy without its limit against SCAN, DUMP and RESTORE by hand with the same client.",
        value: medianOf(warmed) / medianOf(byHand),
        unit: "ratio",
        goal: null,
        figures: {
          keys: KEYS,
          keysPerSecond: Math.round(medianOf(warmed)),
          byHandPerSecond: Math.round(medianOf(byHand)),
          peakMb: rounded(peakOf(peaks), 1),
          atDefaultRate: {
            seconds: rounded(limited.seconds, 1),
            sharedServerBusy: rounded(limited.busy, 3),
            othersMedianMs: { idle: rounded(idle.medianMs, 2), meanwhile: rounded(limited.medianMs, 2) },
            othersP99Ms: { idle: rounded(idle.p99Ms, 2), meanwhile: rounded(limited.p99Ms, 2) },
          },
        },
      },
    ];
  } finally {
    await caches.stop();
  }
}

async function startCaches(program: string): Promise<Caches> {
  const dir = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-keys-"));
  const running: CacheServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const authority = await ensureAuthority(path.join(dir, "pki"));
    const ports = await claimPorts(2);
    const start = async (name: string, port: number): Promise<Login> => {
      const password = randomBytes(16).toString("hex");
      const settings = { accessKeys: [password], evictionPolicy: "NoEviction", maxMemoryGb: 1 };
      running.push(
        await startCacheServer({ dir: path.join(dir, name), name, port, program, authority, settings }),
      );
      return { host: "127.0.0.1", port, password };
    };
    const [source, target] = [await start("source", ports[0]!), await start("target", ports[1]!)];
    return { source, target, caFile: authority.certificateFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function connect({ host, port, password }: Login, caFile: string) {
  const client = createClient({
    RESP: 2,
    password,
    socket: { host, port, tls: true, ca: await readFile(caFile), reconnectStrategy: false },
  });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
type Client = Awaited<ReturnType<typeof connect>>;

async function seedKeys({ source, caFile }: Caches): Promise<void> {
  const client = await connect(source, caFile);
  for (const [slug, count] of [
    [TENANT.slug, KEYS],
    ["other", OTHERS],
  ] as const)
    for (let from = 0; from < count; from += PAGE) {
      const together = client.multi();
      for (let at = from; at < from + PAGE; at += 1) {
        const value = randomBytes(VALUE_BYTES / 2).toString("hex");
        together.set(`tenant:${slug}:key:${at}`, value, { expiration: { type: "EX", value: 36_000 + at } });
      }
      await together.execAsPipeline();
    }
  client.destroy();
}

async function emptyTarget({ target, caFile }: Caches): Promise<void> {
  const client = await connect(target, caFile);
  await client.flushAll();
  client.destroy();
}

/** One page after the other, without a look at sizes, refusals or what is gone. Answers seconds. */
async function copyByHand(caches: Caches): Promise<number> {
  await emptyTarget(caches);
  const { source, target, caFile } = caches;
  const [from, into] = await Promise.all([connect(source, caFile), connect(target, caFile)]);
  const startedMs = performance.now();
  const bytes = from.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  for await (const page of bytes.scanIterator({ MATCH: `tenant:${TENANT.slug}:*`, COUNT: PAGE })) {
    const keys = page;
    const reading = bytes.multi();
    for (const key of keys) reading.pTTL(key).dump(key);
    const answers = (await reading.execAsPipeline()) as unknown as (number | Buffer)[];
    const writing = into.multi();
    keys.forEach((key, at) =>
      writing.restore(key, answers[2 * at] as number, answers[2 * at + 1] as Buffer, { REPLACE: true }),
    );
    await writing.execAsPipeline();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  for (const client of [from, into]) client.destroy();
  return seconds;
}

interface Watched {
  seconds: number;
  /** Share of one core that the shared server used. */
  busy: number;
  medianMs: number;
  p99Ms: number;
}

/** Another tenant's reads, one after the other, for as long as `work` takes. */
async function watchOthers({ source, caFile }: Caches, work: () => Promise<void>): Promise<Watched> {
  const client = await connect(source, caFile);
  const usedBefore = await cpuOf(client);
  const startedMs = performance.now();
  const done = new AbortController();
  const working = work().finally(() => done.abort());
  const samples: number[] = [];
  while (!done.signal.aborted) {
    const askedMs = performance.now();
    await client.get(`tenant:other:key:${samples.length % OTHERS}`);
    samples.push(performance.now() - askedMs);
    await new Promise((next) => setTimeout(next, 1));
  }
  await working;
  const seconds = (performance.now() - startedMs) / 1000;
  const busy = ((await cpuOf(client)) - usedBefore) / seconds;
  client.destroy();
  samples.sort((a, b) => a - b);
  return { seconds, busy, medianMs: medianOf(samples), p99Ms: samples[Math.floor(samples.length * 0.99)]! };
}

/** CPU seconds of a server since its start. */
async function cpuOf(client: Client): Promise<number> {
  const info = await client.info("cpu");
  return ["sys", "user"].reduce(
    (sum, kind) => sum + Number(new RegExp(`^used_cpu_${kind}:([\\d.]+)`, "m").exec(info)?.[1] ?? 0),
    0,
  );
}

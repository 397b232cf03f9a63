import { ensureBlobServer, type BlobServer } from "./blob-server.ts";
import { ensureBundles } from "./bundle.ts";
import { cacheFolder } from "./cache.ts";
import { ensureControlPlane, type ControlPlane } from "./control-plane.ts";
import { ensureEngine, type Engine } from "./engine.ts";
import { ensureKafka, type Kafka } from "./kafka.ts";
import { ensurePostgres, type Postgres } from "./postgres.ts";
import type { Log } from "./progress.ts";
import { ensureRedisServer, type RedisServer } from "./redis-server.ts";

/** A part that an installation can do without, and why it has to: a sentence that says what to install. */
export interface Absent {
  absent: string;
}

/** What an installation runs and does not carry itself. */
export interface Parts {
  engine: Engine;
  controlPlane: ControlPlane;
  postgres: Postgres;
  blobServer: BlobServer;
  redisServer: RedisServer | Absent;
  kafka: Kafka | Absent;
  /** Folder with the plugins and programs as one file each. */
  bundles: string;
}

/** What the service needs on any target. */
export type ServiceParts = Pick<Parts, "engine" | "bundles">;

export interface SetupOptions {
  log: Log;
  /** Ends the set-up and what it started; nothing half made stays in use. */
  signal?: AbortSignal;
  /** Default: the user's cache folder. */
  cache?: string;
}

/** What each part's set-up is given. */
export interface SetupContext extends SetupOptions {
  cache: string;
}

/**
 * Makes sure that all parts are there, downloading or building what is missing (one after the other: each build takes
 * all cores and up to 3 GB). Rejects with a SetupError that says which prerequisite is missing and how to get it.
 */
export function ensureParts(options: SetupOptions): Promise<Parts> {
  return timed(options, async (context) => ({
    postgres: await ensurePostgres(context),
    ...(await bringServiceParts(context)),
    blobServer: await ensureBlobServer(context),
    redisServer: await tellAbsence(ensureRedisServer(context), options),
    kafka: await tellAbsence(ensureKafka(context), options),
    controlPlane: await ensureControlPlane(context),
  }));
}

/** An optional part's absence is said each time. */
async function tellAbsence<T extends object>(
  part: Promise<T | Absent>,
  { log }: SetupOptions,
): Promise<T | Absent> {
  const found = await part;
  if ("absent" in found) log(`set-up: ${found.absent}`);
  return found;
}

/** As `ensureParts`, without the local cloud's servers. */
export function ensureServiceParts(options: SetupOptions): Promise<ServiceParts> {
  return timed(options, bringServiceParts);
}

/** The engine alone, for its command line. */
export function ensureEngineOnly(options: SetupOptions): Promise<Engine> {
  return timed(options, ensureEngine);
}

async function bringServiceParts(context: SetupContext): Promise<ServiceParts> {
  return { bundles: await ensureBundles(context), engine: await ensureEngine(context) };
}

/** Tells the whole time at the end; silent when there was nothing to do. */
async function timed<T>(options: SetupOptions, work: (context: SetupContext) => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  let lines = 0;
  const log: Log = (line) => {
    lines += 1;
    options.log(line);
  };
  const result = await work({ ...options, cache: options.cache ?? cacheFolder(), log });
  if (lines > 0) options.log(`set-up: complete in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  return result;
}

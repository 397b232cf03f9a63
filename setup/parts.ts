import { cacheFolder } from "./cache.ts";
import { ensureControlPlane, type ControlPlane } from "./control-plane.ts";
import { ensureEngine, type Engine } from "./engine.ts";
import { ensurePostgres, type Postgres } from "./postgres.ts";
import type { Log } from "./progress.ts";

/** What an installation runs and does not carry itself. */
export interface Parts {
  engine: Engine;
  controlPlane: ControlPlane;
  postgres: Postgres;
}

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
export async function ensureParts(options: SetupOptions): Promise<Parts> {
  const context = { ...options, cache: options.cache ?? cacheFolder() };
  const startedAt = performance.now();
  let lines = 0;
  const log: Log = (line) => {
    lines += 1;
    options.log(line);
  };
  const postgres = await ensurePostgres({ ...context, log });
  const engine = await ensureEngine({ ...context, log });
  const controlPlane = await ensureControlPlane({ ...context, log });
  // Silent when there was nothing to do.
  if (lines > 0) options.log(`set-up: complete in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  return { engine, controlPlane, postgres };
}

/** The engine alone: all that the azure target needs. */
export async function ensureEngineOnly(options: SetupOptions): Promise<Engine> {
  return ensureEngine({ ...options, cache: options.cache ?? cacheFolder() });
}

/** How long set-up takes: with everything there, and from nothing. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { CommandError, endWith } from "../commands/command-line.ts";
import type { Finding, Measure } from "./report.ts";

const RUN = path.resolve(import.meta.dirname, "../commands/run.mjs");

/** `npm run setup` with what is in the user's cache; to be called when it has run before. */
export async function measureWarmSetup(signal: AbortSignal): Promise<Finding> {
  return {
    name: "setupWarm",
    what: "`npm run setup` with packages and parts in place, as before every start.",
    value: await secondsOfSetup({}, signal),
    unit: "s",
    goal: null,
    figures: {},
  };
}

/** From an empty TIERLIFT_CACHE and empty Go caches: a download or build of the engine, a build of the control plane. */
export async function measureColdSetup(asked: boolean, signal: AbortSignal): Promise<Finding | Measure> {
  const name = "setupCold";
  if (!asked) return { name, notMeasured: "takes about 10 minutes and 5 GB: npm run bench -- --cold" };
  const folder = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-cold-"));
  const inside = (part: string) => path.join(folder, part);
  try {
    const env = {
      TIERLIFT_CACHE: inside("parts"),
      GOCACHE: inside("go-build"),
      GOMODCACHE: inside("go-modules"),
      // Go write-protects its modules, which would keep this folder from being removed.
      GOFLAGS: "-modcacherw",
    };
    return {
      name,
      what: "`npm run setup` with an empty TIERLIFT_CACHE and empty Go caches, packages of npm in place.",
      value: await secondsOfSetup(env, signal),
      unit: "s",
      goal: null,
      figures: {},
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function secondsOfSetup(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  // What it says goes where progress goes: standard output is the report's.
  const child = spawn(process.execPath, [RUN, "setup"], {
    env: { ...process.env, ...env },
    stdio: ["ignore", 2, 2],
  });
  const code = await endWith(child, signal);
  signal.throwIfAborted();
  if (code !== 0) throw new CommandError(`npm run setup ended with exit code ${code}`);
  return (performance.now() - startedAt) / 1000;
}

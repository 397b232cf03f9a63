/** What can be killed of a running installation, and how it comes back. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Halves } from "../e2e/halves.ts";
import { until } from "../e2e/installation.ts";
import { namespaceOf } from "../e2e/world.ts";
import type { Victim } from "./plan.ts";

/** The data command. */
const MOVER = /\/automation\/data\/run\.mjs\0/;
/** A phase has no mover all the time, and on a busy machine not for long: so long is waited for one. */
const MOVER_MS = 60_000;
const BACK_MS = 60_000;

/** Kills it and waits until it is back, where it does not come back by itself with what needs it. Answers whether there was one. */
export async function killVictim(victim: Victim, installation: Halves, slug: string): Promise<boolean> {
  switch (victim) {
    case "mover":
      return await killMover(installation);
    case "service":
      await installation.killServiceAndEngines();
      await installation.startService();
      return true;
    case "shared server":
      return await killServer(installation, "platform");
    case "own server":
      return await killServer(installation, slug);
    case "shared broker":
      return await killBroker(installation, "platform");
    case "own broker":
      return await killBroker(installation, slug);
  }
}

async function killMover(installation: Halves): Promise<boolean> {
  const deadline = Date.now() + MOVER_MS;
  for (;;) {
    const pids = moversOf(installation);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    if (pids.length > 0 || Date.now() > deadline) return pids.length > 0;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Data commands of this installation that run. */
export function moversOf(installation: Halves): number[] {
  return installation.engineProcesses().filter((pid) => {
    try {
      return MOVER.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    } catch {
      return false; // gone meanwhile
    }
  });
}

/** Its postmaster; PostgreSQL's other processes end with it. */
async function killServer(installation: Halves, name: string): Promise<boolean> {
  const server = installation.endpoints().postgres.find(({ resourceId }) => resourceId.includes(name));
  return server !== undefined && (await killAndAwait(() => postmasterOf(server.port)));
}

async function killBroker(installation: Halves, name: string): Promise<boolean> {
  const namespace = namespaceOf(installation, name);
  if (namespace === undefined) return false;
  const port = namespace.bootstrapServers.split(":").at(-1)!;
  return await killAndAwait(() =>
    processOf((words) => {
      const properties = words[words.indexOf("kafka.Kafka") + 1] ?? "";
      return path.isAbsolute(properties) && readFileSync(properties, "utf8").includes(`127.0.0.1:${port}`);
    }),
  );
}

/** The local cloud starts a new one on the same data. */
async function killAndAwait(find: () => number | undefined): Promise<boolean> {
  const before = find();
  if (before === undefined) return false;
  process.kill(before, "SIGKILL");
  await until(
    () => Promise.resolve(find()),
    (now) => now !== undefined && now !== before,
    BACK_MS,
  );
  return true;
}

/** The server of a port: it notes its own id and its port in its data folder. */
const postmasterOf = (port: number): number | undefined =>
  processOf((words, pid) => {
    const data = words[words.indexOf("-D") + 1] ?? "";
    if (!words[0]?.endsWith("postgres") || !path.isAbsolute(data)) return false;
    const note = readFileSync(path.join(data, "postmaster.pid"), "utf8").split("\n");
    return note[0] === pid && Number(note[3]) === port;
  });

function processOf(isIt: (words: string[], pid: string) => boolean): number | undefined {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (isIt(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"), pid)) return Number(pid);
    } catch {
      continue; // gone meanwhile
    }
  }
  return undefined;
}

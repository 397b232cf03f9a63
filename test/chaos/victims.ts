/** What can be killed of a running installation, and how it comes back. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Halves } from "../e2e/halves.ts";
import { until } from "../e2e/installation.ts";
import type { Victim } from "./plan.ts";

/** The data command, from its source and as a bundle. */
const MOVER = /(?:\/data\.mjs|\/automation\/data\/main\.ts)\0postgres\0/;
/** A phase has no mover all the time: so long is waited for one. */
const MOVER_MS = 20_000;
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

/** Its postmaster; PostgreSQL's other processes end with it, and the local cloud starts a new one on the same data. */
async function killServer(installation: Halves, name: string): Promise<boolean> {
  const server = installation.endpoints().postgres.find(({ resourceId }) => resourceId.includes(name));
  const before = server && postmasterOf(server.port);
  if (server === undefined || before === undefined) return false;
  process.kill(before, "SIGKILL");
  await until(
    () => Promise.resolve(postmasterOf(server.port)),
    (now) => now !== undefined && now !== before,
    BACK_MS,
  );
  return true;
}

/** The process that serves a port: a server notes its own id and its port in its data folder. */
function postmasterOf(port: number): number | undefined {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const data = /postgres\0-D\0([^\0]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, "utf8"))?.[1];
      if (data === undefined) continue;
      const note = readFileSync(path.join(data, "postmaster.pid"), "utf8").split("\n");
      if (note[0] === pid && Number(note[3]) === port) return Number(pid);
    } catch {
      continue; // gone meanwhile
    }
  }
  return undefined;
}

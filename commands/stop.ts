/** `npm stop`: ends the installation that runs on TIERLIFT_HOME, and waits until it has ended. */
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { holderOf } from "../automation/store/folder-lock.ts";
import { CommandError, runCommandLine } from "./command-line.ts";
import { parseSettings } from "./settings.ts";

/** The service and the local cloud may each take a minute before they are killed. */
const WITHIN_MS = 150_000;

await runCommandLine(async ({ log, signal }) => {
  const { home } = parseSettings(process.env, path.resolve(import.meta.dirname, ".."));
  const pid = holderOf(home);
  if (pid === undefined) return log(`stop: nothing runs on ${home}`);
  const startedAt = performance.now();
  process.kill(pid, "SIGTERM");
  while (holderOf(home) === pid) {
    if (performance.now() - startedAt > WITHIN_MS) throw new CommandError(`stop: process ${pid} still runs`);
    await delay(50, undefined, { signal });
  }
  log(`stop: process ${pid} ended in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
});

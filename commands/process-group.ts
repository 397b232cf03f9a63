/** A program together with all that it starts, so that nothing is left where it ends without its own clean-up. */
import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { isGroupAlive, signalGroup } from "../automation/engine/process-record.ts";
import { endWith } from "./command-line.ts";

/** Longer than an installation takes to stop in good order. */
const END_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 100;

/**
 * Waits for a program that leads a group (spawned `detached`), hands interruptions on to the whole group, and gives the
 * program's exit code once nothing of the group is left. What outlives the program is asked to end, and killed when it
 * does not in `withinMs`.
 */
export async function endGroupWith(
  leader: ChildProcess,
  signal: AbortSignal,
  withinMs = END_WITHIN_MS,
): Promise<number> {
  const { pid } = leader;
  if (pid === undefined) return endWith(leader, signal);
  const interrupt = () => signalGroup(pid, signal.reason as NodeJS.Signals);
  // The leader hears it as one of the group.
  if (signal.aborted) interrupt();
  else signal.addEventListener("abort", interrupt, { once: true });
  const code = await endWith(leader, new AbortController().signal);
  if (!signal.aborted) signalGroup(pid, "SIGTERM");
  const deadline = performance.now() + withinMs;
  while (isGroupAlive(pid) && performance.now() < deadline) await delay(LOOK_EVERY_MS);
  signalGroup(pid, "SIGKILL");
  return code;
}

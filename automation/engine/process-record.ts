/**
 * Which process works on a stack, written beside the stack's work folder: after a crash it tells the successor whom
 * to wait for before the stack's lock may be cleared.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

interface ProcessRecord {
  pid: number;
  /** The kernel's start time of the process, in clock ticks since boot: tells a reused pid apart. */
  startTime: string | null;
  operation: string;
}

const fileOf = (workDir: string) => join(workDir, "operation.json");

export function recordProcess(workDir: string, pid: number, operation: string): void {
  const record: ProcessRecord = { pid, startTime: startTimeOf(pid), operation };
  const temporary = `${fileOf(workDir)}.tmp`;
  writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
  renameSync(temporary, fileOf(workDir));
}

export function forgetProcess(workDir: string): void {
  rmSync(fileOf(workDir), { force: true });
}

/**
 * Makes sure that the process recorded last, and every process of its group, has ended: asks it to stop, waits
 * `graceMs`, then ends it. Returns whether a record was there, that is, whether an operation was cut off.
 */
export async function endRecordedProcess(workDir: string, graceMs: number): Promise<boolean> {
  const record = readRecord(workDir);
  if (record === null) return false;
  // The leader passes an interrupt on; a second one would make the engine drop what it is doing.
  if (isSame(record)) process.kill(record.pid, "SIGTERM");
  else if (groupIsAlive(record)) signalGroup(record.pid, "SIGINT");
  const deadline = Date.now() + graceMs;
  while (groupIsAlive(record) && Date.now() < deadline) await sleep(100);
  if (groupIsAlive(record)) signalGroup(record.pid, "SIGKILL");
  while (groupIsAlive(record)) await sleep(50);
  return true;
}

function readRecord(workDir: string): ProcessRecord | null {
  try {
    return JSON.parse(readFileSync(fileOf(workDir), "utf8")) as ProcessRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new Error(`cannot read ${fileOf(workDir)}: remove it if no engine process runs for this stack`, {
      cause: error,
    });
  }
}

/** Field 22 of `/proc/<pid>/stat`, counted after the command's closing parenthesis; null where there is no /proc. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

const isSame = ({ pid, startTime }: ProcessRecord) => startTime !== null && startTimeOf(pid) === startTime;

/** The leader may be gone while the engine it started still runs in its group. */
function groupIsAlive(record: ProcessRecord): boolean {
  const leader = startTimeOf(record.pid);
  if (leader !== null && leader !== record.startTime) return false;
  return isGroupAlive(record.pid);
}

/** Whether anything is left of the group that a process leads or led. */
export function isGroupAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Signals the group a process leads; a group that has ended is fine. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

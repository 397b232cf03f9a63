/** One service per data folder: a lock file that names its holder, taken over only when the holder is dead. */
import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { tierliftError } from "../errors.ts";

interface Holder {
  pid: number;
  /** Start time of the process in clock ticks since boot: a pid alone may be another process by now. */
  started: string | null;
  token: string;
}

/** A takeover is a few synchronous file operations; older than this, whoever began it died in between. */
const ABANDONED_TAKEOVER_MS = 10_000;

/** Takes the folder's lock. Throws STORE_LOCKED with the holder's pid while that process lives. */
export function lockFolder(folder: string): { release(): void } {
  const file = join(folder, "lock");
  const own: Holder = { pid: process.pid, started: startTime(process.pid), token: randomUUID() };
  if (!createLock(file, own)) takeOver(folder, file, own);
  return {
    release() {
      if (readHolder(file)?.token === own.token) rmSync(file, { force: true });
    },
  };
}

/** The process that holds the folder, if one that lives does. */
export function holderOf(folder: string): number | undefined {
  const holder = readHolder(join(folder, "lock"));
  return holder !== null && isAlive(holder) ? holder.pid : undefined;
}

function createLock(file: string, own: Holder): boolean {
  try {
    writeFileSync(file, JSON.stringify(own), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Of several that find a dead holder, the one that makes the guard folder looks again and replaces the lock. */
function takeOver(folder: string, file: string, own: Holder): void {
  const guard = join(folder, "lock.takeover");
  const refuse = (pid: number): never => {
    throw tierliftError("STORE_LOCKED", { folder, pid });
  };
  const holder = readHolder(file);
  if (holder !== null && isAlive(holder)) refuse(holder.pid);
  if (!createGuard(guard)) refuse(holder?.pid ?? 0);
  try {
    const present = readHolder(file);
    if (present !== null && isAlive(present)) refuse(present.pid);
    rmSync(file, { force: true });
    if (!createLock(file, own)) refuse(readHolder(file)?.pid ?? 0);
  } finally {
    rmdirSync(guard);
  }
}

function createGuard(guard: string): boolean {
  try {
    mkdirSync(guard);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (Date.now() - statSync(guard).mtimeMs < ABANDONED_TAKEOVER_MS) return false;
    rmdirSync(guard);
    return createGuard(guard);
  }
}

/** Null when there is no lock, or one cut off by the crash of whoever wrote it. */
function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Holder;
  } catch {
    return null;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = startTime(pid);
  return started === null || now === null || now === started;
}

/** Field 22 of /proc/PID/stat, or null where there is no such file system. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name is in parentheses and may hold spaces.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, statSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { writeWhole } from "./files.ts";

export interface ServerSpec {
  /** For messages: `etcd of cluster acme`. */
  name: string;
  command: string;
  /** No secrets: every user of the machine can read a process's arguments. */
  args: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
  /** The OS user it runs as, where this process may choose. */
  runAs?: { uid: number; gid: number };
  /** Output is appended; the file starts anew when it has grown past a megabyte. */
  logFile: string;
  /** Says which process it is, so that a later run can end it when this one was killed. */
  pidFile: string;
  /** Asked until it says true; an exception counts as no. */
  ready: () => Promise<boolean>;
  /** Time to become ready, milliseconds. */
  deadlineMs: number;
  stop?: StopRule;
  /** Gives up waiting, and ends the server, as when another one it belongs to has failed. */
  signal?: AbortSignal;
}

export interface StopRule {
  /** SIGTERM unless the server means something else by it. */
  signal?: NodeJS.Signals;
  /** After that long the process is killed, milliseconds. */
  withinMs?: number;
}

/** A server process of the local cloud. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process has ended, with how it ended. */
  readonly exited: Promise<string>;
  isRunning(): boolean;
  /** Ends it and waits until it is gone; a second call waits for the same end. */
  stop(): Promise<void>;
}

const askEveryMs = 15;
const tailLength = 1500;
const stopWithinMs = 8_000;
const longestLog = 1024 * 1024;

/**
 * Starts a server and waits until it is ready. Rejects, with the end of its log, when it exits before that or is not
 * ready in time (it is ended then). It leads a process group of its own: an interrupt typed at the terminal reaches
 * only the local cloud, which then stops its servers in the right order.
 */
export async function startServer(spec: ServerSpec): Promise<Server> {
  const log = openSync(spec.logFile, logIsLong(spec.logFile) ? "w" : "a", 0o600);
  let child: ChildProcess;
  try {
    child = spawn(spec.command, [...spec.args], {
      cwd: spec.cwd,
      env: environment(spec.env),
      stdio: ["ignore", log, log],
      detached: true,
      ...(spec.runAs ?? {}),
    });
  } finally {
    closeSync(log);
  }
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `exited with code ${code}`),
    );
  });
  const server = supervise(spec, child, exited);
  if (child.pid === undefined) throw new Error(`${spec.name} ${await exited}`);
  try {
    await recordProcess(spec.pidFile, child.pid);
    await untilReady(spec, exited);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function supervise(spec: ServerSpec, child: ChildProcess, exited: Promise<string>): Server {
  let running = child.pid !== undefined;
  let stopping: Promise<void> | undefined;
  void exited.then(() => (running = false));
  const end = async () => {
    const bound = setTimeout(() => child.kill("SIGKILL"), spec.stop?.withinMs ?? stopWithinMs);
    if (running) child.kill(spec.stop?.signal ?? "SIGTERM");
    await exited;
    clearTimeout(bound);
    await rm(spec.pidFile, { force: true });
  };
  return {
    name: spec.name,
    pid: child.pid ?? -1,
    exited,
    isRunning: () => running,
    stop: () => (stopping ??= end()),
  };
}

async function untilReady(spec: ServerSpec, exited: Promise<string>): Promise<void> {
  let ended: string | undefined;
  void exited.then((how) => (ended = how));
  const deadline = Date.now() + spec.deadlineMs;
  while (Date.now() < deadline) {
    if (ended !== undefined)
      throw new Error(`${spec.name} ${ended} before it was ready.${await logTail(spec.logFile)}`);
    // The race keeps a probe that hangs from hiding an exit, or from outliving the deadline.
    const patience = new AbortController();
    const asked = spec.ready().catch(() => false);
    const answer = await Promise.race([
      asked,
      exited.then(() => false),
      delay(deadline - Date.now(), false, { signal: patience.signal }).catch(() => false),
    ]);
    spec.signal?.throwIfAborted();
    patience.abort();
    if (answer) return;
    await delay(askEveryMs);
  }
  throw new Error(
    `${spec.name} was not ready within ${spec.deadlineMs / 1000} s.${await logTail(spec.logFile)}`,
  );
}

/** A short environment: what the local cloud was given (tokens, passwords) is none of the servers' business. */
function environment(own: Record<string, string> = {}): Record<string, string> {
  const kept = ["PATH", "HOME", "TMPDIR", "TZ"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { LC_ALL: "C", ...Object.fromEntries(kept), ...own };
}

function logIsLong(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > longestLog;
}

async function logTail(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trim() ? ` The end of ${file}:\n${text.trim().slice(-tailLength)}` : ` ${file} is empty.`;
}

/** A process id alone does not name a process: it is used again. With the moment of its start it does. */
interface ProcessRecord {
  pid: number;
  startedAt: string;
}

async function recordProcess(pidFile: string, pid: number): Promise<void> {
  const startedAt = await processStart(pid);
  // Gone already: the caller learns it from the exit.
  if (startedAt === undefined) return;
  await writeWhole(pidFile, JSON.stringify({ pid, startedAt } satisfies ProcessRecord), 0o600);
}

/** Start of a living process in clock ticks since this boot (proc(5), field 22 of stat), with the boot's id. */
async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field, the name in brackets, may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

/**
 * Ends the server that a killed run left behind, if the process its file names is still that process. `foreign` when
 * the id belongs to another program by now, which is left alone.
 */
export async function endLeftOver(
  pidFile: string,
  rule: StopRule = {},
): Promise<"none" | "ended" | "foreign"> {
  const record = await readRecord(pidFile);
  if (!record) return "none";
  const lives = async () => (await processStart(record.pid)) === record.startedAt;
  if (!(await lives())) {
    await rm(pidFile, { force: true });
    return (await processStart(record.pid)) === undefined ? "none" : "foreign";
  }
  signalProcess(record.pid, rule.signal ?? "SIGTERM");
  const deadline = Date.now() + (rule.withinMs ?? stopWithinMs);
  while ((await lives()) && Date.now() < deadline) await delay(askEveryMs);
  while (await lives()) {
    signalProcess(record.pid, "SIGKILL");
    await delay(askEveryMs);
  }
  await rm(pidFile, { force: true });
  return "ended";
}

async function readRecord(pidFile: string): Promise<ProcessRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(pidFile, "utf8")) as Partial<ProcessRecord>;
    return typeof record.pid === "number" && typeof record.startedAt === "string"
      ? { pid: record.pid, startedAt: record.startedAt }
      : undefined;
  } catch {
    return undefined;
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Processes that belong to one installation: started in order, ended in the opposite order, none left behind. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { CommandError } from "./command-line.ts";

export interface ChildSpec {
  /** For messages: `the local cloud`. */
  name: string;
  /** A TypeScript file. */
  entry: string;
  /** The process's whole environment. */
  env: NodeJS.ProcessEnv;
  /** Takes its standard output and error; the one of the run before is kept beside it. */
  logFile: string;
  /** Resolves when the child can be used. It is given up when the signal aborts. */
  ready: (child: ChildProcess, signal: AbortSignal) => Promise<void>;
  readyWithinMs: number;
  /** After SIGTERM; what is not gone by then is killed, with its process group. */
  stopWithinMs: number;
}

export interface Supervisor {
  /**
   * Starts a process and waits until it is ready. Rejects with a CommandError that ends with the last lines of its
   * log when it exits before that or takes too long, and when `signal` aborts.
   */
  start(spec: ChildSpec, signal: AbortSignal): Promise<ChildProcess>;
  /** Resolves, with a sentence, when a process that was ready ends without having been asked to. */
  readonly failed: Promise<string>;
  /** Ends all processes, the last started first, and waits until they are gone. */
  stop(): Promise<void>;
}

interface Running {
  spec: ChildSpec;
  child: ChildProcess;
  ended: Promise<string>;
}

const LOADER = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

export function createSupervisor(): Supervisor {
  const running: Running[] = [];
  let stopping: Promise<void> | undefined;
  let fail!: (sentence: string) => void;
  const failed = new Promise<string>((resolve) => (fail = resolve));
  return {
    failed,
    async start(spec, signal) {
      const started = launch(spec);
      running.push(started);
      await untilReady(started, signal);
      void started.ended.then((how) => {
        if (!stopping) fail(`${spec.name} ${how}: see ${spec.logFile}\n${tailOf(spec.logFile)}`);
      });
      return started.child;
    },
    stop() {
      stopping ??= (async () => {
        for (const one of running.reverse()) await end(one);
      })();
      return stopping;
    },
  };
}

/**
 * The child leads a process group of its own: an interrupt typed at the terminal reaches only the supervisor, which
 * then ends its children in order. A child whose supervisor was killed notices that its channel has closed.
 */
function launch(spec: ChildSpec): Running {
  keepPrevious(spec.logFile);
  const log = openSync(spec.logFile, "w", 0o600);
  try {
    const child = spawn(process.execPath, ["--import", LOADER, spec.entry], {
      env: spec.env,
      stdio: ["ignore", log, log, "ipc"],
      detached: true,
    });
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(`could not be started: ${error.message}`));
      child.once("exit", (code, signal) =>
        resolve(signal ? `was ended by ${signal}` : `exited with code ${code}`),
      );
    });
    return { spec, child, ended };
  } finally {
    closeSync(log);
  }
}

async function untilReady({ spec, child, ended }: Running, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(spec.readyWithinMs), over.signal]);
  const aborted = new Promise<"late">((resolve) => {
    if (limit.aborted) resolve("late");
    else limit.addEventListener("abort", () => resolve("late"), { once: true });
  });
  const ready = spec.ready(child, limit).then(
    () => "ready" as const,
    (error: unknown) => {
      if (limit.aborted) return "late" as const;
      throw error;
    },
  );
  try {
    const outcome = await Promise.race([ready, ended, aborted]);
    if (outcome === "ready") return;
    signal.throwIfAborted();
    const what = outcome === "late" ? `was not ready within ${spec.readyWithinMs / 1000} s` : outcome;
    throw new CommandError(`${spec.name} ${what}: see ${spec.logFile}\n${tailOf(spec.logFile)}`);
  } finally {
    over.abort();
  }
}

async function end({ spec, child, ended }: Running): Promise<void> {
  const isGone = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  if (!isGone()) {
    child.kill("SIGTERM");
    const bound = setTimeout(() => killGroup(child.pid!), spec.stopWithinMs);
    await ended;
    clearTimeout(bound);
  }
  // What it started in its own group has no reason to outlive it.
  if (child.pid !== undefined) killGroup(child.pid);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function keepPrevious(logFile: string): void {
  try {
    renameSync(logFile, `${logFile}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function tailOf(logFile: string): string {
  return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-15).join("\n");
}

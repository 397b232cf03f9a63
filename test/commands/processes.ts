/** Real processes for tests: started with tsx, watched by what they print, and ended with the test. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";

const LOADER = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

export interface Watched {
  child: ChildProcess;
  output: () => { stdout: string; stderr: string };
  /** Resolves when standard output or error holds the text; rejects when the process ends before. */
  prints: (text: string) => Promise<void>;
  /** Exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

export function startProcess(
  file: string,
  options: {
    args?: string[];
    env?: Record<string, string>;
    ipc?: boolean;
    node?: string[];
    cwd?: string;
  } = {},
): Watched {
  const { args = [], env = {}, ipc = false, node = ["--import", LOADER], cwd } = options;
  const child = spawn(process.execPath, [...node, file, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", ...(ipc ? (["ipc"] as const) : [])],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  const waiters = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]!.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
      for (const look of waiters) look();
    });
  // Not `close`: it does not come after a channel that this side disconnected.
  const outputEnded = [child.stdout!, child.stderr!].map((stream) => once(stream, "end"));
  const exited = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal!)),
  );
  const ended = Promise.all([exited, ...outputEnded]).then(([how]) => how);
  const prints = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!output.stdout.includes(text) && !output.stderr.includes(text)) return;
        waiters.delete(look);
        resolve();
      };
      waiters.add(look);
      look();
      void ended.then((how) => reject(new Error(`ended (${how}) without "${text}": ${output.stderr}`)));
    });
  return { child, output: () => output, prints, ended };
}

/** A folder of the test's own, removed with it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "tierlift-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that nobody has reaped yet has ended all the same.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[0] !== "Z";
  } catch {
    return false;
  }
}

/** Looks until the fact holds; the test's own timeout is the bound. */
export async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The data command as the stacks run it, watched. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

const WATCH_MS = 20;

interface Surroundings {
  /** PEM file of an authority to trust. */
  caFile: string;
  signal: AbortSignal;
}

export interface Moved<R> {
  report: R;
  /** With the start of the process. */
  seconds: number;
  /** The most memory it had at once, in MB; NaN where the system does not tell. */
  peakMb: number;
}

/** Runs one verb, on PostgreSQL unless another store is named; rejects with the command's last words. */
export async function runMover<R>(
  program: string,
  verb: string,
  document: unknown,
  { store = "postgres", ...surroundings }: Surroundings & { store?: string },
): Promise<Moved<R>> {
  const { stdout, seconds, peakMb } = await runToEnd([program, store, verb], document, surroundings);
  return { report: JSON.parse(stdout) as R, seconds, peakMb };
}

/** Runs a program of Node.js with a document on standard input. */
export async function runToEnd(
  args: string[],
  document: unknown,
  { caFile, signal }: Surroundings,
): Promise<{ stdout: string; seconds: number; peakMb: number }> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: caFile },
    stdio: ["pipe", "pipe", "pipe"],
    signal,
  });
  let peakMb = Number.NaN;
  const watch = setInterval(() => (peakMb = peakOf(child.pid) ?? peakMb), WATCH_MS);
  try {
    child.stdin.end(JSON.stringify(document));
    const [[code], stdout, stderr] = await Promise.all([
      once(child, "close") as Promise<[number | null]>,
      text(child.stdout),
      text(child.stderr),
    ]);
    if (code !== 0) throw new Error(`${args.at(-1)} ended with ${code}: ${stderr.slice(-500)}`);
    return { stdout, seconds: (performance.now() - startedMs) / 1000, peakMb };
  } finally {
    clearInterval(watch);
  }
}

/** The kernel's high-water mark of a process's memory, in MB (Linux). */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined; // gone, or no such file on this system
  }
}

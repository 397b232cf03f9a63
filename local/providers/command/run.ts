import { spawn, type ChildProcess } from "node:child_process";

/** One run of a command. */
export interface CommandRun {
  /** The program and its arguments; the command's text comes last. */
  readonly argv: readonly string[];
  /** The command as a failure names it: its text, unless that is a secret. */
  readonly shownAs: string;
  readonly dir: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly signal: AbortSignal;
  readonly onLine: (stream: "stdout" | "stderr", line: string) => void;
}

export interface CommandOutcome {
  readonly stdout: string;
  readonly stderr: string;
}

/** The command could not be started, ended with another code than 0, or was killed. */
export class CommandFailure extends Error {
  constructor(why: string, command: string, output: string) {
    super(`${why}: running ${JSON.stringify(command)}:\n${output}`);
    this.name = "CommandFailure";
  }
}

/** Between the request to end and the end by force. */
const graceMs = 5_000;

const running = new Set<ChildProcess>();

/**
 * Runs a command in a process group of its own, so that its children end with it when `signal` aborts. Answers both
 * streams without their last line break; throws `CommandFailure` with both streams in the order they came.
 */
export async function runCommand(run: CommandRun): Promise<CommandOutcome> {
  run.signal.throwIfAborted();
  const [program = "", ...args] = run.argv;
  const child = spawn(program, args, {
    cwd: run.dir,
    env: { ...process.env, ...run.environment },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  running.add(child);
  const collected = collect(child, run.onLine);
  child.stdin.on("error", () => undefined); // The command may end without reading its input.
  child.stdin.end(run.stdin);
  const stop = () => endGroup(child);
  run.signal.addEventListener("abort", stop, { once: true });
  try {
    const why = await ended(child);
    const failure = run.signal.aborted ? abortReason(run.signal) : why;
    if (failure !== undefined) throw new CommandFailure(failure, run.shownAs, collected.both());
    return { stdout: chomp(collected.stdout()), stderr: chomp(collected.stderr()) };
  } finally {
    run.signal.removeEventListener("abort", stop);
    running.delete(child);
  }
}

function abortReason({ reason }: AbortSignal): string {
  return reason instanceof Error && reason.name === "TimeoutError" ? "timed out" : "cancelled";
}

/** Ends at once whatever still runs: the plugin's process is about to end. */
export function killAll(): void {
  for (const child of running) signalGroup(child, "SIGKILL");
}

function endGroup(child: ChildProcess): void {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
  child.once("close", () => clearTimeout(timer));
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

/** Nothing for exit code 0, else what happened, in the words of the official provider. */
function ended(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => {
      if (signal !== null) resolve(`signal: ${signal}`);
      else resolve(code === 0 ? undefined : `exit status ${code}`);
    });
  });
}

function collect(child: ChildProcess, onLine: CommandRun["onLine"]) {
  const all: { stream: "stdout" | "stderr"; text: string }[] = [];
  for (const stream of ["stdout", "stderr"] as const) {
    let rest = "";
    child[stream]?.setEncoding("utf8");
    child[stream]?.on("data", (text: string) => {
      all.push({ stream, text });
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(stream, line);
    });
    child[stream]?.on("end", () => {
      if (rest !== "") onLine(stream, rest);
    });
  }
  const of = (stream?: "stdout" | "stderr") => () =>
    all
      .filter((part) => stream === undefined || part.stream === stream)
      .map(({ text }) => text)
      .join("");
  return { stdout: of("stdout"), stderr: of("stderr"), both: of() };
}

function chomp(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

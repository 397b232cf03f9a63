import { spawn } from "node:child_process";

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface CommandOutput {
  stdout: string;
  stderr: string;
}

/** How a command that did not succeed ended; `stderr` is kept for the caller to show. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly stderr: string;

  constructor(message: string, stderr = "", options?: ErrorOptions) {
    super(message, options);
    this.stderr = stderr;
  }
}

/**
 * Runs a program to its end and gives its output; rejects with a CommandFailure when it cannot be started, exits with
 * anything but 0, outlives its deadline or is aborted. The program leads a process group of its own, so that an abort
 * ends what it started as well: a compiler driver's compilers go on after their driver's death.
 */
export function runCommand(file: string, args: string[], options: CommandOptions): Promise<CommandOutput> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) return reject(new CommandFailure(`${file} was not started: interrupted`));
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let cause: string | undefined;
    const end = (why: string) => {
      cause ??= why;
      endGroup(child.pid);
    };
    const deadline = setTimeout(
      () => end(`took longer than ${options.timeoutMs / 1000} s`),
      options.timeoutMs,
    );
    const interrupt = () => end("was interrupted");
    options.signal?.addEventListener("abort", interrupt);
    const output: CommandOutput = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    const settle = (problem?: string, error?: Error) => {
      clearTimeout(deadline);
      options.signal?.removeEventListener("abort", interrupt);
      if (!problem) return resolve(output);
      reject(new CommandFailure(`${file} ${args[0] ?? ""} ${problem}`, output.stderr, { cause: error }));
    };
    child.once("error", (error) => settle(`could not be started: ${error.message}`, error));
    child.once("close", (code, signal) => {
      if (cause) return settle(cause);
      settle(code === 0 ? undefined : signal ? `was ended by ${signal}` : `exited with ${code}`);
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

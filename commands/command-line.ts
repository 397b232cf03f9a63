import type { ChildProcess } from "node:child_process";
import os from "node:os";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { SetupError } from "../setup/errors.ts";
import { SettingsError } from "./settings.ts";

/** A typed Ctrl-C can arrive twice, from the terminal and from npm: only what comes later than this is another one. */
const FORCE_AFTER_MS = 1_000;

export interface CommandContext {
  args: string[];
  /** One line to standard error: standard output belongs to the command's result. */
  log: (line: string) => void;
  /**
   * Aborted by SIGINT, SIGTERM and SIGHUP, with the signal's name as reason. Another one more than a second later ends
   * the process at once.
   */
  signal: AbortSignal;
}

/** What a person can put right: shown without a stack trace. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Reads a command's options; what it does not know is refused with its usage and exit code 2. */
export function parseOptions<T extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: T,
  usage: string,
) {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new CommandError(`${(error as Error).message}\n${usage}`, 2, { cause: error });
  }
}

/**
 * Runs a command and ends the process: with the code it gives (0 when none), with 2 after wrong settings or
 * arguments, with 128 and the signal's number after an interruption. Expected errors are told in their own words.
 */
export async function runCommandLine(
  work: (context: CommandContext) => Promise<number | void>,
): Promise<never> {
  const interruption = new AbortController();
  const log = (line: string) => console.error(line);
  let firstMs: number | undefined;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      firstMs ??= performance.now();
      interruption.abort(name);
      if (performance.now() - firstMs < FORCE_AFTER_MS) return;
      log("interrupted again: not waiting any longer");
      process.exit(exitCodeOf(interruption.signal));
    });
  }
  try {
    process.exit((await work({ args: process.argv.slice(2), log, signal: interruption.signal })) ?? 0);
  } catch (error) {
    if (interruption.signal.aborted) {
      log("interrupted");
      process.exit(exitCodeOf(interruption.signal));
    }
    if (error instanceof SettingsError || error instanceof SetupError || error instanceof CommandError)
      log(error.message);
    else log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(error instanceof SettingsError ? 2 : error instanceof CommandError ? error.exitCode : 1);
  }
}

/** 128 and the number of the signal that interrupted the command, as shells count. */
export function exitCodeOf(interruption: AbortSignal): number {
  return 128 + os.constants.signals[interruption.reason as NodeJS.Signals];
}

/** Waits for a program that was given the terminal, hands interruptions on, and gives its exit code. */
export function endWith(child: ChildProcess, signal: AbortSignal): Promise<number> {
  const interrupt = () => child.kill(signal.reason as NodeJS.Signals);
  if (signal.aborted) interrupt();
  else signal.addEventListener("abort", interrupt, { once: true });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, endedBy) => resolve(code ?? 128 + os.constants.signals[endedBy!]));
  });
}

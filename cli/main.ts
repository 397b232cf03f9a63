/** The command line from its words to its exit code. */
import { readFileSync } from "node:fs";
import os from "node:os";
import { parseCommandLine, renderCommandHelp, renderHelp, type Parsed } from "./arguments.ts";
import { createClient } from "./client.ts";
import { COMMANDS } from "./commands/index.ts";
import { findConnection, tenantIdOf } from "./connection.ts";
import { ClientError, EXIT, RefusedError, UnreachableError } from "./errors.ts";
import { printResult, tell, type Io } from "./io.ts";
import { wrap } from "./text.ts";

/** Runs this process's command line and ends the process. */
export async function main(): Promise<never> {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => interruption.abort(new Interrupted(name)));
  const { stdin, stdout, stderr, env } = process;
  // Whoever read the output has gone, as `head` does: there is nobody left to tell.
  stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const io = { stdin, stdout, stderr, env, now: () => new Date() };
  const code = await runTierlift(process.argv.slice(2), io, interruption.signal);
  await new Promise((resolve) => stdout.write("", resolve));
  process.exit(code);
}

class Interrupted extends ClientError {
  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`, 128 + os.constants.signals[signal]);
  }
}

/** Gives the exit code; what goes wrong is told on standard error, and with `--json` as a document too. */
export async function runTierlift(args: string[], io: Io, interruption: AbortSignal): Promise<number> {
  try {
    const parsed = parseCommandLine(args, COMMANDS);
    if (parsed.kind === "run") return await runCommand(parsed, io, interruption);
    const text = parsed.kind === "version" ? [version()] : helpOf(parsed);
    printResult({ io, json: false }, { document: null, text });
    return EXIT.done;
  } catch (error) {
    return fail(io, args, error);
  }
}

const helpOf = ({ command }: Extract<Parsed, { kind: "help" }>): string[] =>
  command === undefined ? renderHelp(COMMANDS) : renderCommandHelp(command);

function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

async function runCommand(
  { command, operands, values, global }: Extract<Parsed, { kind: "run" }>,
  io: Io,
  interruption: AbortSignal,
): Promise<number> {
  const { api, token } = await findConnection(global, io.env);
  const { signal, stop } = limited(interruption, global.timeoutMs);
  try {
    const context = {
      client: createClient({ api, token, signal }),
      ownTenantId: tenantIdOf(token),
      io,
      json: global.json ?? false,
      signal,
    };
    return await command.run(context, operands, values);
  } catch (error) {
    // Whatever an abort made of what was under way, why it was aborted is the reason.
    throw signal.aborted ? signal.reason : error;
  } finally {
    stop();
  }
}

function limited(interruption: AbortSignal, timeoutMs: number | undefined) {
  const late = new AbortController();
  if (timeoutMs === undefined) return { signal: interruption, stop: () => undefined };
  const over = () => late.abort(new UnreachableError(`not done within ${timeoutMs / 1000} s (--timeout)`));
  const timer = setTimeout(over, timeoutMs);
  return { signal: AbortSignal.any([interruption, late.signal]), stop: () => clearTimeout(timer) };
}

function fail(io: Io, args: string[], error: unknown): number {
  if (!(error instanceof ClientError)) {
    tell(io, error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.failed;
  }
  const { exitCode } = error;
  const code = error instanceof RefusedError ? error.code : null;
  const status = error instanceof RefusedError ? error.status : null;
  const message = error instanceof RefusedError ? error.detail : error.message;
  const sentence = code === null ? message : `${code} (${status}): ${message}`;
  tell(io, ...sentence.split("\n").flatMap((line) => wrap(line)));
  if (args.includes("--json"))
    printResult({ io, json: true }, { document: { error: { exitCode, code, status, message } }, text: [] });
  return exitCode;
}

/** Runs the data command as a process of its own: its input by the standard input, its report by the standard output. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { tierliftError } from "./errors.ts";
import { createSerial } from "./serial.ts";
import type { DataInput, DataReport, DataVerb, Ports } from "./ports.ts";

/** Longer ones are bounded by their phase, and a cutover bounds the freeze in it by itself. */
const MAX_SECONDS = {
  "catch-up": 3600,
  verify: 3600,
  cutover: 7200,
  unfreeze: 30,
  detach: 120,
  inspect: 3600,
} as const satisfies Record<DataVerb, number>;
const KEPT_LINES = 20;

export interface DataCommandOptions {
  /** Program and its first arguments, for example `["node", "--import", "…", "…/main.ts"]`. */
  command: string[];
  /** The whole environment of the process. */
  environment: Record<string, string>;
  onProgress?: (verb: string, line: string) => void;
}

/** Rejects with DATA_COMMAND_FAILED and the command's last lines; it writes no secret there. */
export function createDataRunner({ command, environment, onProgress }: DataCommandOptions): Ports["runData"] {
  const [program = "", ...first] = command;
  const inTurn = createSerial();
  const run = (verb: DataVerb, input: DataInput, signal: AbortSignal): Promise<DataReport> =>
    new Promise<DataReport>((resolve, reject) => {
      const deadline = AbortSignal.timeout(MAX_SECONDS[verb] * 1000);
      const child = spawn(program, [...first, "postgres", verb], {
        env: environment,
        stdio: ["pipe", "pipe", "pipe"],
        signal: AbortSignal.any([signal, deadline]),
        killSignal: "SIGTERM",
      });
      const lines: string[] = [];
      let output = "";
      createInterface({ input: child.stderr }).on("line", (line) => {
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
        onProgress?.(verb, line);
      });
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      child.stdin.on("error", () => undefined); // a child that is gone says why by its exit
      child.stdin.end(JSON.stringify(input));
      let failure: Error | undefined;
      child.once("error", (error) => (failure = error));
      child.once("close", (code, endedBy) => {
        if (code === 0 && failure === undefined) {
          resolve(JSON.parse(output) as DataReport);
          return;
        }
        const ended = deadline.aborted
          ? `it took longer than ${MAX_SECONDS[verb]} s`
          : `it ended with ${endedBy ?? code}`;
        const problem = [ended, ...lines.slice(-3)].join(": ");
        reject(tierliftError("DATA_COMMAND_FAILED", { verb, problem }, { cause: failure }));
      });
    });
  // Verbs claim the tenant's databases: a second one would end the first. An inspection only reads.
  return (verb, input, signal) =>
    verb === "inspect" ? run(verb, input, signal) : inTurn(input.tenant.id, () => run(verb, input, signal));
}

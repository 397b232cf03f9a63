/** Runs the data command as a process of its own: its input by the standard input, its report by the standard output. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { tierliftError } from "./errors.ts";
import type { DataReport, Ports } from "./ports.ts";

/** A verb that runs inside the freeze has to end; longer ones are bounded by their phase. */
const MAX_SECONDS = { freeze: 30, unfreeze: 30, delta: 3600, verify: 3600, inspect: 3600 } as const;
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
  return (verb, input, signal) =>
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
}

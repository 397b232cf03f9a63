/** Where a command's words go: standard output holds the result and nothing else, standard error the progress. */
import type { Readable, Writable } from "node:stream";

/** A standard stream, with what a terminal's has beside it. */
export type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number };
export type Input = Readable & { isTTY?: boolean };

export interface Io {
  stdin: Input;
  stdout: Output;
  stderr: Output;
  env: NodeJS.ProcessEnv;
  now: () => Date;
}

/** The result of a command: its document, or its text. */
export function printResult(
  { io: { stdout }, json }: { io: Io; json: boolean },
  result: { document: unknown; text: string[] },
): void {
  stdout.write(json ? `${JSON.stringify(result.document, null, 2)}\n` : lines(result.text));
}

/** One document on one line, where a command has many. */
export function printLine({ stdout }: Io, document: unknown): void {
  stdout.write(`${JSON.stringify(document)}\n`);
}

export function tell({ stderr }: Io, ...text: string[]): void {
  stderr.write(lines(text));
}

const lines = (text: string[]): string => text.map((line) => `${line}\n`).join("");

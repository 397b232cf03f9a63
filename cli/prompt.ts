/** Questions before what cannot be taken back. */
import { createInterface } from "node:readline/promises";
import { EXIT, ClientError, UsageError } from "./errors.ts";
import { tell, type Io } from "./io.ts";

export interface Question {
  /** What will happen. */
  text: string[];
  /** What has to be typed: `y`, or the slug of what would be lost. */
  answer: string;
  signal: AbortSignal;
}

/** Throws ClientError after any other answer, UsageError where nobody can be asked. */
export async function confirm(io: Io, { text, answer, signal }: Question): Promise<void> {
  const { stdin, stderr } = io;
  if (!stdin.isTTY || !stderr.isTTY)
    throw new UsageError("This asks first, and there is no terminal to ask on: give --yes.");
  tell(io, ...text);
  const wish = answer === "y" ? "Go on? [y/N] " : `Type ${answer} to go on: `;
  const given = await ask(io, wish, signal);
  const isMeant = answer === "y" ? /^y(es)?$/i.test(given) : given === answer;
  if (!isMeant) throw new ClientError("Nothing was done.", EXIT.failed);
}

async function ask({ stdin, stderr }: Io, wish: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr, terminal: true });
  const closed = new AbortController();
  // A terminal in raw mode gives Ctrl-C to the reader of lines, Ctrl-D ends it: neither is an answer.
  lines.once("SIGINT", () => closed.abort(new ClientError("Nothing was done.", 130)));
  lines.once("close", () => closed.abort(new ClientError("Nothing was done.", EXIT.failed)));
  const either = AbortSignal.any([signal, closed.signal]);
  try {
    return (await lines.question(wish, { signal: either })).trim();
  } catch (error) {
    stderr.write("\n");
    throw either.reason instanceof Error ? either.reason : error;
  } finally {
    lines.close();
  }
}

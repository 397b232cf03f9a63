/** What a command is: its words, its options, what it does. */
import type { Client } from "./client.ts";
import type { Io } from "./io.ts";

export interface Option {
  type: "string" | "boolean";
  /** What stands for the value in the help. */
  value?: string;
  help: string;
}

export type Options = Record<string, Option>;

export type ValuesOf<O extends Options> = {
  [Name in keyof O]?: O[Name]["type"] extends "boolean" ? boolean : string;
};

/** Of any command; `parseCommandLine` has checked them against its options. */
export type Values = Record<string, string | boolean | undefined>;

/** What a command works with; nothing is asked of the service before it asks. */
export interface Context {
  client: Client;
  /** The tenant that the token belongs to, when it belongs to one. */
  ownTenantId: string | undefined;
  io: Io;
  /** Documents instead of text. */
  json: boolean;
  /** Aborted by an interruption, and by `--timeout`. */
  signal: AbortSignal;
}

export interface Command {
  /** `tenants get` is found by both words. */
  name: string;
  /** What stands after the name, for example `TENANT`. */
  operands: string[];
  summary: string;
  /** What else its help says. */
  details?: string;
  options: Options;
  /** Gives the exit code. */
  run(context: Context, operands: string[], values: Values): Promise<number>;
}

/** Checks that a command reads the options that it declares. */
export function command<const O extends Options>(
  definition: Omit<Command, "options" | "run"> & {
    options: O;
    run(context: Context, operands: string[], values: ValuesOf<O>): Promise<number>;
  },
): Command {
  return definition;
}

/** Options of every command that asks something which cannot be taken back. */
export const CONFIRMED = {
  yes: { type: "boolean", help: "do not ask: for scripts" },
} as const satisfies Options;

export const OF_JOB = {
  job: { type: "string", value: "ID", help: "this migration, instead of the active or else the last one" },
} as const satisfies Options;

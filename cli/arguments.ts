/** Words on the command line to a command with its values, or a sentence that says what is wrong. Pure. */
import { parseArgs } from "node:util";
import type { Command, Option, Options, Values, ValuesOf } from "./command.ts";
import { UsageError } from "./errors.ts";
import { wrap } from "./text.ts";

/** Options of every command. */
export const GLOBAL = {
  api: { type: "string", value: "URL", help: "where the service is" },
  "token-file": { type: "string", value: "FILE", help: "holds the bearer token; TIERLIFT_TOKEN when absent" },
  json: { type: "boolean", help: "documents for programs on standard output" },
  timeout: { type: "string", value: "SECONDS", help: "give up after so long (exit code 4)" },
  help: { type: "boolean", help: "say what a command does" },
} as const satisfies Options;

export type Parsed =
  | { kind: "help"; command: Command | undefined }
  | { kind: "version" }
  | {
      kind: "run";
      command: Command;
      operands: string[];
      values: Values;
      global: ValuesOf<typeof GLOBAL> & { timeoutMs?: number };
    };

/** Throws UsageError. */
export function parseCommandLine(args: string[], commands: readonly Command[]): Parsed {
  if (args[0] === "--version") return { kind: "version" };
  const found = findCommand(args, commands);
  if (found === undefined) {
    const word = args[0];
    if (word === undefined || word === "help" || word === "--help")
      return { kind: "help", command: undefined };
    throw new UsageError(
      word.startsWith("-")
        ? `The command comes first, then its options. tierlift --help lists the commands.`
        : `There is no command ${word}. tierlift --help lists the commands.`,
    );
  }
  const { command, words } = found;
  const { values, positionals } = parseWords(command, words);
  if (values["help"]) return { kind: "help", command };
  checkOperands(command, positionals);
  const global = values as ValuesOf<typeof GLOBAL>;
  const timeoutMs = parseTimeout(global.timeout);
  return {
    kind: "run",
    command,
    operands: positionals,
    values,
    global: { ...global, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
  };
}

/** The longest name goes first; `tenants` alone lists them. `words` are those after the name. */
function findCommand(args: string[], commands: readonly Command[]) {
  const [first = "", second] = args;
  const byName = (name: string, length: number) => {
    const command = commands.find((one) => one.name === name);
    return command && { command, words: args.slice(length) };
  };
  if (!commands.some(({ name }) => name.startsWith(`${first} `))) return byName(first, 1);
  if (second === undefined || second.startsWith("-")) return byName(`${first} list`, 1);
  const found = byName(`${first} ${second}`, 2);
  if (found === undefined)
    throw new UsageError(`There is no command ${first} ${second}. tierlift --help lists the commands.`);
  return found;
}

function parseWords(command: Command, words: string[]) {
  const known = { ...GLOBAL, ...command.options } as Options;
  const options = Object.fromEntries(Object.entries(known).map(([name, { type }]) => [name, { type }]));
  try {
    return parseArgs({ args: words, options, allowPositionals: true, strict: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith("ERR_PARSE_ARGS") !== true) throw error;
    throw new UsageError(explain(command, words, message), { cause: error });
  }
}

function explain(command: Command, words: string[], message: string): string {
  if (words.some((word) => /^--token(=|$)/.test(word))) {
    return "A token on the command line can be read by others: set TIERLIFT_TOKEN, or name a file with --token-file.";
  }
  // The first sentence names the option; the rest of it is advice on operands that begin with a dash.
  return `${message.split(". ")[0]}. ${usageOf(command)}`;
}

function checkOperands(command: Command, given: string[]): void {
  const { operands } = command;
  const missing = operands[given.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing. ${usageOf(command)}`);
  const extra = given[operands.length];
  if (extra !== undefined) throw new UsageError(`${extra} is one word too many. ${usageOf(command)}`);
}

function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 7 * 24 * 3600))
    throw new UsageError(`--timeout ${text}: seconds, more than 0 and at most 604800.`);
  return seconds * 1000;
}

/** One line. */
const usageOf = ({ name, operands }: Command): string =>
  `Usage: ${["tierlift", name, ...operands, "[OPTIONS]"].join(" ")} (--help says more)`;

export function renderCommandHelp(command: Command): string[] {
  const { name, operands, summary, details, options } = command;
  return [
    `usage: ${["tierlift", name, ...operands, "[OPTIONS]"].join(" ")}`,
    "",
    ...wrap(`${summary}.`),
    ...(details === undefined ? [] : ["", ...details.split("\n").flatMap((line) => wrap(line))]),
    ...(Object.keys(options).length === 0 ? [] : ["", "options:", ...renderOptions(options)]),
    "",
    "options of every command:",
    ...renderOptions(GLOBAL),
  ];
}

export function renderHelp(commands: readonly Command[]): string[] {
  return [
    "usage: tierlift COMMAND [OPERANDS] [OPTIONS]",
    "",
    "commands:",
    ...commands.flatMap(({ name, operands, summary }) => row([name, ...operands].join(" "), summary, 27)),
    "",
    "options of every command:",
    ...renderOptions(GLOBAL),
    "",
    ...wrap("TENANT is a slug or an id. tierlift COMMAND --help says more about one."),
    "",
    ...ENVIRONMENT,
    "",
    ...EXIT_CODES,
  ];
}

const ENVIRONMENT = [
  "environment:",
  ...row("TIERLIFT_API", "where the service is; else it is found in TIERLIFT_HOME/endpoints.json", 18),
  ...row("TIERLIFT_TOKEN", "the bearer token", 18),
  ...row("TIERLIFT_HOME", "the folder of the installation on this machine (.tierlift in the checkout)", 18),
];

const EXIT_CODES = [
  "exit codes:",
  ...row("0", "done", 5),
  ...row("1", "the migration failed or was taken back, or the question was answered no", 5),
  ...row("2", "wrong usage: nothing was asked of the service", 5),
  ...row("3", "refused by the service: its code and what to do are told", 5),
  ...row("4", "the service cannot be reached, fails, or takes too long", 5),
  ...row("130", "interrupted: a migration goes on without being watched", 5),
];

const renderOptions = (options: Options): string[] =>
  Object.entries(options).flatMap(([name, option]) => row(written(name, option), option.help, 27));

const written = (name: string, { value }: Option): string =>
  `--${name}${value === undefined ? "" : ` ${value}`}`;

/** A word and what it means, in two columns. */
function row(word: string, meaning: string, width: number): string[] {
  const lines = wrap(meaning, " ".repeat(width + 2));
  if (word.length >= width) return [`  ${word}`, ...lines];
  return [`  ${word.padEnd(width)}${lines[0]!.trimStart()}`, ...lines.slice(1)];
}

import { describe, expect, it } from "vitest";
import { parseCommandLine, renderCommandHelp, renderHelp } from "../../cli/arguments.ts";
import { COMMANDS } from "../../cli/commands/index.ts";
import { UsageError } from "../../cli/errors.ts";
import { widthOf } from "../../cli/text.ts";

const parse = (...args: string[]) => parseCommandLine(args, COMMANDS);

describe("the command line", () => {
  it.each([
    [["tenants"], "tenants list", []],
    [["tenants", "--tier", "FREE"], "tenants list", []],
    [["tenants", "get", "acme"], "tenants get", ["acme"]],
    [["upgrade", "acme", "--to", "ENTERPRISE"], "upgrade", ["acme"]],
    [["upgrade", "--to", "ENTERPRISE", "acme"], "upgrade", ["acme"]],
  ])("%j is the command %s with %j", (args, name, operands) => {
    expect(parse(...args)).toMatchObject({ kind: "run", command: { name }, operands });
  });

  it.each([
    [["upgrad", "acme"], "There is no command upgrad."],
    [["tenants", "frobnicate"], "There is no command tenants frobnicate."],
    [["--json", "tenants"], "The command comes first"],
    [["status"], "TENANT is missing. Usage: tierlift status TENANT"],
    [["status", "acme", "globex"], "globex is one word too many."],
    [["status", "acme", "--frobnicate"], "Unknown option '--frobnicate'. Usage: tierlift status TENANT"],
    [["status", "acme", "--job"], "--job <value>"],
    [["watch", "acme", "--timeout", "soon"], "--timeout soon: seconds"],
  ])("%j is refused: %s", (args, sentence) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(sentence);
  });

  it.each([["--token=precious"], ["--token", "precious"]])(
    "a token in %s is refused without being repeated",
    (...words) => {
      expect(() => parse("tenants", ...words)).toThrow(
        "set TIERLIFT_TOKEN, or name a file with --token-file",
      );
      expect(() => parse("tenants", ...words)).not.toThrow("precious");
    },
  );

  it.each([[[]], [["--help"]], [["help"]]])("%j asks for help", (args) => {
    expect(parse(...args)).toEqual({ kind: "help", command: undefined });
  });
});

describe("the help", () => {
  it("names every command, the environment and the exit codes in 80 columns", () => {
    const help = renderHelp(COMMANDS);
    for (const { name } of COMMANDS) expect(help.join("\n")).toContain(`\n  ${name}`);
    for (const word of ["TIERLIFT_API", "TIERLIFT_TOKEN", "130", "exit codes"])
      expect(help.join("\n")).toContain(word);
    expect(help.filter((line) => widthOf(line) > 80)).toEqual([]);
  });

  it.each(COMMANDS.map((command) => [command.name, command] as const))(
    "of %s fits 80 columns",
    (_name, command) => {
      const help = renderCommandHelp(command);
      for (const option of Object.keys(command.options)) expect(help.join("\n")).toContain(`  --${option}`);
      expect(help.filter((line) => widthOf(line) > 80)).toEqual([]);
    },
  );
});

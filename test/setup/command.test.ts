import { expect, test } from "vitest";
import { CommandFailure, runCommand } from "../../setup/command.ts";
import { isRunning, until } from "../commands/processes.ts";

const node = (script: string, options: Partial<Parameters<typeof runCommand>[2]> = {}) =>
  runCommand(process.execPath, ["-e", script], { timeoutMs: 20_000, ...options });

test("a program's output is given", async () => {
  expect(await node('console.log("out"); console.error("err")')).toEqual({
    stdout: "out\n",
    stderr: "err\n",
  });
});

test("a program that fails is told with its code, and its last words are kept", async () => {
  const failure = await node('console.error("why"); process.exit(3)').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CommandFailure);
  expect(failure).toMatchObject({
    message: expect.stringContaining("exited with 3") as string,
    stderr: "why\n",
  });
});

test("a program that is not there is told", async () => {
  await expect(runCommand("/nowhere/tool", [], { timeoutMs: 1_000 })).rejects.toThrow("could not be started");
});

// Prints the pid of a child of its own, and both run for ever.
const FAMILY =
  'const { spawn } = require("node:child_process"); const child = spawn(process.execPath, ["-e", "setInterval(()=>{},1e3)"]);' +
  "process.stderr.write(String(child.pid)); setInterval(() => {}, 1e3);";

test("a deadline ends the program and what it started", async () => {
  const failure = (await node(FAMILY, { timeoutMs: 1_000 }).catch(
    (error: unknown) => error,
  )) as CommandFailure;
  expect(failure.message).toContain("took longer than 1 s");
  await until(() => !isRunning(Number(failure.stderr)));
});

test("an abort ends the program and what it started", async () => {
  const abort = new AbortController();
  const running = node(FAMILY, { signal: abort.signal }).catch((error: unknown) => error);
  setTimeout(() => abort.abort(), 500);
  const failure = (await running) as CommandFailure;
  expect(failure.message).toContain("was interrupted");
  await until(() => failure.stderr === "" || !isRunning(Number(failure.stderr)));
});

test("an aborted set-up starts nothing more", async () => {
  await expect(node("", { signal: AbortSignal.abort() })).rejects.toThrow("was not started: interrupted");
});

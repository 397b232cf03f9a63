import { writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { startProcess, temporaryFolder } from "./processes.ts";

const COMMAND_LINE = pathToFileURL(path.join(import.meta.dirname, "..", "..", "commands", "command-line.ts"));

/** A command that tells of its interruption and then never ends. */
async function startStubborn() {
  const file = path.join(temporaryFolder(), "stubborn.mts");
  writeFileSync(
    file,
    `import { runCommandLine } from ${JSON.stringify(COMMAND_LINE.href)};
    await runCommandLine(({ log, signal }) => {
      signal.addEventListener("abort", () => log("stopping"));
      setInterval(() => {}, 1000);
      process.on("SIGINT", () => log("another"));
      log("running");
      return new Promise(() => undefined);
    });`,
  );
  const stubborn = startProcess(file);
  await stubborn.prints("running");
  return stubborn;
}

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("another %s a second later ends a command that is still stopping", async (signal, code) => {
  const { child, prints, ended, output } = await startStubborn();
  child.kill(signal);
  await prints("stopping");
  const startedAt = performance.now();
  const again = setInterval(() => child.kill(signal), 50);
  expect(await ended).toBe(code);
  clearInterval(again);
  expect(output().stderr).toContain("interrupted again: not waiting any longer");
  // One Ctrl-C may arrive twice.
  expect(performance.now() - startedAt).toBeGreaterThan(900);
});

test("one Ctrl-C that arrives twice interrupts once", async () => {
  const { child, prints, output } = await startStubborn();
  child.kill("SIGINT");
  await prints("another");
  child.kill("SIGINT");
  await prints("another\nanother");
  expect(output().stderr).toBe("running\nstopping\nanother\nanother\n");
  expect(child.exitCode).toBeNull();
});

/** `npm test [-- ARGS]`: the set-up that the tests with real processes need, then vitest. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { ensureParts } from "../setup/parts.ts";
import { partsEnvironment } from "./parts-environment.ts";
import { runCommandLine } from "./command-line.ts";
import { endGroupWith } from "./process-group.ts";

await runCommandLine(async ({ log, signal, args }) => {
  const parts = partsEnvironment(await ensureParts({ log, signal }));
  const vitest = path.join(
    path.dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
    "vitest.mjs",
  );
  const cwd = path.resolve(import.meta.dirname, "..");
  const tests = spawn(process.execPath, [vitest, "run", ...args], {
    cwd,
    env: { ...process.env, ...parts },
    stdio: "inherit",
    detached: true,
  });
  // Interrupted, vitest kills its workers, and what those had started would stay.
  return endGroupWith(tests, signal);
});

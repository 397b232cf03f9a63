/** `npm test [-- ARGS]`: the set-up that the tests with real processes need, then vitest. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { ensureParts } from "../setup/parts.ts";
import { partsEnvironment } from "./parts-environment.ts";
import { endWith, runCommandLine } from "./command-line.ts";

await runCommandLine(async ({ log, signal, args }) => {
  const parts = partsEnvironment(await ensureParts({ log, signal }));
  const vitest = path.join(
    path.dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
    "vitest.mjs",
  );
  const cwd = path.resolve(import.meta.dirname, "..");
  const child = spawn(process.execPath, [vitest, "run", ...args], {
    cwd,
    env: { ...process.env, ...parts },
    stdio: "inherit",
  });
  return endWith(child, signal);
});

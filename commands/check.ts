/** `npm run check`: format, lint and types, all of them also when one fails. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const require = createRequire(import.meta.url);

const checks: { name: string; file: string; args: string[] }[] = [
  { name: "format", file: binOf("prettier", "prettier"), args: ["--check", "--log-level=warn", "."] },
  { name: "lint", file: binOf("eslint", "eslint"), args: ["--max-warnings=0", "."] },
  { name: "types", file: binOf("typescript", "tsc"), args: ["--noEmit", "-p", "."] },
];

const failed: string[] = [];
for (const { name, file, args } of checks) {
  const startedAt = performance.now();
  const passed = await passes(file, args);
  console.log(
    `check: ${name} ${passed ? "passed" : "FAILED"} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  if (!passed) failed.push(name);
}
if (failed.length > 0) {
  console.log(`check: FAILED: ${failed.join(", ")}`);
  process.exitCode = 1;
}

function binOf(packageName: string, bin: string): string {
  const manifest = require.resolve(`${packageName}/package.json`);
  const { bin: bins } = require(manifest) as { bin: string | Record<string, string> };
  return path.join(path.dirname(manifest), typeof bins === "string" ? bins : bins[bin]!);
}

function passes(file: string, args: string[]): Promise<boolean> {
  const child = spawn(process.execPath, [file, ...args], { cwd: root, stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0));
  });
}

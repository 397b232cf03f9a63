import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { startProcess, temporaryFolder, until } from "./processes.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");

/** A checkout with the bootstrap, one package and one command; nothing is installed yet. */
function makeCheckout(command: string): string {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, "commands"));
  cpSync(path.join(ROOT, "commands", "run.mjs"), path.join(folder, "commands", "run.mjs"));
  writeFileSync(path.join(folder, "commands", "hello.ts"), command);
  // The real loader behind a package that npm can install without a registry.
  const loader = pathToFileURL(path.join(ROOT, "node_modules", "tsx", "dist", "loader.mjs")).href;
  mkdirSync(path.join(folder, "tsx", "dist"), { recursive: true });
  writeFileSync(path.join(folder, "tsx", "dist", "loader.mjs"), `import ${JSON.stringify(loader)};\n`);
  writeFileSync(
    path.join(folder, "tsx", "package.json"),
    JSON.stringify({ name: "tsx", version: "1.0.0", type: "module" }),
  );
  writeLock(folder, "checkout");
  return folder;
}

function writeLock(folder: string, name: string) {
  const root = { name, version: "1.0.0", type: "module", dependencies: { tsx: "file:tsx" } };
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(root));
  const packages = {
    "": root,
    "node_modules/tsx": { resolved: "tsx", link: true },
    tsx: { version: "1.0.0" },
  };
  const lock = { name, version: "1.0.0", lockfileVersion: 3, requires: true, packages };
  writeFileSync(path.join(folder, "package-lock.json"), JSON.stringify(lock));
}

const run = (folder: string, args: string[] = []) =>
  startProcess(path.join(folder, "commands", "run.mjs"), { args: ["hello", ...args], node: [] });
const stampOf = (folder: string) => path.join(folder, "node_modules", ".tierlift-installed");

test("a fresh clone gets its packages first, and standard output stays the command's", async () => {
  const folder = makeCheckout("console.log('hello', ...process.argv.slice(2));");
  const first = run(folder, ["a", "--b"]);
  expect(await first.ended).toBe(0);
  expect(first.output().stdout).toBe("hello a --b\n");
  expect(first.output().stderr).toMatch(/installing npm packages.*\n(.*\n)*.*done in \d+ s/);
  expect(readFileSync(stampOf(folder), "utf8")).toMatch(/^[\da-f]{64}$/);
});

test("packages that match the lock are left alone, others are installed again", async () => {
  const folder = makeCheckout("");
  expect(await run(folder).ended).toBe(0);
  const second = run(folder);
  expect(await second.ended).toBe(0);
  expect(second.output().stderr).toBe("");
  const installed = path.join(folder, "node_modules", ".package-lock.json");
  writeFileSync(installed, readFileSync(installed, "utf8").replaceAll("1.0.0", "0.9.0"));
  writeLock(folder, "renamed");
  const third = run(folder);
  expect(await third.ended).toBe(0);
  expect(third.output().stderr).toContain("installing npm packages: done");
  expect(existsSync(stampOf(folder))).toBe(true);
});

test("two commands at once on a fresh clone install once", async () => {
  const folder = makeCheckout("");
  const both = [run(folder), run(folder)];
  expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([0, 0]);
  const installs = both.filter((one) => one.output().stderr.includes("installing npm packages: done"));
  expect(installs).toHaveLength(1);
});

test("a failing npm ci ends the command with npm's reason", async () => {
  const folder = makeCheckout("console.log('ran')");
  writeFileSync(path.join(folder, "package-lock.json"), '{"lockfileVersion":3,"packages":{"":{}}}');
  const failing = run(folder);
  expect(await failing.ended).not.toBe(0);
  expect(failing.output().stderr).toContain("npm ci failed: see above.");
  expect(failing.output().stderr).toContain("package-lock.json");
  expect(failing.output().stdout).toBe("");
});

test("the command's exit code is the bootstrap's", async () => {
  expect(await run(makeCheckout("process.exit(7)")).ended).toBe(7);
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s reaches the command, whose end is waited for",
  async (signal) => {
    const command = `process.on("${signal}", () => setTimeout(() => { console.log("cleaned up"); process.exit(5); }, 100));
    setInterval(() => {}, 1000); console.log("running");`;
    const running = run(makeCheckout(command));
    await running.prints("running");
    running.child.kill(signal);
    expect(await running.ended).toBe(5);
    expect(running.output().stdout).toContain("cleaned up");
  },
);

test("a command that is killed is told as shells tell it", async () => {
  const running = run(makeCheckout("console.log('pid', process.pid); setInterval(() => {}, 1000);"));
  await running.prints("pid");
  await until(() => /pid \d+/.test(running.output().stdout));
  process.kill(Number(/pid (\d+)/.exec(running.output().stdout)![1]), "SIGKILL");
  expect(await running.ended).toBe(137);
});

test("an unknown command is refused", async () => {
  const script = path.join(ROOT, "commands", "run.mjs");
  const unknown = startProcess(script, { args: ["../setup/parts"], node: [] });
  expect(await unknown.ended).toBe(1);
  expect(unknown.output().stderr).toContain("usage: node commands/run.mjs NAME [ARGS]");
});

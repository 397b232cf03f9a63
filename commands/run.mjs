// Starts a command on a fresh clone: plain Node without dependencies, so that also an old one gets as far as saying so.
//   node commands/run.mjs NAME [ARGS]   runs commands/NAME.ts
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const modules = path.join(root, "node_modules");
const stamp = path.join(modules, ".tierlift-installed");

requireNode(20, 19);
const [name, ...args] = process.argv.slice(2);
const entry = path.join(root, "commands", `${name}.ts`);
if (!name || !/^[a-z]+$/.test(name) || !existsSync(entry)) fail("usage: node commands/run.mjs NAME [ARGS]");
await installPackages();
await runEntry();

function requireNode(major, minor) {
  const [ownMajor, ownMinor] = process.versions.node.split(".").map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  fail(
    `Node.js ${major}.${minor} or newer is needed, and this is ${process.versions.node}: get one from https://nodejs.org/.`,
  );
}

/** Runs `npm ci` when node_modules is not what package-lock.json says. Install scripts never run. */
async function installPackages() {
  const lock = readFileSync(path.join(root, "package-lock.json"), "utf8");
  const wanted = createHash("sha256").update(lock).digest("hex");
  if (isInstalled(lock, wanted)) return;
  const release = await holdInstallLock();
  try {
    if (!isInstalled(lock, wanted)) await install();
    writeFileSync(stamp, wanted);
  } finally {
    release();
  }
}

function isInstalled(lock, wanted) {
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return true;
  if (!matchesLock(lock)) return false;
  writeFileSync(stamp, wanted);
  return true;
}

/** Whether npm's own record of what it installed agrees, as after an `npm install` by hand. */
function matchesLock(lock) {
  const record = path.join(modules, ".package-lock.json");
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  return Object.entries(JSON.parse(lock).packages).every(([where, one]) => {
    if (where === "") return true;
    const there = installed[where];
    // Packages for other platforms are optional and stay away.
    return there ? there.version === one.version && there.integrity === one.integrity : one.optional === true;
  });
}

async function install() {
  const startedAt = Date.now();
  say("installing npm packages (about 15 s)");
  // npm tells its scripts where it is itself; the project's own loglevel would hide why an install failed.
  const npm = process.env.npm_execpath?.endsWith(".js")
    ? [process.execPath, process.env.npm_execpath]
    : [process.platform === "win32" ? "npm.cmd" : "npm"];
  const flags = ["ci", "--ignore-scripts", "--loglevel=error"];
  const code = await runToEnd(npm[0], [...npm.slice(1), ...flags], { cwd: root, stdio: ["ignore", 2, 2] });
  if (code !== 0) fail("npm ci failed: see above.", code);
  say(`installing npm packages: done in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

/** One `npm ci` at a time in one checkout: a second one would remove what the first is writing. */
async function holdInstallLock() {
  const id = createHash("sha256").update(root).digest("hex").slice(0, 12);
  const file = path.join(os.tmpdir(), `tierlift-npm-ci-${os.userInfo().uid}-${id}`);
  for (let told = false; ; told = true) {
    try {
      const lock = openSync(file, "wx", 0o600);
      writeSync(lock, String(process.pid));
      closeSync(lock);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!holderLives(file)) rmSync(file, { force: true });
    else if (!told) say("waiting for another npm ci in this checkout");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function holderLives(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    // Between its creation and its first line the file is empty for a moment.
    if (!pid) return Date.now() - statSync(file).mtimeMs < 5_000;
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

async function runEntry() {
  const loader = pathToFileURL(path.join(modules, "tsx", "dist", "loader.mjs")).href;
  process.exit(await runToEnd(process.execPath, ["--import", loader, entry, ...args], { stdio: "inherit" }));
}

/**
 * Runs a program and gives its exit code. A typed interrupt reaches it twice, from the terminal and from here: our
 * commands take the second for the first.
 */
function runToEnd(command, commandArgs, options) {
  const child = spawn(command, commandArgs, options);
  const forward = (signal) => child.kill(signal);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve) => {
    child.on("error", (error) => fail(`${command} could not be started: ${error.message}`));
    child.on("exit", (code, signal) => {
      for (const each of signals) process.off(each, forward);
      resolve(code ?? 128 + os.constants.signals[signal]);
    });
  });
}

function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

function fail(line, code = 1) {
  process.stderr.write(`${line}\n`);
  process.exit(code);
}

import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { CommandFailure, runCommand } from "./command.ts";
import { SetupError } from "./errors.ts";
import { findOnPath } from "./on-path.ts";

/** The `go` line of this repository's modules; `test/setup` holds them together. */
export const GO_VERSION = "1.26";
/** From this version on the `go` command fetches a newer tool chain by itself. */
const FIRST_WITH_TOOLCHAINS = "1.21";
const GET_GO = "get it from https://go.dev/dl/ (or the system's packages) and put its bin folder on PATH";

export interface Go {
  command: string;
  env: NodeJS.ProcessEnv;
}

export interface GoModule {
  /** Holds go.mod and go.sum. */
  folder: string;
  /** What `go build` builds: an import path, or `.`. */
  package: string;
  /** For `-X`: variables' values by their full name. */
  variables: Record<string, string>;
}

/** A Go module's files with its link options and the platform: the same hash, the same binary. */
export async function hashModule(module: GoModule): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(module.folder)).sort()) {
    if (/^go\.(mod|sum)$|\.go$/.test(name))
      hash.update(`${name}\0`).update(await readFile(path.join(module.folder, name)));
  }
  hash.update(JSON.stringify([module.package, module.variables, process.platform, process.arch]));
  return hash.digest("hex").slice(0, 12);
}

/** The version that a module requires of another, from its go.mod. */
export function requiredVersion(goMod: string, module: string): string {
  const line = goMod.split("\n").find((text) => text.replace("require", "").trim().startsWith(`${module} v`));
  const version = line?.match(/ v(\d+\.\d+\.\d+\S*)/)?.[1];
  if (!version) throw new Error(`go.mod does not require ${module}`);
  return version;
}

/**
 * Finds a Go tool chain that can build this repository's modules. An older one from 1.21 on is taken when it manages
 * to fetch what it needs.
 * @param what - what is to be built, for the message of the SetupError that says what is missing
 */
export async function findGo(what: string, signal?: AbortSignal): Promise<Go> {
  const command = await findOnPath("go", ["/usr/local/go/bin", "/opt/homebrew/bin"]);
  if (!command)
    throw new SetupError(`${what} has to be built here, which needs Go ${GO_VERSION} or newer: ${GET_GO}.`);
  // Without HOME the go command has no place for its own caches.
  const env = { ...process.env, HOME: process.env.HOME ?? os.homedir() };
  const present = await goVersion(command, { ...env, GOTOOLCHAIN: "local" }, 30_000, signal);
  if (isAtLeast(present, GO_VERSION)) return { command, env: { ...env, GOTOOLCHAIN: "local" } };
  const tooOld = `${what} has to be built here with Go ${GO_VERSION} or newer, and ${command} is Go ${present}`;
  if (!isAtLeast(present, FIRST_WITH_TOOLCHAINS)) throw new SetupError(`${tooOld}: ${GET_GO}.`);
  const fetching = { ...env, GOTOOLCHAIN: `go${GO_VERSION}.0+auto` };
  const fetched = await goVersion(command, fetching, 180_000, signal).catch(() => present);
  if (isAtLeast(fetched, GO_VERSION)) return { command, env: fetching };
  throw new SetupError(`${tooOld}, which could not fetch a newer tool chain: ${GET_GO}.`);
}

/** Builds one binary; a failure is a SetupError that ends with the compiler's last words. */
export async function buildGo(go: Go, module: GoModule, binary: string, signal?: AbortSignal): Promise<void> {
  const variables = Object.entries(module.variables).map(([name, value]) => `-X ${name}=${value}`);
  const args = [
    "build",
    "-trimpath",
    "-ldflags",
    ["-s", "-w", ...variables].join(" "),
    "-o",
    binary,
    module.package,
  ];
  const env = { ...go.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false", GOWORK: "off" };
  try {
    await runCommand(go.command, args, { cwd: module.folder, env, timeoutMs: 45 * 60_000, signal });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const said = error.stderr.trim().split("\n").slice(-8).join("\n");
    throw new SetupError(
      `building ${path.basename(binary)} in ${module.folder} failed: ${error.message}\n${said}\n` +
        "It needs the Go module proxy (GOPROXY), 5 GB of disk for Go's caches and 3 GB of memory.",
      { cause: error },
    );
  }
}

async function goVersion(command: string, env: NodeJS.ProcessEnv, timeoutMs: number, signal?: AbortSignal) {
  // Outside any module, so that no go.mod decides which tool chain answers.
  const { stdout } = await runCommand(command, ["env", "GOVERSION"], {
    cwd: os.tmpdir(),
    env,
    timeoutMs,
    signal,
  });
  return stdout.trim().replace(/^go/, "");
}

/** Compares dotted versions by their leading numbers; anything behind them (`rc1`) is left out. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [have, want] = [version, wanted].map((text) =>
    text.split(".").map((part) => Number.parseInt(part, 10)),
  );
  for (const [index, number] of want!.entries()) {
    const own = have![index] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}

import { mkdir, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { ensureCached } from "./cache.ts";
import { CommandFailure, runCommand } from "./command.ts";
import { findOnPath } from "./on-path.ts";
import { buildGo, findGo, hashModule, requiredVersion, type GoModule } from "./go.ts";
import { step } from "./progress.ts";
import type { SetupContext } from "./parts.ts";

/** The Pulumi engine: `root/bin/pulumi`, as `PulumiCommand.get({ root })` wants it. */
export interface Engine {
  root: string;
  version: string;
}

const MODULE_FOLDER = path.join(import.meta.dirname, "engine");
const PROBE = path.join("bin", "pulumi");

/** How long the download's host may take to say that it has the version; where it cannot be reached, a build begins. */
const REACHABLE_WITHIN_MS = 5_000;
/** About what a build takes: waiting longer for a slow download would gain nothing. */
const DOWNLOAD_WITHIN_MS = 150_000;

/** Brings the engine in the SDK's version: from PATH, from the cache, downloaded by the SDK's installer, or built. */
export async function ensureEngine(context: SetupContext): Promise<Engine> {
  const version = requiredVersion(
    await readFile(path.join(MODULE_FOLDER, "go.mod"), "utf8"),
    "github.com/pulumi/pulumi/pkg/v3",
  );
  const onPath = await findInstalled(version, context);
  if (onPath) return { root: onPath, version };
  const module: GoModule = {
    folder: MODULE_FOLDER,
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    // A source build does not know its version, and the SDK refuses an engine that does not tell it.
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${version}` },
  };
  const root = await ensureCached({
    ...context,
    name: `engine-${version}-${await hashModule(module)}`,
    probe: PROBE,
    make: async (folder) => {
      if (!(await download(version, folder, context))) await build(module, version, folder, context);
    },
  });
  return { root, version };
}

/**
 * The root of the `pulumi` on PATH when it is of this version. Asking it costs a process, so the answer is kept for
 * as long as the file stays the same.
 */
async function findInstalled(version: string, context: SetupContext): Promise<string | undefined> {
  const file = await findOnPath("pulumi");
  if (!file) return undefined;
  const { size, mtimeMs } = await stat(file);
  const record = path.join(context.cache, "engine-on-path.json");
  const identity = JSON.stringify({ file, size, mtimeMs });
  let known = (await readFile(record, "utf8").then(JSON.parse, () => ({}))) as {
    identity?: string;
    version?: string;
  };
  if (known.identity !== identity) {
    known = { identity, version: await installedVersion(file, context.signal) };
    await mkdir(context.cache, { recursive: true, mode: 0o700 });
    await writeFile(record, JSON.stringify(known));
  }
  if (known.version !== version) return undefined;
  const folder = path.dirname(file);
  return path.basename(folder) === "bin" ? path.dirname(folder) : linkedRoot(folder, version, context);
}

async function installedVersion(file: string, signal?: AbortSignal): Promise<string> {
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const asked = runCommand(file, ["version"], { env, timeoutMs: 10_000, signal });
  return asked.then(
    ({ stdout }) => stdout.trim().replace(/^v/, ""),
    () => "unknown",
  );
}

/** A root whose `bin` leads to a folder of another name. */
async function linkedRoot(folder: string, version: string, context: SetupContext): Promise<string> {
  const name = `engine-${version}-at-${Buffer.from(folder).toString("base64url").slice(-48)}`;
  const make = (root: string) => symlink(folder, path.join(root, "bin"));
  return ensureCached({ ...context, name, probe: PROBE, make });
}

/** Tries the SDK's own installer; says false, with the reason logged, when the engine cannot be had that way. */
async function download(version: string, root: string, { log, signal }: SetupContext): Promise<boolean> {
  const problem = await whyUnreachable(version, signal);
  if (problem) {
    log(`set-up: the engine ${version} cannot be downloaded (${problem}); it will be built`);
    return false;
  }
  // In a process of its own: the installer takes no deadline and runs a shell script.
  const install =
    'const { PulumiCommand } = require("@pulumi/pulumi/automation");' +
    'const { SemVer } = require(require.resolve("semver", { paths: [require.resolve("@pulumi/pulumi")] }));' +
    "PulumiCommand.install({ version: new SemVer(process.argv[1]), root: process.argv[2] })";
  const run = () =>
    runCommand(process.execPath, ["--input-type=commonjs", "-e", install, version, root], {
      cwd: import.meta.dirname,
      timeoutMs: DOWNLOAD_WITHIN_MS,
      signal,
    });
  try {
    await step(`downloading the engine ${version}`, run, { log });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof CommandFailure)) throw error;
    log(`set-up: downloading the engine failed (${error.message}); it will be built`);
    for (const left of await readdir(root)) await rm(path.join(root, left), { recursive: true, force: true });
    return false;
  }
}

async function whyUnreachable(version: string, signal?: AbortSignal): Promise<string | undefined> {
  const platform = `${process.platform === "darwin" ? "darwin" : "linux"}-${process.arch}`;
  const url = `https://get.pulumi.com/releases/sdk/pulumi-v${version}-${platform}.tar.gz`;
  const limits = [AbortSignal.timeout(REACHABLE_WITHIN_MS), ...(signal ? [signal] : [])];
  try {
    const answer = await fetch(url, { method: "HEAD", signal: AbortSignal.any(limits) });
    return answer.ok ? undefined : `${url} answers ${answer.status}`;
  } catch (error) {
    signal?.throwIfAborted();
    const { cause, message } = error as Error;
    return cause instanceof Error ? cause.message : message;
  }
}

async function build(
  module: GoModule,
  version: string,
  root: string,
  { log, signal }: SetupContext,
): Promise<void> {
  const go = await findGo(`the Pulumi engine ${version}`, signal);
  const run = () => buildGo(go, module, path.join(root, PROBE), signal);
  await step(`building the Pulumi engine ${version} (about 3 min on 2 cores)`, run, { log });
}

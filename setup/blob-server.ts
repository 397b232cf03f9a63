import { createHash } from "node:crypto";
import { copyFile, readFile } from "node:fs/promises";
import path from "node:path";
import { ensureCached } from "./cache.ts";
import { CommandFailure, runCommand } from "./command.ts";
import { SetupError } from "./errors.ts";
import { findOnPath } from "./on-path.ts";
import type { SetupContext } from "./parts.ts";
import { step } from "./progress.ts";

/** Azurite, the blob server behind the local cloud's storage accounts. */
export interface BlobServer {
  /** The program, for node. */
  main: string;
  version: string;
}

/** Holds the package and the versions of all it needs: they are the set-up's, not this project's. */
const MODULE = path.join(import.meta.dirname, "blob-server");
const MAIN = path.join("node_modules", "azurite", "dist", "src", "blob", "main.js");
const INSTALL_WITHIN_MS = 10 * 60_000;

/** Brings the blob server, from the cache or the npm registry. */
export async function ensureBlobServer(context: SetupContext): Promise<BlobServer> {
  const lock = await readFile(path.join(MODULE, "package-lock.json"), "utf8");
  const version = lockedVersion(lock);
  const folder = await ensureCached({
    ...context,
    name: `azurite-${version}-${createHash("sha256").update(lock).digest("hex").slice(0, 12)}`,
    probe: MAIN,
    make: (draft) =>
      step(
        `installing the blob server Azurite ${version} (about 20 s)`,
        () => install(draft, context),
        context,
      ),
  });
  return { main: path.join(folder, MAIN), version };
}

function lockedVersion(lock: string): string {
  const { packages } = JSON.parse(lock) as { packages: Record<string, { version: string }> };
  return packages["node_modules/azurite"]!.version;
}

/** Exactly what the lock file names, and none of the packages' own scripts. */
async function install(folder: string, { signal }: SetupContext): Promise<void> {
  const npm = await findOnPath("npm", [path.dirname(process.execPath)]);
  if (!npm) throw new SetupError("The blob server Azurite is installed with npm, which is not on PATH.");
  for (const name of ["package.json", "package-lock.json"])
    await copyFile(path.join(MODULE, name), path.join(folder, name));
  const args = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  try {
    await runCommand(npm, args, { cwd: folder, timeoutMs: INSTALL_WITHIN_MS, ...(signal && { signal }) });
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const said = error.stderr.trim().split("\n").slice(-8).join("\n");
    throw new SetupError(
      `The blob server Azurite could not be installed: ${error.message}\n${said}\n` +
        "It needs the npm registry (npm config get registry) and 200 MB of disk.",
      { cause: error },
    );
  }
}

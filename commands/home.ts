/** TIERLIFT_HOME: its folders, the secrets kept in it, and the lock of the one installation that runs on it. */
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { TierliftError } from "../automation/errors.ts";
import { lockFolder } from "../automation/store/folder-lock.ts";
import { CommandError } from "./command-line.ts";

/** Where things are in TIERLIFT_HOME; all absolute. */
export interface Home {
  root: string;
  /** Where a running installation is, for clients and operators. */
  endpointsFile: string;
  /** The service's jobs, tenants and audit trail. */
  data: string;
  /** Secrets of the installation's own: the password seed, certificates' keys. */
  secrets: string;
  jwtSecretFile: string;
  logs: string;
  pulumi: { home: string; backend: string; work: string; passphraseFile: string };
  cloud: string;
}

export function homeOf(root: string): Home {
  const pulumi = path.join(root, "pulumi");
  return {
    root,
    endpointsFile: path.join(root, "endpoints.json"),
    data: path.join(root, "data"),
    secrets: path.join(root, "secrets"),
    jwtSecretFile: path.join(root, "jwt-secret"),
    logs: path.join(root, "logs"),
    pulumi: {
      home: path.join(pulumi, "home"),
      backend: path.join(pulumi, "backend"),
      work: path.join(pulumi, "work"),
      passphraseFile: path.join(pulumi, "passphrase"),
    },
    cloud: path.join(root, "cloud"),
  };
}

/**
 * Makes the folders, all for their owner only. When this process is root, two of them can be passed (not listed) by
 * others: PostgreSQL's data lies below, and its server runs as another account.
 */
export async function ensureHome(root: string): Promise<Home> {
  const home = homeOf(root);
  const passable = process.getuid?.() === 0 ? 0o711 : 0o700;
  for (const folder of [home.root, home.cloud]) await mkdir(folder, { recursive: true, mode: passable });
  const { pulumi } = home;
  for (const folder of [home.data, home.secrets, home.logs, pulumi.home, pulumi.backend, pulumi.work])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  await preventEngineLogs(pulumi.home);
  return home;
}

/**
 * The engine writes a debug log of every one of its commands into a folder `logs` and has no switch for it: 90 MB and a
 * sixth of its CPU time in one migration. It goes without when it cannot make the folder.
 */
async function preventEngineLogs(pulumiHome: string): Promise<void> {
  await writeFile(path.join(pulumiHome, "logs"), "", { mode: 0o600, flag: "a" }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EISDIR") throw error;
    },
  );
}

/**
 * Takes the installation's lock. Throws a CommandError that names the process that has it; a dead one's lock is taken
 * over.
 */
export function lockHome(home: Home): { release(): void } {
  try {
    return lockFolder(home.root);
  } catch (error) {
    if (!(error instanceof TierliftError) || error.code !== "STORE_LOCKED") throw error;
    throw new CommandError(`${error.message} (npm stop ends it.)`);
  }
}

/** The secret that signs this installation's bearer tokens when no other is configured. */
export function ensureJwtSecret(home: Home): Promise<string> {
  return ensureSecret(home.jwtSecretFile);
}

export function ensurePassphrase(home: Home): Promise<string> {
  return ensureSecret(home.pulumi.passphraseFile);
}

/** A random text of 256 bits, made once and kept in a file of its owner's only. */
async function ensureSecret(file: string): Promise<string> {
  const present = await readFile(file, "utf8").catch(ignoreAbsent);
  if (present !== undefined) return present.trim();
  const draft = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  await writeFile(draft, randomBytes(32).toString("base64url"), { mode: 0o600, flag: "wx" });
  try {
    // A link comes whole or not at all, and never replaces what another process made meanwhile.
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await rm(draft);
  }
  return (await readFile(file, "utf8")).trim();
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

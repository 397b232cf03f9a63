import { createHash } from "node:crypto";
import { chmod, chown, lstat, mkdir, readFile, realpath, rm, rmdir, stat } from "node:fs/promises";
import path from "node:path";
import { writeWhole } from "../files.ts";

/** The OS user a server runs as. */
export interface OsUser {
  uid: number;
  gid: number;
}

/**
 * PostgreSQL refuses to run as root: then it runs as the user given, or `postgres`, or `nobody`. As any other user it
 * runs as that one, and this is undefined.
 */
export async function resolveUser(given?: OsUser): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (given) return given;
  const lines = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const found = ["postgres", "nobody"].flatMap((name) => lines.filter((fields) => fields[0] === name))[0];
  if (!found)
    throw new Error(
      "PostgreSQL does not run as root, and /etc/passwd has no user postgres or nobody to run it as.",
    );
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/** True when the user can pass through the folder and all above it, by their mode bits. */
export async function canReach(folder: string, user: OsUser): Promise<boolean> {
  for (let at = await realpath(folder); ; at = path.dirname(at)) {
    const { mode, uid, gid } = await stat(at);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

/**
 * The folder for a server's data, made when missing and owned by the user the server runs as: below its own folder, or,
 * where that user cannot get there (a private home, usually), below /var/tmp, with a note that says so.
 */
export async function ensureDataFolder(dir: string, user: OsUser | undefined): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (!user) {
    await mkdir(path.join(dir, "data"), { recursive: true, mode: 0o700 });
    return path.join(dir, "data");
  }
  const near = await canReach(path.dirname(dir), user);
  // Others may pass through, not look: what is secret in it has modes of its own.
  if (near) await chmod(dir, 0o711);
  const base = near ? dir : await ensureAside(dir);
  const data = path.join(base, "data");
  await mkdir(data, { recursive: true, mode: 0o700 });
  await chown(data, user.uid, user.gid);
  await chmod(data, 0o700);
  if (!near) {
    const note = `The data of this PostgreSQL server is in ${data}: it runs as user id ${user.uid}, who may not enter this folder.\n`;
    await writeWhole(path.join(dir, "DATA-IS-ELSEWHERE.txt"), note, 0o600);
  }
  return data;
}

/** Removes a server's folder and what was kept aside for it. */
export async function removeFolders(dir: string): Promise<void> {
  const aside = asideOf(dir);
  await rm(aside, { recursive: true, force: true });
  // The folder around it goes with the last server in it; before that it cannot.
  await rmdir(path.dirname(aside)).catch(() => undefined);
  await rm(dir, { recursive: true, force: true });
}

function asideOf(dir: string): string {
  const hash = createHash("sha256").update(path.dirname(dir)).digest("hex").slice(0, 12);
  return path.join("/var/tmp", `tierlift-${hash}`, path.basename(dir));
}

/** Everyone may write to /var/tmp: a folder there is only used when it is ours and nobody else may write to it. */
async function ensureAside(dir: string): Promise<string> {
  const aside = asideOf(dir);
  for (const folder of [path.dirname(aside), aside]) {
    await mkdir(folder, { mode: 0o711 }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    });
    const found = await lstat(folder);
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
      throw new Error(`${folder} belongs to somebody else or is open to others; remove it, and start again.`);
    }
    await chmod(folder, 0o711);
  }
  return aside;
}

import { randomBytes } from "node:crypto";
import { chmod, chown, rename, rm, writeFile } from "node:fs/promises";

/**
 * Writes a file so that a reader sees the old content or the new one, never a part. Given an owner, the file is theirs;
 * a link that stands in its place is replaced, not followed.
 */
export async function writeWhole(
  file: string,
  content: string,
  mode: number,
  owner?: { uid: number; gid: number },
): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeFile(temporary, content, { mode, flag: "wx" });
    await chmod(temporary, mode); // the umask may have taken bits away
    if (owner) await chown(temporary, owner.uid, owner.gid);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** As `writeWhole`, readable by its owner only from the first moment. */
export async function writeSecretFile(file: string, content: string): Promise<void> {
  await writeWhole(file, content, 0o600);
}

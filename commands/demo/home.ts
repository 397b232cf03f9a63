import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { holderOf } from "../../automation/store/folder-lock.ts";
import { removeFolders } from "../../local/postgres/placement.ts";
import { CommandError } from "../command-line.ts";
import { homeOf } from "../home.ts";

/** Says that everything in the folder was made by a demo and may be thrown away by the next one. */
const MARKER = "demo";

/**
 * Makes an empty TIERLIFT_HOME for a demo. Only what an earlier demo made is removed: any other installation, and a
 * demo that still runs, is refused with a CommandError.
 */
export async function prepareDemoHome(root: string): Promise<void> {
  const pid = holderOf(root);
  if (pid !== undefined)
    throw new CommandError(
      `${root} is in use by process ${pid}: npm stop ends it, or set TIERLIFT_HOME to another folder.`,
    );
  const present = await readdir(root).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code !== "ENOENT") throw error;
    return [];
  });
  if (present.length > 0 && !present.includes(MARKER))
    throw new CommandError(
      `${root} holds an installation that no demo made: a demo begins with an empty folder. ` +
        "Set TIERLIFT_HOME to another folder, or remove this one.",
    );
  await removeServers(root);
  // The marker goes last: a removal that is cut off can be made again.
  for (const name of present)
    if (name !== MARKER) await rm(path.join(root, name), { recursive: true, force: true });
  await mkdir(root, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  await writeFile(
    path.join(root, MARKER),
    "Made by npm run demo, whose next run removes all of this folder.\n",
  );
}

/** Where PostgreSQL's account may not enter the home, its data is kept elsewhere. */
export async function removeServers(root: string): Promise<void> {
  const folder = path.join(homeOf(root).cloud, "postgres");
  for (const server of await readdir(folder).catch(() => [])) await removeFolders(path.join(folder, server));
}

import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import lockfile from "proper-lockfile";
import type { Log } from "./progress.ts";

/** Where built and downloaded parts are kept for all checkouts of one user. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.TIERLIFT_CACHE) return path.resolve(env.TIERLIFT_CACHE);
  return path.join(env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "tierlift");
}

export interface CacheEntry {
  cache: string;
  /** Names the content: version and a hash of what it is made from. Never reused for anything else. */
  name: string;
  /** A file inside that is there and executable (or readable) when the entry is whole. */
  probe: string;
  /** Fills the empty folder; what it leaves there is moved in place at once, or thrown away when it rejects. */
  make: (folder: string) => Promise<void>;
  log: Log;
  signal?: AbortSignal;
}

/** A set-up whose process died stops renewing its lock; after this time another one takes it over. */
const LOCK_STALE_MS = 15_000;
const LOCK_POLL_MS = 250;

/**
 * Gives the entry's folder, made by this process or, when another set-up is at it, by that one. A whole entry costs
 * one look at the file system.
 */
export async function ensureCached(entry: CacheEntry): Promise<string> {
  const folder = path.join(entry.cache, entry.name);
  if (await isWhole(folder, entry.probe)) return folder;
  await mkdir(entry.cache, { recursive: true, mode: 0o700 });
  const release = await lockUnlessMade(folder, entry);
  if (!release) return folder;
  try {
    if (!(await isWhole(folder, entry.probe))) await makeInPlace(folder, entry);
    return folder;
  } finally {
    await release();
  }
}

async function makeInPlace(folder: string, entry: CacheEntry): Promise<void> {
  await removeLeftovers(entry);
  const draft = await mkdtemp(`${folder}.draft-`);
  try {
    await entry.make(draft);
    // A damaged entry (its probe gone) stands in the way of the rename.
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Only possible when the lock was lost meanwhile (a machine that slept): the other's entry is as good.
    if (!(await isWhole(folder, entry.probe))) throw error;
  }
}

/** Drafts of set-ups that were killed; the lock is held, so that none of them is in use. */
async function removeLeftovers(entry: CacheEntry): Promise<void> {
  for (const name of await readdir(entry.cache)) {
    if (name.startsWith(`${entry.name}.draft-`))
      await rm(path.join(entry.cache, name), { recursive: true, force: true });
  }
}

/** Gives the lock's release, or nothing when the entry became whole while another set-up held the lock. */
async function lockUnlessMade(folder: string, entry: CacheEntry): Promise<(() => Promise<void>) | undefined> {
  let told = false;
  for (;;) {
    entry.signal?.throwIfAborted();
    try {
      const unlock = await lockfile.lock(folder, {
        realpath: false,
        stale: LOCK_STALE_MS,
        update: LOCK_STALE_MS / 5,
        // Losing the lock is harmless: entries are moved in place atomically. The default would end the process.
        onCompromised: () => undefined,
      });
      // A lost lock belongs to somebody else: there is nothing of ours to release.
      return () => unlock().catch(() => undefined);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
    }
    if (await isWhole(folder, entry.probe)) return undefined;
    if (!told) entry.log(`set-up: waiting for another set-up that makes ${entry.name}`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

async function isWhole(folder: string, probe: string): Promise<boolean> {
  return access(path.join(folder, probe), constants.R_OK).then(
    () => true,
    () => false,
  );
}

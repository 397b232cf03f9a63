/** `copy` and `catch-up`: the tenant's own account gets what the shared one has of the tenant. */
import type { BlobDeleteOptions } from "@azure/storage-blob";
import { secondsSince } from "../progress.ts";
import { call, wayOver } from "./account.ts";
import type { BlobContext, Side } from "./account.ts";
import { listBlobs, pairBlobs, readBlob } from "./listing.ts";
import type { Blob, Pair } from "./listing.ts";
import { inParallel } from "../in-parallel.ts";
import type { BlobCopyReport } from "./report.ts";
import { transferBlob } from "./transfer.ts";

/** With a block of each in memory. */
const BLOBS_AT_ONCE = 8;
const PROGRESS_EVERY_MS = 2_000;

type Tally = Pick<BlobCopyReport, "found" | "copied" | "kept" | "deleted">;

/**
 * Repeatable, and after an interruption it goes on where it was: what is there in the source's present state is not read
 * again. Only what the mover itself has made is overwritten or deleted; anything else is for `verify` to name.
 */
export async function copyBlobs(
  context: BlobContext,
  verb: BlobCopyReport["verb"] = "copy",
  onBegin?: (serviceTime: Date) => void,
): Promise<BlobCopyReport> {
  const startedMs = performance.now();
  const tally: Tally = { found: none(), copied: none(), kept: 0, deleted: 0 };
  const tell = createTeller(context, verb, tally);
  const pairs = pairBlobs(listBlobs(context, context.source, onBegin), listBlobs(context, context.target()));
  await inParallel(pairs, BLOBS_AT_ONCE, async (pair) => {
    const { source } = pair;
    if (source) count(tally.found, source.bytes);
    const { copied, deleted } = await bringOver(context, pair);
    if (copied !== undefined) count(tally.copied, copied);
    if (deleted) tally.deleted += 1;
    if (source && !isDue(source, pair.target)) tally.kept += 1;
    tell();
  });
  const seconds = secondsSince(startedMs);
  const bytesPerSecond = Math.round(tally.copied.bytes / Math.max(seconds, 0.001));
  context.progress({ event: `${verb}: blobs copied`, ...tally.copied, seconds });
  return { store: "blobs", verb, ...tally, seconds, bytesPerSecond };
}

/** Makes the copy what the source is now. Answers the bytes copied, if any were, or that the copy was removed. */
export async function bringOver(
  context: BlobContext,
  { name, source, target }: Pair,
): Promise<{ copied?: number | undefined; deleted?: boolean }> {
  if (source)
    return isDue(source, target) ? { copied: await transferBlob(context, wayOver(context), source) } : {};
  if (target?.mark === undefined || (await readBlob(context, context.source, name))) return {};
  await removeBlob(context, context.target(), target);
  return { deleted: true };
}

/** A blob in the tenant's own account that the mover has not made is left alone. */
export function isDue(source: Blob, target: Blob | undefined): boolean {
  return target === undefined || (target.mark !== undefined && target.mark !== source.etag);
}

/** Only in the state that is given. What goes with it is the caller's to say: snapshots, for example. */
export async function removeBlob(
  context: Pick<BlobContext, "signal">,
  { name: side, client, prefix }: Side,
  { name, etag }: Blob,
  options: BlobDeleteOptions = {},
): Promise<void> {
  await call(context, { side, blob: name }, (abortSignal) =>
    client
      .getBlobClient(prefix + name)
      .deleteIfExists({ ...options, conditions: { ifMatch: `"${etag}"` }, abortSignal }),
  );
}

/** Told of every blob, it says now and then how far a run is. */
export function createTeller(
  { progress }: Pick<BlobContext, "progress">,
  verb: string,
  tally: Pick<Tally, "copied">,
): () => void {
  let toldMs = performance.now();
  return () => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    progress({ event: `${verb}: blobs so far`, ...tally.copied });
  };
}

const none = () => ({ blobs: 0, bytes: 0 });

export function count(sum: { blobs: number; bytes: number }, bytes: number): void {
  sum.blobs += 1;
  sum.bytes += bytes;
}

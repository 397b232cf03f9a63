/** `copy` and `catch-up`: the tenant's own account gets what the shared one has of the tenant. */
import { secondsSince } from "../progress.ts";
import { call } from "./account.ts";
import type { BlobContext } from "./account.ts";
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
  if (source) return isDue(source, target) ? { copied: await transferBlob(context, source) } : {};
  if (target?.mark === undefined || (await readBlob(context, context.source, name))) return {};
  await removeCopy(context, target);
  return { deleted: true };
}

/** A blob in the tenant's own account that the mover has not made is left alone. */
export function isDue(source: Blob, target: Blob | undefined): boolean {
  return target === undefined || (target.mark !== undefined && target.mark !== source.etag);
}

async function removeCopy(context: BlobContext, { name, etag }: Blob): Promise<void> {
  await call(context, { side: "target", blob: name }, (abortSignal) =>
    context
      .target()
      .client.getBlobClient(name)
      .deleteIfExists({ conditions: { ifMatch: `"${etag}"` }, abortSignal }),
  );
}

function createTeller({ progress }: BlobContext, verb: string, tally: Tally): () => void {
  let toldMs = performance.now();
  return () => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    progress({ event: `${verb}: blobs so far`, ...tally.copied });
  };
}

const none = () => ({ blobs: 0, bytes: 0 });

function count(sum: { blobs: number; bytes: number }, bytes: number): void {
  sum.blobs += 1;
  sum.bytes += bytes;
}

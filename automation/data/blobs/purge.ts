/** `purge`: the tenant's blobs leave the shared account. */
import { secondsSince } from "../progress.ts";
import { call } from "./account.ts";
import type { BlobContext } from "./account.ts";
import { listBlobs } from "./listing.ts";
import { inParallel } from "../in-parallel.ts";
import type { BlobPurgeReport } from "./report.ts";

const BLOBS_AT_ONCE = 16;

/** Repeatable: what is gone stays gone. Only blobs below the tenant's prefix are named in any call. */
export async function purgeBlobs(context: BlobContext): Promise<BlobPurgeReport> {
  const startedMs = performance.now();
  const { client, prefix } = context.source;
  let deleted = 0;
  await inParallel(listBlobs(context, context.source), BLOBS_AT_ONCE, async ({ name }) => {
    await call(context, { side: "source", blob: name }, (abortSignal) =>
      client.getBlobClient(prefix + name).deleteIfExists({ deleteSnapshots: "include", abortSignal }),
    );
    deleted += 1;
  });
  return { store: "blobs", verb: "purge", deleted, seconds: secondsSince(startedMs) };
}

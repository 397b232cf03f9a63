/** The blobs' part of a cutover: brought over before the freeze, and shown to be the same in it. */
import type { Alongside, Settled } from "../alongside.ts";
import type { BlobsRequest } from "../request.ts";
import { openContainers } from "./account.ts";
import type { BlobContext } from "./account.ts";
import { bringOver, copyBlobs, isDue } from "./copy.ts";
import { inParallel } from "../in-parallel.ts";
import { listBlobs, pairBlobs, readBlob } from "./listing.ts";
import type { Pair } from "./listing.ts";
import { compareListed, planDifference } from "./verify.ts";

const BLOBS_AT_ONCE = 8;

/** Signed in when it resolves, so that the freeze need not wait for it. */
export async function createBlobsAlongside(
  request: BlobsRequest,
  options: Pick<BlobContext, "signal" | "progress">,
): Promise<Alongside> {
  const context = await openContainers(request, options);
  return {
    prepare: async () => {
      await copyBlobs(context, "catch-up");
    },
    settle: (signal) => settleBlobs({ ...context, signal }),
  };
}

/**
 * Brings over what has changed and compares every blob by its MD5, without reading it again: the service keeps it and
 * gives it in the listing. What changes meanwhile is no difference: it is brought over when it is seen, or comes late.
 */
async function settleBlobs(context: BlobContext): Promise<Settled> {
  let asOf: Date | undefined;
  // From its beginning on: what is made behind the listing's back is not seen by it.
  await copyBlobs(context, "catch-up", (serviceTime) => (asOf = serviceTime));
  const differences: string[] = [];
  const pairs = pairBlobs(listBlobs(context, context.source), listBlobs(context, context.target()));
  await inParallel(pairs, BLOBS_AT_ONCE, async (pair) => {
    const found = await settleBlob(context, pair);
    if (found !== undefined) differences.push(planDifference(pair.name, found));
  });
  return { differences: differences.sort(), ...(asOf && { blobsAsOf: asOf.toISOString() }) };
}

/** What is different about a blob that is not on its way. */
async function settleBlob(context: BlobContext, pair: Pair): Promise<string | undefined> {
  if (compareListed(pair) === undefined) return undefined;
  const { name } = pair;
  // Asked for by name: the two listings may be sorted differently, or apart by a moment.
  const [source, target] = await Promise.all([
    readBlob(context, context.source, name),
    readBlob(context, context.target(), name),
  ]);
  if (source ? isDue(source, target) : target === undefined || target.mark !== undefined) {
    await bringOver(context, { name, ...(source && { source }), ...(target && { target }) });
    return undefined;
  }
  return compareListed({ source, target });
}

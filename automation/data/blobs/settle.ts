/** The blobs' part of a cutover: brought over before the freeze, and shown to be the same in it. */
import type { Alongside, Settled } from "../alongside.ts";
import type { BlobsRequest } from "../request.ts";
import { openContainers, requireAsOf } from "./account.ts";
import type { BlobContext } from "./account.ts";
import { bringOver, copyBlobs, isDue } from "./copy.ts";
import { inParallel } from "../in-parallel.ts";
import { listBlobs, pairBlobs, readPair } from "./listing.ts";
import type { Pair } from "./listing.ts";
import { bringBack, planBack, reverseBlobs } from "./reverse.ts";
import { compareListed, compareStates, planDifference } from "./verify.ts";

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

/**
 * The blobs' part of the way back, which is settled when the rows' writes are frozen on the tenant's own side. Signed in
 * when it resolves. Throws `BAD_REQUEST` without `blobs.asOf`.
 */
export async function createBlobsReturn(
  request: BlobsRequest,
  options: Pick<BlobContext, "signal" | "progress">,
): Promise<Alongside> {
  const context = await openContainers(request, options);
  const asOf = requireAsOf(context);
  return {
    prepare: async () => {
      await reverseBlobs(context);
    },
    settle: (signal) => settleBack({ ...context, signal }, asOf),
  };
}

/** The same as the cutover's, the other way: what changes meanwhile is brought back when it is seen. */
async function settleBack(context: BlobContext, asOf: Date): Promise<Settled> {
  let leftAsOf: Date | undefined;
  await reverseBlobs(context, (serviceTime) => (leftAsOf = serviceTime));
  const differences: string[] = [];
  const pairs = pairBlobs(listBlobs(context, context.source), listBlobs(context, context.target()));
  await inParallel(pairs, BLOBS_AT_ONCE, async (pair) => {
    const found = await settleBlobBack(context, pair, asOf);
    if (found !== undefined) differences.push(planDifference(pair.name, found));
  });
  return { differences: differences.sort(), ...(leftAsOf && { blobsAsOf: leftAsOf.toISOString() }) };
}

/** What is still different about a blob after it was brought back, and is not because it has changed again. */
async function settleBlobBack(context: BlobContext, pair: Pair, asOf: Date): Promise<string | undefined> {
  if (planBack(pair, asOf) === "nothing") return undefined;
  await bringBack(context, pair, asOf);
  const { source, target } = await readPair(context, pair.name);
  if (!target || target.etag !== pair.target?.etag) return undefined;
  return source ? compareStates(source, target) : "it is missing in the shared account";
}

/** What is different about a blob that is not on its way. */
async function settleBlob(context: BlobContext, pair: Pair): Promise<string | undefined> {
  if (compareListed(pair) === undefined) return undefined;
  // Asked for by name: the two listings may be sorted differently, or apart by a moment.
  const now = await readPair(context, pair.name);
  const { source, target } = now;
  if (source ? isDue(source, target) : target === undefined || target.mark !== undefined) {
    await bringOver(context, now);
    return undefined;
  }
  return compareListed(now);
}

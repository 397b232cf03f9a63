/** The blobs' part of a cutover: brought over before the freeze, and shown to be the same in it. */
import type { Alongside, Settled } from "../postgres/copy.ts";
import type { BlobsRequest } from "../request.ts";
import { openContainers } from "./account.ts";
import type { BlobContext } from "./account.ts";
import { copyBlobs } from "./copy.ts";
import { listBlobs, pairBlobs, readBlob } from "./listing.ts";
import { compareListed, planDifference } from "./verify.ts";

/** What a service wrote while it was listed is brought over by the next round. */
const ROUNDS = 3;

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
 * gives it in the listing. Answers the differences, one sentence each.
 */
async function settleBlobs(context: BlobContext): Promise<Settled> {
  for (let round = 1; ; round += 1) {
    await copyBlobs(context, "catch-up");
    const settled = await compareAll(context);
    if (settled.differences.length === 0 || round === ROUNDS) return settled;
  }
}

async function compareAll(context: BlobContext): Promise<Settled> {
  const differences: string[] = [];
  const [source, target] = [context.source, context.target()];
  let asOf: Date | undefined;
  const sources = listBlobs(context, source, (serviceTime) => (asOf = serviceTime));
  for await (const pair of pairBlobs(sources, listBlobs(context, target))) {
    if (compareListed(pair) === undefined) continue;
    // Asked for by name: the two listings may be sorted differently, or apart by a moment.
    const now = await Promise.all([
      readBlob(context, source, pair.name),
      readBlob(context, target, pair.name),
    ]);
    if (now.every((blob) => blob === undefined)) continue;
    const found = compareListed({ source: now[0], target: now[1] });
    if (found !== undefined) differences.push(planDifference(pair.name, found));
  }
  return { differences, ...(asOf && { blobsAsOf: asOf.toISOString() }) };
}

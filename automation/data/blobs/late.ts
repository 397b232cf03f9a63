/**
 * `late`: what the old services wrote after the switch is brought over before it leaves with the slice. The tenant works
 * on the new side by then, so that nothing of what it has done there is replaced or undone.
 */
import { secondsSince } from "../progress.ts";
import { isStatus, requireAsOf, wayOver } from "./account.ts";
import type { BlobContext } from "./account.ts";
import { planAside, putAside } from "./aside.ts";
import { listBlobs, pairBlobs, readBlob } from "./listing.ts";
import type { Blob, Pair } from "./listing.ts";
import { inParallel } from "../in-parallel.ts";
import type { BlobLateReport } from "./report.ts";
import { NOTHING, transferBlob } from "./transfer.ts";
import type { Destination } from "./transfer.ts";

const BLOBS_AT_ONCE = 8;
/** How often a blob may change on the new side while its late state is brought over. */
const TRIES = 5;

/**
 * Repeatable. A blob that only the shared side has changed is replaced, one that both have written is put beside the new
 * side's, and one that the new side has deleted stays deleted. Throws `BAD_REQUEST` without `blobs.asOf`.
 */
export async function bringLateBlobs(context: BlobContext): Promise<BlobLateReport> {
  const startedMs = performance.now();
  const asOf = requireAsOf(context);
  const copied = { blobs: 0, bytes: 0 };
  const aside: string[] = [];
  const pairs = pairBlobs(listBlobs(context, context.source), listBlobs(context, context.target()));
  await inParallel(pairs, BLOBS_AT_ONCE, async (pair) => {
    const brought = await bringLate(context, pair, asOf);
    if (!brought) return;
    copied.blobs += 1;
    copied.bytes += brought.bytes;
    if (brought.name !== undefined) aside.push(brought.name);
  });
  return { store: "blobs", verb: "late", copied, aside: aside.sort(), seconds: secondsSince(startedMs) };
}

async function bringLate(
  context: BlobContext,
  { source, target }: Pair,
  asOf: Date,
): Promise<{ bytes: number; name?: string } | undefined> {
  if (!source) return undefined;
  const way = wayOver(context);
  for (let attempt = 1; ; attempt += 1) {
    const to = planLate(source, target, asOf);
    if (!to) return undefined;
    if (to.name !== undefined) return await putAside(context, way, source);
    try {
      const bytes = await transferBlob(context, way, source, to);
      return bytes === undefined ? undefined : { bytes };
    } catch (error) {
      const isTaken = isStatus(error, 409, "target") || isStatus(error, 412, "target");
      if (!isTaken || attempt === TRIES) throw error;
      target = await readBlob(context, context.target(), source.name);
    }
  }
}

/** Where the shared side's blob goes; undefined where the new side has what it should. */
export function planLate(source: Blob, target: Blob | undefined, asOf: Date): Destination | undefined {
  // The mover has brought it back from the new side, which has it, has gone on with it or has deleted it since.
  if (source.mark !== undefined) return undefined;
  if (target?.mark !== undefined) return target.mark === source.etag ? undefined : { replaces: target.etag };
  if (!isLate(source, asOf)) return undefined;
  if (!target) return { replaces: NOTHING };
  return { replaces: NOTHING, name: planAside(source) };
}

/** Whether an old service has written a blob of the shared side since both sides were the same. */
export function isLate({ mark, changedAt }: Blob, asOf: Date): boolean {
  // The service tells whole seconds: what changed in the one in which they were compared counts as late.
  return mark === undefined && changedAt.getTime() >= Math.floor(asOf.getTime() / 1000) * 1000;
}

/**
 * `late`: what the old services wrote after the switch is brought over before it leaves with the slice; and `late-back`,
 * the same the other way after a return. The tenant works on the other side by then, so that nothing of what it has done
 * there is replaced or undone.
 */
import { secondsSince } from "../progress.ts";
import { isStatus, requireAsOf, wayBack, wayOver } from "./account.ts";
import type { BlobContext, Side, Way } from "./account.ts";
import { putAside } from "./aside.ts";
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
 * Repeatable. A blob that only the side that was left has changed is replaced, one that both have written is put beside
 * the other's, and one that the other side has deleted stays deleted. `blobs.asOf` is by the clock of the side that was
 * left; throws `BAD_REQUEST` without it.
 */
export async function bringLateBlobs(
  context: BlobContext,
  verb: BlobLateReport["verb"] = "late",
): Promise<BlobLateReport> {
  const startedMs = performance.now();
  const asOf = requireAsOf(context);
  const copied = { blobs: 0, bytes: 0 };
  const aside: string[] = [];
  const way = verb === "late" ? wayOver(context) : wayBack(context);
  // Here the `source` of a pair is the side that was left, whichever that is.
  const pairs = pairBlobs(listBlobs(context, way.from), listBlobs(context, way.to));
  await inParallel(pairs, BLOBS_AT_ONCE, async (pair) => {
    const brought = await bringLate(context, way, pair, asOf);
    if (!brought) return;
    copied.blobs += 1;
    copied.bytes += brought.bytes;
    if (brought.name !== undefined) aside.push(brought.name);
  });
  return { store: "blobs", verb, copied, aside: aside.sort(), seconds: secondsSince(startedMs) };
}

async function bringLate(
  context: BlobContext,
  way: Way,
  { source, target }: Pair,
  asOf: Date,
): Promise<{ bytes: number; name?: string } | undefined> {
  if (!source) return undefined;
  for (let attempt = 1; ; attempt += 1) {
    const to = planLate(source, target, asOf, way.from.name);
    if (!to) return undefined;
    if (to === "aside") return await putAside(context, way, source);
    try {
      const bytes = await transferBlob(context, way, source, to);
      return bytes === undefined ? undefined : { bytes };
    } catch (error) {
      const isTaken = isStatus(error, 409, way.to.name) || isStatus(error, 412, way.to.name);
      if (!isTaken || attempt === TRIES) throw error;
      target = await readBlob(context, way.to, source.name);
    }
  }
}

/** Where the left side's blob goes; undefined where the other side has what it should. */
export function planLate(
  source: Blob,
  target: Blob | undefined,
  asOf: Date,
  left: Side["name"] = "source",
): "aside" | Destination | undefined {
  // The mover has brought it from the other side, which has it, has gone on with it or has deleted it since.
  if (source.mark !== undefined) return undefined;
  if (target?.mark !== undefined) return target.mark === source.etag ? undefined : { replaces: target.etag };
  if (!isLate(source, asOf)) return undefined;
  if (!target) return { replaces: NOTHING };
  // On the shared side lie originals, which no mover has marked: one that nobody has touched since is only older.
  if (left === "target" && !isLate(target, asOf)) return { replaces: target.etag };
  return "aside";
}

/** Whether a blob of the side that was left was written since both sides were the same. */
export function isLate({ mark, changedAt }: Blob, asOf: Date): boolean {
  // The service tells whole seconds: what changed in the one in which they were compared counts as late.
  return mark === undefined && changedAt.getTime() >= Math.floor(asOf.getTime() / 1000) * 1000;
}

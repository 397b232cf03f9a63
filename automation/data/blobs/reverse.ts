/**
 * `reverse`: the shared account gets what the tenant has done in its own one since the switch, so that nothing is lost
 * when the tenant goes back. The tenant's own account is what counts; what an old service has written on the shared side
 * meanwhile is kept. Not to be asked for after the tenant has gone back: its services write to the shared side then.
 */
import { secondsSince } from "../progress.ts";
import { isStatus, requireAsOf, wayBack } from "./account.ts";
import type { BlobContext } from "./account.ts";
import { putAside } from "./aside.ts";
import { count, createTeller, removeBlob } from "./copy.ts";
import { isLate } from "./late.ts";
import { listBlobs, pairBlobs, readPair } from "./listing.ts";
import type { Pair } from "./listing.ts";
import { inParallel } from "../in-parallel.ts";
import type { BlobReverseReport } from "./report.ts";
import { NOTHING, transferBlob } from "./transfer.ts";
import { compareStates } from "./verify.ts";

const BLOBS_AT_ONCE = 8;
/** How often a blob may change on either side while it is brought back. */
const TRIES = 5;

type Tally = Pick<BlobReverseReport, "copied" | "deleted" | "aside">;

/**
 * Repeatable, and after an interruption it goes on where it was. `onBegin` is told the own account's time at which its
 * listing began. Throws `BAD_REQUEST` without `blobs.asOf`.
 */
export async function reverseBlobs(
  context: BlobContext,
  onBegin?: (serviceTime: Date) => void,
): Promise<BlobReverseReport> {
  const startedMs = performance.now();
  const asOf = requireAsOf(context);
  const tally: Tally = { copied: { blobs: 0, bytes: 0 }, deleted: 0, aside: [] };
  const tell = createTeller(context, "reverse", tally);
  const pairs = pairBlobs(listBlobs(context, context.source), listBlobs(context, context.target(), onBegin));
  await inParallel(pairs, BLOBS_AT_ONCE, async (pair) => {
    const { copied, isDeleted, aside } = await bringBack(context, pair, asOf);
    if (copied !== undefined) count(tally.copied, copied);
    if (isDeleted) tally.deleted += 1;
    tally.aside.push(...aside);
    tell();
  });
  tally.aside.sort();
  const seconds = secondsSince(startedMs);
  context.progress({ event: "reverse: blobs brought back", ...tally.copied, seconds });
  return { store: "blobs", verb: "reverse", ...tally, seconds };
}

/** What is due on the shared side for a blob: `aside` before it is replaced, since both sides have written it. */
export type Due = "nothing" | "delete" | "replace" | "aside";

export function planBack({ source, target }: Pick<Pair, "source" | "target">, asOf: Date): Due {
  if (!target) return source === undefined || isLate(source, asOf) ? "nothing" : "delete";
  if (!source) return "replace";
  if (compareStates(source, target) === undefined) return "nothing";
  if (!isLate(source, asOf)) return "replace";
  // What is still as the move has put it there was not written by the tenant: the late state is the only new one.
  return target.mark === undefined ? "aside" : "nothing";
}

export interface Brought {
  /** Bytes. */
  copied?: number;
  isDeleted?: boolean;
  /** Names of late states that were put beside. */
  aside: string[];
}

/** Makes the shared side's blob what the tenant's own is now. */
export async function bringBack(context: BlobContext, pair: Pair, asOf: Date): Promise<Brought> {
  const aside: string[] = [];
  let now = pair;
  for (let attempt = 1; ; attempt += 1) {
    // Asked for by name before anything is done for want of a half: the two listings may be sorted differently.
    if (planBack(now, asOf) !== "nothing" && !(now.source && now.target))
      now = await readPair(context, pair.name);
    try {
      const brought = await bringOnce(context, now, asOf, aside);
      if (brought) return { ...brought, aside };
      if (attempt === TRIES) return { aside };
    } catch (error) {
      const isTaken = isStatus(error, 409, "source") || isStatus(error, 412, "source");
      if (!isTaken || attempt === TRIES) throw error;
    }
    now = await readPair(context, pair.name);
  }
}

/** Answers undefined where the tenant has deleted the blob while it was read. */
async function bringOnce(
  context: BlobContext,
  pair: Pair,
  asOf: Date,
  aside: string[],
): Promise<Omit<Brought, "aside"> | undefined> {
  const { source, target } = pair;
  const due = planBack(pair, asOf);
  if (due === "nothing") return {};
  if (due === "delete") {
    await removeBlob(context, context.source, source!, { deleteSnapshots: "include" });
    return { isDeleted: true };
  }
  // Without a mark, since it is nobody's copy from now on: a later round would take it for one that was deleted.
  if (due === "aside") {
    const side = context.source;
    const put = await putAside(context, { from: side, to: side }, source!, { isMarked: false });
    if (put) aside.push(put.name);
  }
  const to = { replaces: source?.etag ?? NOTHING };
  const copied = await transferBlob(context, wayBack(context), target!, to);
  return copied === undefined ? undefined : { copied };
}

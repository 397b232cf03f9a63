/** `copy`: the tenant's own cache is warmed with the tenant's live keys of the shared one. */
import { ErrorReply } from "@redis/client";
import { DataError, describeFailure } from "../errors.ts";
import { secondsSince } from "../progress.ts";
import type { CacheContext, Side } from "./connection.ts";
import { EXISTS_COST, LARGEST_BYTES, planPortions, readEntries, scanKeys } from "./keys.ts";
import type { Entry } from "./keys.ts";
import { printKey } from "./report.ts";
import type { CacheCopyReport } from "./report.ts";

const PROGRESS_EVERY_MS = 2_000;
const SHOWN_FAILURES = 20;

export type Tally = Omit<CacheCopyReport, "store" | "verb" | "seconds" | "rate">;

export const noTally = (): Tally => ({
  complete: false,
  found: 0,
  copied: 0,
  expired: 0,
  removed: 0,
  failed: 0,
  failures: [],
  bytes: 0,
});

/**
 * Repeatable: every run makes the tenant's own cache the same as the shared one, which also means that keys which that
 * no longer has leave. Counts into `tally` as it goes on. Throws when a server is lost.
 */
export async function warm(context: CacheContext, tally: Tally): Promise<void> {
  const { source, pace } = context;
  const target = context.target();
  const tell = createTeller(context, tally);
  const wasEmpty = (await target.send(["DBSIZE"])) === 0;
  // While a portion is written the next one is read.
  let writing = Promise.resolve();
  try {
    for await (const keys of scanKeys(context, source)) {
      tally.found += keys.length;
      const { portions, tooLarge } = await planPortions(source, keys);
      for (const key of tooLarge) fail(tally, key, `its value takes more than ${LARGEST_BYTES / 2 ** 20} MB`);
      for (const portion of portions) {
        if (isLate(context, tally)) return;
        await pace.take(portion.length);
        const [entries, clock] = await Promise.all([readEntries(source, portion), readClock(target)]);
        await writing;
        writing = write(target, portion, entries, clock, tally);
        // Awaited in the next round or below; until then a failure is nobody's.
        writing.catch(() => undefined);
      }
      tell();
    }
  } finally {
    await writing;
  }
  if (!wasEmpty) await removeGone(context, tally);
  tally.complete = tally.problem === undefined;
}

function isLate({ untilMs }: CacheContext, tally: Tally): boolean {
  if (performance.now() < untilMs) return false;
  tally.problem = "it was stopped, since its time was over";
  return true;
}

/** What a server's clock showed, at the latest at that moment of our own. */
interface ServerClock {
  timeMs: number;
  heardMs: number;
}

async function readClock(side: Side): Promise<ServerClock> {
  const [seconds, microseconds] = (await side.send(["TIME"])) as [Buffer, Buffer];
  const timeMs = Number(seconds.toString()) * 1000 + Math.floor(Number(microseconds.toString()) / 1000);
  return { timeMs, heardMs: performance.now() };
}

/**
 * When the key ends by the clock of the tenant's own server; never later than in the shared one, however long the
 * question and the answers took: the first is counted from its beginning, the server's clock from its end.
 */
function planEnd({ leftMs, askedMs }: Entry, { timeMs, heardMs }: ServerClock): number | undefined {
  return leftMs === undefined ? undefined : Math.floor(timeMs + askedMs + leftMs - heardMs);
}

async function write(
  target: Side,
  keys: Buffer[],
  entries: (Entry | ErrorReply | undefined)[],
  clock: ServerClock,
  tally: Tally,
): Promise<void> {
  const due: { entry: Entry; end: number | undefined }[] = [];
  entries.forEach((entry, index) => {
    if (entry instanceof ErrorReply) return fail(tally, keys[index]!, describeFailure(entry));
    const end = entry && planEnd(entry, clock);
    if (entry === undefined || (end !== undefined && end <= clock.timeMs)) tally.expired += 1;
    else due.push({ entry, end });
    return undefined;
  });
  const answers = await target.pipeline(
    due.map(({ entry: { key, dump }, end }) =>
      end === undefined
        ? ["RESTORE", key, "0", dump, "REPLACE"]
        : ["RESTORE", key, String(end), dump, "REPLACE", "ABSTTL"],
    ),
  );
  due.forEach(({ entry: { key, dump } }, index) => {
    const answer = answers[index];
    if (answer instanceof ErrorReply) return fail(tally, key, describeFailure(answer));
    tally.copied += 1;
    tally.bytes += dump.length;
    return undefined;
  });
}

function fail(tally: Tally, key: Buffer, reason: string): void {
  tally.failed += 1;
  if (tally.failures.length < SHOWN_FAILURES) tally.failures.push({ key: printKey(key), reason });
}

/** Each key is asked for by name, so that one that was made since the copy stays. */
async function removeGone(context: CacheContext, tally: Tally): Promise<void> {
  const target = context.target();
  for await (const keys of scanKeys(context, target)) {
    if (isLate(context, tally)) return;
    await context.pace.take(keys.length * EXISTS_COST);
    const there = await context.source.pipeline(keys.map((key) => ["EXISTS", key]));
    const gone = keys.filter((_, index) => there[index] === 0);
    const removed = await target.pipeline(gone.map((key) => ["UNLINK", key]));
    tally.removed += removed.filter((answer) => answer === 1).length;
  }
}

function createTeller({ progress }: CacheContext, tally: Tally): () => void {
  let toldMs = performance.now();
  return () => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    progress({ event: "copy: keys so far", keys: tally.copied, bytes: tally.bytes });
  };
}

/** The report of a copy, whole or not. */
export function planCopyReport(tally: Tally, startedMs: number): CacheCopyReport {
  const seconds = secondsSince(startedMs);
  const rate = Math.round(tally.copied / Math.max(seconds, 0.001));
  return { store: "cache", verb: "copy", ...tally, seconds, rate };
}

/** Why a warming stopped, in words; what is wrong with the request, and an end from outside, are thrown on. */
export function planProblem(error: unknown, signal: AbortSignal): string {
  if (signal.aborted || (error instanceof DataError && error.code === "BAD_REQUEST")) throw error;
  return describeFailure(error);
}

/**
 * `cutover`: writes are frozen, both sides brought to the same rows, and that they are the same shown. Where changes
 * are followed, everything is compared before the freeze, so that in it only what changed since has to be.
 */
import pLimit from "p-limit";
import { DataError } from "../errors.ts";
import type { Settled } from "../alongside.ts";
import type { CopyContext } from "./copy.ts";
import { applyDelta } from "./delta.ts";
import { underFreeze } from "./freeze-budget.ts";
import { setFrozen } from "./freeze.ts";
import { openSides } from "./replication/sides.ts";
import type { Side } from "./replication/sides.ts";
import { compareSide, compareSideSince, finishSide, settleSide } from "./replication/settle.ts";
import { secondsSince } from "../progress.ts";
import { beginReverse, prepareReverse } from "./reverse/start.ts";
import type { CutoverReport } from "./report.ts";
import { verifyDatabases } from "./verify.ts";

const DATABASES_AT_ONCE = 4;
/** So few changes are compared in a moment. */
const FEW_CHANGES = 500;
const MAX_ROUNDS = 5;
const UNFOLLOWED =
  "changes are not followed, and without that nothing can be brought back in a grace period; let the shared server replicate logically, or do without the grace period";

/**
 * Writes are frozen when it resolves without differences; in every other case they are open again. Throws
 * `FREEZE_BUDGET` when the freeze took longer than `freezeBudgetMs`. Repeatable: a second run begins with open writes.
 */
export async function cutOver(context: CopyContext): Promise<CutoverReport> {
  await setFrozen(context, "unfreeze");
  const freezing = {
    freeze: (using: CopyContext) => setFrozen(using, "freeze"),
    unfreeze: (using: CopyContext) => setFrozen(using, "unfreeze"),
  };
  return await underFreeze(context, freezing, async (connections, freeze) => {
    const using = { ...context, connections };
    const sides = await openSides(context, connections);
    if (sides)
      return { store: "postgres", verb: "cutover", mode: "followed", ...(await moved(using, sides, freeze)) };
    if (context.request.reverse === true) throw new DataError("REFUSED", UNFOLLOWED);
    return await copied(context, freeze);
  });
}

/** The tenant's databases are its own from the freeze's end on, and what it writes there is brought back if asked for. */
async function moved(context: CopyContext, sides: Side[], freeze: Freeze): Promise<SettledReport> {
  const isReversed = context.request.reverse === true;
  return await settleFollowed(context, sides, freeze, {
    prepare: async (side) => {
      if (isReversed) await prepareReverse(context, side);
    },
    finish: async (side) => {
      if (isReversed) await beginReverse(side);
      await finishSide(context, side);
    },
    finishOthers: async () => {
      if (isReversed) await context.alongside?.startReverse?.();
    },
  });
}

/** What both ways do besides. */
interface Hooks {
  /** With writes open, once all was compared. */
  prepare?: (side: Side) => Promise<void>;
  /** With writes frozen, once both sides were shown to be the same. */
  finish?: (side: Side) => Promise<void>;
  finishOthers?: () => Promise<void>;
}

type SettledReport = Omit<CutoverReport, "store" | "verb" | "mode">;

/** Runs `work` with writes frozen; they stay so when it answers no differences. Answers seconds and differences. */
export type Freeze = (limit: "budget" | "no limit", work: () => Promise<Settled>) => Promise<Frozen>;

type Frozen = Settled & { frozenSeconds: number };

/**
 * Compares all, then what changed meanwhile, until so little is left that the rest can be settled with writes frozen.
 * Throws `LAG` when it does not become little enough.
 */
export async function settleFollowed(
  context: CopyContext,
  sides: Side[],
  freeze: Freeze,
  { prepare, finish, finishOthers }: Hooks = {},
): Promise<SettledReport> {
  const startedMs = performance.now();
  const limit = pLimit(DATABASES_AT_ONCE);
  const onEach = async (work: (side: Side) => Promise<string[]>): Promise<string[]> =>
    (await Promise.all(sides.map((side) => limit(() => work(side))))).flat();
  const changes = (): number => sides.reduce((sum, { changed }) => sum + changed.count(), 0);
  const report = (result: Frozen, compared: number): SettledReport => ({
    ok: result.differences.length === 0,
    ...result,
    comparedInFreeze: compared,
    notes: [],
    seconds: secondsSince(startedMs),
  });

  let differences = await onEach((side) => compareSide(context, side));
  if (differences.length === 0) {
    await context.alongside?.prepare();
    if (prepare) await Promise.all(sides.map((side) => limit(() => prepare(side))));
  }
  // What changed while all was compared and the rest prepared, then what changed while that was, until little is left.
  let before = Number.POSITIVE_INFINITY;
  for (let round = 1; differences.length === 0; round += 1) {
    const roundMs = performance.now();
    differences = await onEach((side) => compareSideSince(context, side));
    const seconds = secondsSince(roundMs);
    context.progress({ event: "compared before the freeze", rows: changes(), seconds });
    if (changes() <= FEW_CHANGES) break;
    if (round === MAX_ROUNDS || seconds >= before) {
      requireWithinBudget(context, changes(), seconds);
      break;
    }
    before = seconds;
  }
  if (differences.length > 0) return report({ frozenSeconds: 0, differences }, 0);
  const result = await freeze("budget", async () => {
    const [found, others] = await Promise.all([
      Promise.all(sides.map((side) => settleSide(side))),
      settleAlongside(context),
    ]);
    const settled = { ...others, differences: [...found.flat(), ...others.differences] };
    if (settled.differences.length > 0) return settled;
    await Promise.all([...(finish ? sides.map((side) => finish(side)) : []), finishOthers?.()]);
    return settled;
  });
  return report(result, changes());
}

/** The freeze would take about as long as the last round: that long it brought over and compared as much. */
function requireWithinBudget(
  { request: { freezeBudgetMs } }: CopyContext,
  rows: number,
  seconds: number,
): void {
  if (freezeBudgetMs === undefined || seconds * 1000 <= freezeBudgetMs) return;
  throw new DataError(
    "LAG",
    `the tenant writes faster than it can be followed: ${rows} changed rows, brought over and compared in ${seconds} s, where writes may be frozen for ${freezeBudgetMs / 1000} s. They were not frozen. Complete again when less is written, or allow a longer freeze`,
  );
}

/** The server keeps no changes: tables that differ are copied and everything is compared with writes frozen. */
async function copied(context: CopyContext, freeze: Freeze): Promise<CutoverReport> {
  const startedMs = performance.now();
  const before = await verifyDatabases(context);
  // Once by the delta, once to show that both sides are the same.
  const forecastSeconds = Math.ceil(2 * before.seconds);
  const note = `changes are not followed, so that writes stay frozen while all rows are compared: about ${forecastSeconds} s`;
  context.progress({ event: note, rows: before.rows, seconds: forecastSeconds });
  await context.alongside?.prepare();
  const result = await freeze("no limit", async () => {
    await applyDelta(context);
    const [{ differences }, others] = await Promise.all([verifyDatabases(context), settleAlongside(context)]);
    return { ...others, differences: [...differences, ...others.differences] };
  });
  return {
    store: "postgres",
    verb: "cutover",
    mode: "copied",
    ok: result.differences.length === 0,
    ...result,
    comparedInFreeze: before.rows,
    forecastSeconds,
    notes: [note],
    seconds: secondsSince(startedMs),
  };
}

async function settleAlongside({ alongside, connections }: CopyContext): Promise<Settled> {
  return (await alongside?.settle(connections.signal)) ?? { differences: [] };
}

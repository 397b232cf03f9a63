/** The freeze of a cutover or a return: never left in place by a failure, and never longer than allowed. */
import { DataError } from "../errors.ts";
import { createConnections } from "./connection.ts";
import type { Connections } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import type { Freeze } from "./cutover.ts";
import { secondsSince } from "../progress.ts";

/** How writes are stopped on the side that is left, and let in again. */
export interface Freezing {
  freeze(context: CopyContext): Promise<unknown>;
  unfreeze(context: CopyContext): Promise<unknown>;
}

/**
 * Gives `work` connections of its own and a way to freeze. When the freeze has lasted too long, those connections are
 * ended, whatever they were doing, and writes are open again before this rejects.
 */
export async function underFreeze<T>(
  context: CopyContext,
  freezing: Freezing,
  work: (connections: Connections, freeze: Freeze) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const connections = createConnections(AbortSignal.any([context.connections.signal, over.signal]));
  const freeze: Freeze = async (limit, frozenWork) => {
    const budgetMs = limit === "budget" ? context.request.freezeBudgetMs : undefined;
    const startedMs = performance.now();
    const overrun = new DataError(
      "FREEZE_BUDGET",
      `writes were frozen for longer than the ${(budgetMs ?? 0) / 1000} s allowed, so they are open again`,
    );
    const timer = budgetMs === undefined ? undefined : setTimeout(() => over.abort(overrun), budgetMs);
    let isKept = false;
    try {
      await freezing.freeze({ ...context, connections });
      const settled = await frozenWork();
      over.signal.throwIfAborted();
      isKept = settled.differences.length === 0;
      return { ...settled, frozenSeconds: secondsSince(startedMs) };
    } catch (error) {
      throw over.signal.aborted ? overrun : error;
    } finally {
      clearTimeout(timer);
      if (!isKept && !context.connections.signal.aborted) await freezing.unfreeze(context);
    }
  };
  try {
    return await work(connections, freeze);
  } finally {
    await connections.close();
  }
}

/** Work with an end: aborted when its time is over, and told apart from work that others ended. */
import { asTierliftError, tierliftError } from "./errors.ts";

export interface DeadlineOptions {
  /** What runs, for the words of a refusal. */
  what: string;
  timeoutMs: number;
  /** Ends the work for other reasons. */
  signal: AbortSignal;
}

/**
 * Runs `work` with a signal that follows `signal` and the deadline. Throws PHASE_TIMEOUT when the time was over,
 * ABORTED when the signal ended it, otherwise what the work threw, translated.
 */
export async function withDeadline<T>(
  { what, timeoutMs, signal }: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(Math.min(timeoutMs, LONGEST_TIMER_MS));
  const ended = AbortSignal.any([signal, timeout]);
  const given = new AbortController();
  try {
    return await Promise.race([work(ended), afterGrace(ended, given.signal)]);
  } catch (error) {
    if (signal.aborted) throw tierliftError("ABORTED", { what }, { cause: error });
    if (timeout.aborted) throw tierliftError("PHASE_TIMEOUT", { phase: what, timeoutMs }, { cause: error });
    throw asTierliftError(error);
  } finally {
    given.abort();
  }
}

/** Work that does not heed its signal is not waited for longer than this; an engine is killed well before. */
const GRACE_MS = 60_000;

function afterGrace(ended: AbortSignal, settled: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const start = (): void => {
      const timer = setTimeout(() => reject(new Error("it did not stop when it was told to")), GRACE_MS);
      settled.addEventListener("abort", () => clearTimeout(timer), { once: true });
    };
    if (ended.aborted) start();
    else ended.addEventListener("abort", start, { once: true, signal: settled });
  });
}

/** Timers hold 31 bits of milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

import type { Clock } from "../../automation/ports.ts";

export interface FakeClock extends Clock {
  /** Lets time pass; ends the sleeps that it passes. */
  advance(ms: number): void;
}

/** Sleeps up to this long are over at once, as if the time had passed; longer ones wait for `advance`. */
export const SHORT_MS = 10 * 60_000;

/** A clock that waits for nobody. */
export function createFakeClock(start = Date.parse("2026-01-01T00:00:00.000Z")): FakeClock {
  let now = start;
  const sleepers = new Set<{ until: number; wake: () => void }>();
  return {
    now: () => new Date(now),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const fail = (): void =>
          reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
        if (signal.aborted) return fail();
        if (ms <= SHORT_MS) {
          now += ms;
          setImmediate(() => (signal.aborted ? fail() : resolve()));
          return;
        }
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          fail();
        });
      }),
    advance(ms) {
      now += ms;
      for (const sleeper of sleepers) {
        if (sleeper.until > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}

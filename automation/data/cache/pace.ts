import { setTimeout as delay } from "node:timers/promises";

/** Lets through so many units in a second, without bursts: what is not used now is not saved up. */
export interface Pace {
  /** Resolves when these units may be used. Rejects when the signal aborts. */
  take(units: number): Promise<void>;
}

export function createPace(perSecond: number, signal: AbortSignal): Pace {
  let freeAtMs = 0;
  return {
    async take(units) {
      const nowMs = performance.now();
      const startMs = Math.max(nowMs, freeAtMs);
      freeAtMs = startMs + (units / perSecond) * 1000;
      // Shorter waits than timers can do are made up for by the next one.
      if (startMs - nowMs >= 1) await delay(startMs - nowMs, undefined, { signal });
    },
  };
}

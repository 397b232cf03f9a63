/** Answers that are kept for a while, so that a request which is sent again is answered again and not done again. */
import { tierliftError } from "./errors.ts";
import type { StoredAnswer } from "./model.ts";
import type { Clock } from "./ports.ts";
import type { Collection } from "./store/store.ts";

export type Answer = Pick<StoredAnswer, "status" | "headers" | "body">;

export interface Answers {
  /**
   * The answer kept under the key, or undefined when the request is to be done: the key is then taken until
   * `finish`. Throws IDEMPOTENCY_KEY_REUSED for another request, IDEMPOTENCY_KEY_BUSY while the first is under way.
   */
  begin(key: string, fingerprint: string): Answer | undefined;
  /** Frees the key; with an answer, keeps it. */
  finish(key: string, answer?: Answer): Promise<void>;
}

const KEPT_MS = 24 * 60 * 60_000;
const SWEEP_EVERY_MS = 60 * 60_000;

/**
 * A crash between a command and the keeping of its answer loses the answer, not the command: the request sent again
 * then finds the state it led to and is refused by it, as every command is one transition that happens once.
 */
export function createAnswers(stored: Collection<StoredAnswer>, clock: Pick<Clock, "now">): Answers {
  /** Fingerprints of the requests under way. */
  const underWay = new Map<string, string>();
  let sweptAt = -Infinity;

  async function sweep(now: number): Promise<void> {
    if (now - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = now;
    for (const { id } of stored.list(({ expiresAt }) => Date.parse(expiresAt) <= now)) {
      await stored.remove(id);
    }
  }

  return {
    begin(key, fingerprint) {
      const kept = stored.get(key);
      const present = kept !== undefined && Date.parse(kept.expiresAt) > clock.now().getTime();
      const first = underWay.get(key) ?? (present ? kept.fingerprint : fingerprint);
      if (first !== fingerprint) throw tierliftError("IDEMPOTENCY_KEY_REUSED", {});
      if (underWay.has(key)) throw tierliftError("IDEMPOTENCY_KEY_BUSY", {});
      if (present) return { status: kept.status, headers: kept.headers, body: kept.body };
      underWay.set(key, fingerprint);
      return undefined;
    },

    async finish(key, answer) {
      const fingerprint = underWay.get(key);
      if (fingerprint === undefined) throw new Error("the key was not begun");
      try {
        if (answer === undefined) return;
        const now = clock.now().getTime();
        await sweep(now);
        // An answer that has expired since the last sweep.
        await stored.remove(key);
        await stored.create({
          id: key,
          fingerprint,
          expiresAt: new Date(now + KEPT_MS).toISOString(),
          ...answer,
        });
      } finally {
        underWay.delete(key);
      }
    },
  };
}

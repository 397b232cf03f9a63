/** Tokens that were checked lately, so that a client which asks often is not checked each time anew. */
import { hash } from "node:crypto";
import type { Actor } from "../automation/model.ts";

/** A key that is taken back stops counting after this time, however long its tokens are good. */
const KNOWN_FOR_MS = 60_000;
const MOST = 10_000;

export interface KnownTokens {
  find(token: string): Actor | undefined;
  /** `expiresAtMs`: the token's own end. */
  keep(token: string, actor: Actor, expiresAtMs: number): void;
}

/** Held by digest: the tokens themselves, which open the service, are not collected in memory. */
export function createKnownTokens(nowMs: () => number): KnownTokens {
  const known = new Map<string, { actor: Actor; untilMs: number }>();
  const digestOf = (token: string) => hash("sha256", token, "base64");
  return {
    find(token) {
      const found = known.get(digestOf(token));
      return found !== undefined && nowMs() < found.untilMs ? found.actor : undefined;
    },
    keep(token, actor, expiresAtMs) {
      const digest = digestOf(token);
      // Anew, so that the first of the map is the one that was checked longest ago.
      known.delete(digest);
      known.set(digest, { actor, untilMs: Math.min(expiresAtMs, nowMs() + KNOWN_FOR_MS) });
      const [oldest] = known.keys();
      if (known.size > MOST && oldest !== undefined) known.delete(oldest);
    },
  };
}

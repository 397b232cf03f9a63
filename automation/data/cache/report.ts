/** What the cache's verbs report on standard output. Names of keys are in it, their values are not. */

export interface CacheCopyReport {
  store: "cache";
  verb: "copy";
  /** All that the shared cache has was looked at. */
  complete: boolean;
  /** Why it is not complete. */
  problem?: string;
  /** In the shared cache; a key that was found twice while the server grew its table counts twice. */
  found: number;
  copied: number;
  /** Ended while they were on their way: not made. */
  expired: number;
  /** Taken out of the tenant's own cache, since the shared one no longer has them. */
  removed: number;
  failed: number;
  /** The first of them. */
  failures: { key: string; reason: string }[];
  /** As the servers write values for each other. */
  bytes: number;
  seconds: number;
  /** Keys copied in a second. */
  rate: number;
}

export interface CacheVerifyReport {
  store: "cache";
  verb: "verify";
  /** Everything was compared and is the same. */
  ok: boolean;
  complete: boolean;
  problem?: string;
  /** Compared and the same, with the same remaining time to live. */
  verified: number;
  /** Ended while they were looked at. */
  expired: number;
  differing: number;
  /** The first of them, one sentence each. */
  differences: string[];
  seconds: number;
}

export interface CachePurgeReport {
  store: "cache";
  verb: "purge";
  deleted: number;
  seconds: number;
}

export interface CacheInspectReport {
  store: "cache";
  verb: "inspect";
  keys: number;
  /** How many of them end by themselves. */
  expiring: number;
  /** SHA-256 over names and values of those that do not, whatever their order. */
  digest: string;
  seconds: number;
}

export type CacheReport = CacheCopyReport | CacheVerifyReport | CachePurgeReport | CacheInspectReport;

/** A key as text: what is not printable in ASCII is written `\xNN`. */
export function printKey(key: Buffer): string {
  const escape = (one: string) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return key.toString("latin1").replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, escape);
}

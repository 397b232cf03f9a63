/** What the cache's verbs are asked: the member `cache` of the document on standard input. */
import { z } from "zod";
import { DataError } from "../errors.ts";
import type { CacheRequest } from "../request.ts";

export const CACHE_VERBS = ["copy", "verify", "purge", "inspect"] as const;
export type CacheVerb = (typeof CACHE_VERBS)[number];

/**
 * Keys read from, or taken out of, the shared server in a second: it uses a tenth of one core then, and other tenants'
 * requests take as long as before in the median and 1 ms more in the 99th percentile (`npm run bench:data`, values of
 * 256 bytes). Without a limit a copy reads three times as many.
 */
const DEFAULT_KEYS_PER_SECOND = 10_000;
/** Then a copy is told as it is: what it is a part of must not wait for it without end. */
const DEFAULT_MAX_SECONDS = 1800;

/** TLS always, with a certificate that Node's roots or NODE_EXTRA_CA_CERTS vouch for. */
const serverSchema = z.object({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
  /** An access key. */
  password: z.string().min(1),
});
export type CacheServer = z.infer<typeof serverSchema>;

export const cacheSchema = z.object({
  /** The shared cache, which holds the tenant's keys below `tenant:<slug>:`. */
  source: serverSchema,
  /** The tenant's own, which holds them under the same names. */
  target: serverSchema.optional(),
  keysPerSecond: z.int().min(1).default(DEFAULT_KEYS_PER_SECOND),
  /** Longest time for a copy or a comparison. */
  maxSeconds: z.int().min(1).default(DEFAULT_MAX_SECONDS),
});

/** Throws `BAD_REQUEST`. */
export function parseCacheVerb(value: string | undefined): CacheVerb {
  const verb = CACHE_VERBS.find((known) => known === value);
  if (verb) return verb;
  throw new DataError("BAD_REQUEST", `expected one of ${CACHE_VERBS.join(", ")}, got "${value ?? ""}"`);
}

/** What the tenant's keys begin with on both sides. The second colon keeps `acme` out of `acme-corp`. */
export function planKeyPrefix({ tenant }: Pick<CacheRequest, "tenant">): string {
  return `tenant:${tenant.slug}:`;
}

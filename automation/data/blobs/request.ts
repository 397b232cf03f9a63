/** What the blobs' verbs are asked: the member `blobs` of the document on standard input. */
import { z } from "zod";
import { DataError } from "../errors.ts";
import { loginSchema } from "../login.ts";
import type { BlobsRequest } from "../request.ts";

export const BLOB_VERBS = [
  "copy",
  "catch-up",
  "verify",
  "late",
  "late-back",
  "reverse",
  "purge",
  "inspect",
] as const;
export type BlobVerb = (typeof BLOB_VERBS)[number];

const containerSchema = z.object({
  /** Of the account's blob service. */
  endpoint: z.url(),
  container: z.string().min(1),
  login: loginSchema.optional(),
});
export type BlobContainer = z.infer<typeof containerSchema>;

export const blobsSchema = z.object({
  /** `host:port` that says where tokens are issued, when it is not public Azure. */
  metadataHost: z.string().min(1).optional(),
  /** The shared container, which holds the tenant's blobs below its slug. */
  source: containerSchema,
  /** The tenant's own, which holds them without that prefix. */
  target: containerSchema.optional(),
  /** The storage service's time at which both were last shown to be the same; what changed later is late. */
  asOf: z.iso.datetime().optional(),
});

/** Throws `BAD_REQUEST`. */
export function parseBlobVerb(value: string | undefined): BlobVerb {
  const verb = BLOB_VERBS.find((known) => known === value);
  if (verb) return verb;
  throw new DataError("BAD_REQUEST", `expected one of ${BLOB_VERBS.join(", ")}, got "${value ?? ""}"`);
}

/** Where the tenant's blobs are in the shared container. The slash keeps `acme` out of `acme-corp`. */
export function planPrefix({ tenant }: Pick<BlobsRequest, "tenant">): string {
  return `${tenant.slug}/`;
}

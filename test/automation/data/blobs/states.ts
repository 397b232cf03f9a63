/** States of a blob around the moment at which both sides were the same, for what is planned by them. */
import type { Blob } from "../../../../automation/data/blobs/listing.ts";

export const AS_OF = new Date("2026-03-01T10:00:00.700Z");
export const before = new Date("2026-03-01T09:59:59Z");
/** In the same second, which counts as later. */
export const after = new Date("2026-03-01T10:00:00Z");

export const blob = (more: Partial<Blob>): Blob => ({
  name: "a.csv",
  etag: "0x2",
  changedAt: before,
  bytes: 3,
  md5: "AAAA",
  headers: {},
  metadata: {},
  kind: "BlockBlob",
  ...more,
});

/** What the blobs' verbs report on standard output. Names of blobs are in it, their contents are not. */

export interface BlobCopyReport {
  store: "blobs";
  verb: "copy" | "catch-up";
  /** In the shared account. */
  found: { blobs: number; bytes: number };
  copied: { blobs: number; bytes: number };
  /** There already, from a run before. */
  kept: number;
  /** Copies of blobs that are gone from the shared account. */
  deleted: number;
  seconds: number;
  /** Of what was copied. */
  bytesPerSecond: number;
}

export interface BlobVerifyReport {
  store: "blobs";
  verb: "verify";
  ok: boolean;
  /** Read and compared, in the tenant's own account. */
  verified: { blobs: number; bytes: number };
  /** Changed, made or deleted in the shared account since they were copied: brought over by the next `catch-up`. */
  pending: number;
  differences: string[];
  seconds: number;
}

export interface BlobLateReport {
  store: "blobs";
  verb: "late" | "late-back";
  /** Written on the side that was left after both were shown to be the same, and brought to the other. */
  copied: { blobs: number; bytes: number };
  /** Written on both sides since: the other side's stay, the left side's are there under these names. */
  aside: string[];
  seconds: number;
}

export interface BlobReverseReport {
  store: "blobs";
  verb: "reverse";
  /** From the tenant's own account to the shared one. */
  copied: { blobs: number; bytes: number };
  /** On the shared side, since the tenant has deleted them in its own account. */
  deleted: number;
  /** Written on both sides since the switch: the tenant's own stay, the shared side's are there under these names. */
  aside: string[];
  seconds: number;
}

export interface BlobPurgeReport {
  store: "blobs";
  verb: "purge";
  deleted: number;
  seconds: number;
}

export interface BlobInspectReport {
  store: "blobs";
  verb: "inspect";
  blobs: number;
  bytes: number;
  /** SHA-256 over the names and MD5s in order. */
  digest: string;
  seconds: number;
}

export type BlobReport =
  | BlobCopyReport
  | BlobVerifyReport
  | BlobLateReport
  | BlobReverseReport
  | BlobPurgeReport
  | BlobInspectReport;

/** What the data command reports on standard output. It never holds a secret or a tenant's values. */

/** `tenant`: the tenant's rows only. `reference`: a table without `tenant_id`, copied whole. */
export type Scope = "tenant" | "reference";

export interface TableReport {
  /** `schema.table` */
  table: string;
  scope: Scope;
  rows: number;
  /** The same on both sides: an order-free sum over the rows' hashes. Absent where it is compared later. */
  checksum?: string;
  bytes: number;
  seconds: number;
}

export interface CopyReport {
  store: "postgres";
  verb: "copy";
  /** `following`: changes on the source are kept for the target from the copy on. */
  databases: { name: string; tables: TableReport[]; following: boolean; notes: string[] }[];
  rows: number;
  bytes: number;
  seconds: number;
}

export interface DeltaReport {
  store: "postgres";
  verb: "delta";
  databases: { name: string; tables: (TableReport & { action: "same" | "copied" })[] }[];
  /** Rows and bytes that were copied again. */
  rows: number;
  bytes: number;
  seconds: number;
}

/** Rows and checksum of one side. */
export interface Fingerprint {
  rows: number;
  checksum: string;
}

export interface Mismatch {
  database: string;
  table: string;
  /** `null` where the table is missing on that side. */
  source: Fingerprint | null;
  target: Fingerprint | null;
}

export interface VerifyReport {
  store: "postgres";
  verb: "verify";
  /** No differences. */
  ok: boolean;
  databases: {
    name: string;
    tables: { table: string; scope: Scope; rows: number; checksum: string; ok: boolean }[];
  }[];
  mismatches: Mismatch[];
  /** The mismatches as sentences. */
  differences: string[];
  /**
   * Tables that were written to on the source since the copy, while the target still is what was copied. Not
   * differences until the last delta: it brings them over.
   */
  drifted: Mismatch[];
  rows: number;
  seconds: number;
}

export interface FreezeReport {
  store: "postgres";
  verb: "freeze" | "unfreeze";
  role: string;
  /** False when the server has no such role: then nobody could write by it, and there was nothing to do. */
  roleExists: boolean;
  writable: boolean;
  /** Sessions of the role that were ended because they could still have committed a write. */
  endedSessions: number;
  seconds: number;
}

export interface ProvisionReport {
  store: "postgres";
  verb: "provision";
  role: string;
  created: boolean;
  databases: { name: string; schemas: string[] }[];
  seconds: number;
}

export interface PurgeReport {
  store: "postgres";
  verb: "purge";
  databases: {
    name: string;
    tables: { table: string; deleted: number; others: { before: number; after: number } }[];
  }[];
  rows: number;
  role: { name: string; dropped: boolean };
  seconds: number;
}

export interface CutoverReport {
  store: "postgres";
  verb: "cutover";
  /** `copied`: the server keeps no changes for us, and tables that had changed were copied in the freeze. */
  mode: "followed" | "copied";
  ok: boolean;
  /** Store, database, table and key of each row that differs, with digests of both sides. */
  differences: string[];
  /** The storage service's time at which the blobs' last listing in the freeze began. */
  blobsAsOf?: string;
  /** From the freeze until both sides were shown to be the same. */
  frozenSeconds: number;
  /** Rows that were compared with writes frozen. */
  comparedInFreeze: number;
  /** How long the freeze was expected to last, where it follows from the amount of data. */
  forecastSeconds?: number;
  notes: string[];
  seconds: number;
}

/** The cutover the other way. */
export interface ReturnReport extends Omit<CutoverReport, "verb" | "mode"> {
  verb: "return";
}

export interface ReopenReport {
  store: "postgres";
  verb: "reopen";
  /** Sessions that could only read. */
  endedSessions: number;
  seconds: number;
}

export interface EndReverseReport {
  store: "postgres";
  verb: "end-reverse";
  notes: string[];
  seconds: number;
}

export interface CatchUpReport {
  store: "postgres";
  verb: "catch-up" | "reverse";
  /** `lagBytes` of the whole server's log, null for a database whose changes are copied in the freeze instead. */
  databases: { name: string; changes: number; transactions: number; lagBytes: number | null }[];
  changes: number;
  seconds: number;
}

export interface DetachReport {
  store: "postgres";
  verb: "detach";
  databases: { name: string; publication: boolean; slots: number }[];
  notes: string[];
  seconds: number;
}

/** What the shared server holds of a tenant. */
export interface InspectReport {
  store: "postgres";
  verb: "inspect";
  databases: { name: string; tables: ({ table: string } & Fingerprint)[]; publications: string[] }[];
  role: { name: string; exists: boolean; reads: boolean; writes: boolean };
  slots: string[];
  seconds: number;
}

export type DataReport =
  | CopyReport
  | DeltaReport
  | VerifyReport
  | FreezeReport
  | ProvisionReport
  | PurgeReport
  | InspectReport
  | CatchUpReport
  | CutoverReport
  | ReturnReport
  | ReopenReport
  | EndReverseReport
  | DetachReport;

/** What migrations need from outside, as functions: the composition root fills them, tests replace them. */
import type { ClusterAddress, CredentialsReference, Tenant, TierMigrationJob } from "./model.ts";
import type { DedicatedTier, TenantSpec } from "../stacks/spec.ts";

/** A PostgreSQL server as the data command takes it; the password is in clear and must stay in memory. */
export interface PostgresConnection {
  host: string;
  port: number;
  user: string;
  password: string;
}

export interface BlobContainer {
  /** Of the account's blob service. */
  endpoint: string;
  container: string;
}

/** The containers of a move, and whose credentials reach the tenant's own; the secret itself is fetched for each run. */
export interface BlobsInput {
  source: BlobContainer;
  target?: BlobContainer & { credentials: CredentialsReference };
  /** The storage service's time at which both were shown to be the same, for what came late. */
  asOf?: string;
}

/** A Redis server as the data command takes it; the password is in clear and must stay in memory. */
export interface CacheConnection {
  host: string;
  port: number;
  password: string;
}

/** What the data command is told of caches. */
export interface CacheDataInput {
  tenant: { id: string; slug: string };
  cache: {
    source: CacheConnection;
    target?: CacheConnection;
    /** Longest time for a copy or a comparison. */
    maxSeconds?: number;
  };
}

/** Kafka's side of an Event Hubs namespace. */
export interface KafkaNamespace {
  bootstrapServers: string;
  namespace: string;
}

/** The namespaces of a move, as the containers. */
export interface KafkaInput {
  source: KafkaNamespace;
  target?: KafkaNamespace & { credentials: CredentialsReference };
  /** Partitions of the topics that both have. */
  topics: Record<string, number>;
  retentionHours: number;
}

/** The data command's standard input. */
export interface DataInput {
  tenant: { id: string; slug: string };
  source: PostgresConnection;
  target?: PostgresConnection;
  databases: string[];
  /** Longest time that the cutover may keep writes frozen. */
  freezeBudgetMs?: number;
  /** Whether the cutover also begins to bring back what the tenant writes from then on. */
  reverse?: boolean;
  /** Settled by the cutover in the same freeze. */
  blobs?: BlobsInput;
  kafka?: KafkaInput;
}

/** The same for the blobs' verbs. */
export type BlobsDataInput = Required<Pick<DataInput, "tenant" | "blobs">>;

/** The same for Kafka's verbs. */
export type KafkaDataInput = Required<Pick<DataInput, "tenant" | "kafka">>;

export type DataVerb =
  | "catch-up"
  | "verify"
  | "cutover"
  | "unfreeze"
  | "detach"
  | "reverse"
  | "return"
  | "reopen"
  | "end-reverse"
  | "inspect";
export type BlobsVerb = "catch-up" | "verify" | "late" | "late-back" | "reverse" | "inspect";
export type CacheVerb = "copy" | "verify" | "inspect";
export type KafkaVerb = "catch-up" | "verify" | "finish" | "reverse" | "reverse-finish" | "inspect";

/** What of the data command's report a migration goes by; the whole report is kept. */
export interface DataReport {
  /** Where source and target differ, one sentence each; empty or absent when they do not. */
  differences?: string[];
  [more: string]: unknown;
}

/** The cutover's report, of which the tenant is shown this: how long it could not write, and what was found. */
export interface CutoverReport {
  /** `copied` where the shared server keeps no changes: then the freeze grew with the data. */
  mode: "followed" | "copied";
  /** From the freeze until both sides were shown to be the same; 0 where nothing was frozen. */
  frozenSeconds: number;
  /** Rows that were compared with writes frozen. */
  comparedInFreeze: number;
  differences: string[];
  /** The storage service's time at which the blobs' last listing in the freeze began. */
  blobsAsOf?: string | undefined;
  /** What the old services wrote after that, brought over before it left the shared stores; absent until then. */
  late?: LateBlobs | undefined;
  /** Of the tenant's own cache, right before the freeze; absent where the cloud has no cache. */
  cache?: CacheWarming;
  /** Of the switch back in a grace period; absent where there was none. */
  back?: ReturnReport | undefined;
  /** Records that the old services made after the freeze, brought over as well; absent until then. */
  lateRecords?: number | undefined;
}

/** How the tenant went back: the cutover the other way. */
export interface ReturnReport {
  frozenSeconds: number;
  /** As the cutover's, of the tenant's own account. */
  blobsAsOf?: string | undefined;
}

export interface LateBlobs {
  copied: { blobs: number; bytes: number };
  /** Names of those that the new side has written as well: its own stay, and these are beside them. */
  aside: string[];
}

/** What came of warming a cache, which fails nothing. */
export interface CacheWarming {
  /** All keys were looked at; otherwise `problem` says why not. */
  complete: boolean;
  copied: number;
  failed: number;
  seconds: number;
  problem?: string;
}

export interface VerificationCheck {
  name: string;
  /** What it belongs to, for example `rollouts`, `endpoints`, `dns`, `data`, `objects`. */
  group: string;
  expected: string;
  found: string;
  passed: boolean;
}

export interface VerificationReport {
  checks: VerificationCheck[];
  passed: boolean;
  startedAt: string;
  finishedAt: string;
}

export interface VerificationContext {
  tenant: Tenant;
  job: TierMigrationJob;
  spec: TenantSpec;
  /** Outputs of the tenant's stack and of the platform's, secrets in clear. */
  outputs: Record<string, unknown>;
  platformOutputs: Record<string, unknown>;
  /** How the data command is asked to compare both sides. */
  data: DataInput & BlobsDataInput;
  /** The same for the cache; absent where there is none. */
  cache?: CacheDataInput;
  signal: AbortSignal;
}

export interface InventoryContext {
  tenant: Tenant;
  /** The principal of the footprint; absent for a tenant that never had one. */
  credentials?: CredentialsReference | undefined;
  /** API servers of the footprint's clusters, as far as they are known. */
  clusters: ClusterAddress[];
  /** Outputs of the platform's stack, secrets in clear. */
  platformOutputs: Record<string, unknown>;
  /** The dedicated footprint only, or the slice with its rows and the tenant's zone as well. */
  scope: "dedicated" | "everything";
  signal: AbortSignal;
}

/** One place that was asked, and what of the tenant it still holds. */
export interface InventoryAnswer {
  /** What was asked, for example `arm: resource groups`. */
  place: string;
  left: string[];
}

export interface Inventory {
  answers: InventoryAnswer[];
  /** What Azure keeps for a while after its deletion, for example vaults; it is told and is no fault. */
  kept: string[];
}

/** The slice as it is outside the engine's state; comparable, without secrets. */
export interface SliceDigest {
  /** Digest by object, with its uid: the same object with the same wish, whatever its status. */
  objects: Record<string, string>;
  /** Count and checksum by `database / table`. */
  rows: Record<string, string>;
  /** Count and digest over names and MD5s. */
  blobs: string;
  /** Count, and digest of those that do not end by themselves. */
  keys?: string;
  /** Count and digest of the records; absent where there is no Kafka. */
  records?: string;
  /** What the tenant's role may do on the shared server. */
  role: string;
  /** Tier and limits. */
  limits: string;
}

export interface SliceContext {
  tenant: Tenant;
  platformOutputs: Record<string, unknown>;
  signal: AbortSignal;
}

export interface Clock {
  now(): Date;
  /** Resolves after that time, or rejects with the signal's reason. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Ports {
  /** Resolves with the directory's id; rejects with SERVICE_PRINCIPAL_REJECTED when the credentials cannot do what the tier needs. */
  checkServicePrincipal(
    credentials: CredentialsReference,
    region: string,
    tier: DedicatedTier,
    signal: AbortSignal,
  ): Promise<{ directoryId: string }>;
  /** The secret a reference stands for. Rejects with SECRET_NOT_RESOLVED. */
  resolveSecret(reference: string, signal: AbortSignal): Promise<string>;
  /** Runs the data command. Rejects with DATA_COMMAND_FAILED. */
  runData(verb: DataVerb, input: DataInput, signal: AbortSignal): Promise<DataReport>;
  /** Runs the data command for blobs. Rejects with DATA_COMMAND_FAILED. */
  runBlobs(verb: BlobsVerb, input: BlobsDataInput, signal: AbortSignal): Promise<DataReport>;
  /** Runs the data command for caches; absent where the cloud has none. Rejects with DATA_COMMAND_FAILED. */
  runCache?: (verb: CacheVerb, input: CacheDataInput, signal: AbortSignal) => Promise<DataReport>;
  /** Runs the data command for Kafka; absent where the cloud has none. Rejects with DATA_COMMAND_FAILED. */
  runKafka?: (verb: KafkaVerb, input: KafkaDataInput, signal: AbortSignal) => Promise<DataReport>;
  /** The A records a name has now, asked of the zone's own servers. */
  resolveDns(name: string, signal: AbortSignal): Promise<string[]>;
  verify(context: VerificationContext): Promise<VerificationReport>;
  /** Asks every place but the engine's state what is there of a tenant. */
  takeInventory(context: InventoryContext): Promise<Inventory>;
  /**
   * Deletes what operations that were cut off made without the state knowing: the migration's resource groups and
   * `next.` records. Answers the ids.
   */
  removeOrphans(context: InventoryContext, migrationId: string): Promise<string[]>;
  digestSlice(context: SliceContext): Promise<SliceDigest>;
  /**
   * The certificate of these hosts, or undefined when certificates are issued in the cluster. The same hosts get the
   * same certificate while it is good: another one would be a change to every stack that holds it.
   */
  issueCertificate(hosts: string[]): Promise<{ certificatePem: string; privateKeyPem: string } | undefined>;
  clock: Clock;
  /** A new UUID. */
  newId(): string;
}

/** The clock and ids of a running service. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", abort);
        resolve();
      }, ms);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    }),
};

/** The words of the service: what is stored, answered and streamed. */
import type { Layer, Tier } from "../stacks/spec.ts";

export const TENANT_STATUSES = [
  "PROVISIONING",
  "ACTIVE",
  "UPGRADING",
  "PROVISIONING_FAILED",
  "DELETING",
  "DELETED",
] as const;
export type TenantStatus = (typeof TENANT_STATUSES)[number];

export interface Tenant {
  id: string;
  slug: string;
  name: string;
  tier: Tier;
  region: string;
  adminEmail: string;
  status: TenantStatus;
  /** Limits of the present tier; `null` means unlimited. */
  limits: TierLimits;
  /** Where each of the 13 services answers, once deployed. */
  serviceEndpoints: Record<string, string>;
  createdAt: string;
  updatedAt: string;
}

export interface TierLimits {
  maxUsers: number | null;
  maxConnections: number;
  storageGb: number;
  apiRatePerMinute: number;
  deployment: "SHARED" | "DEDICATED";
  support: string;
  slaPercent: number | null;
}

export const JOB_STATUSES = [
  "INITIATED",
  "PAYMENT_VALIDATED",
  "CREDENTIALS_SUBMITTED",
  "AWAITING_APPROVAL",
  "PROVISIONING",
  "VERIFICATION",
  "CUTTING_OVER",
  /** Served from its own infrastructure, while the shared side is kept current for a way back. */
  "GRACE_PERIOD",
  /** On that way back. */
  "SWITCHING_BACK",
  "COMPLETED",
  "CANCELLING",
  "CANCELLED",
  "ROLLING_BACK",
  "ROLLED_BACK",
  "FAILED",
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** The phases of a migration in order; the names are the specification's where it gives one. */
export const PHASES = [
  "VALIDATING_SERVICE_PRINCIPAL",
  "ACQUIRING_TF_LOCK",
  "PREVIEWING_CHANGES",
  "PROVISIONING_INFRASTRUCTURE",
  "CREATING_K8S_RESOURCES",
  "DEPLOYING_SERVICES",
  "CONFIGURING_DNS_AND_INGRESS",
  "MIGRATING_DATA",
  "SETTING_UP_OBSERVABILITY",
  "VERIFYING_DEPLOYMENT",
  "CUTTING_OVER",
  "DECOMMISSIONING_SHARED",
] as const;
export type Phase = (typeof PHASES)[number];

/** Which phase adds which layer of the dedicated footprint. */
export const LAYER_OF_PHASE = {
  PROVISIONING_INFRASTRUCTURE: "infrastructure",
  CREATING_K8S_RESOURCES: "kubernetes",
  DEPLOYING_SERVICES: "services",
  CONFIGURING_DNS_AND_INGRESS: "ingress",
  MIGRATING_DATA: "data",
  SETTING_UP_OBSERVABILITY: "observability",
} as const satisfies Partial<Record<Phase, Layer>>;

export interface CredentialsReference {
  clientId: string;
  /** Name or address of a Key Vault secret; never the secret. */
  clientSecretRef: string;
  /** The directory's id or one of its domain names. */
  azureTenantId: string;
  subscriptionId: string;
  /** The directory's id, as the subscription told it when the principal was validated. */
  directoryId?: string;
}

export interface PhaseRecord {
  phase: Phase;
  startedAt: string;
  finishedAt?: string;
  /** How often it was begun, resumptions after a restart included. */
  attempts: number;
  /** Failures in a row since it was last begun by a command; three end the migration's advance. */
  failures: number;
  outcome?: "DONE" | "FAILED" | "UNDONE" | "UNDO_FAILED";
  /** Resources that the phase's change set plans, and those done so far. */
  resourcesPlanned?: number;
  resourcesDone?: number;
  error?: string;
}

/** One migration of one tenant: the specification's TierMigrationJob. */
export interface TierMigrationJob {
  id: string;
  tenantId: string;
  sourceTier: Tier;
  targetTier: Tier;
  status: JobStatus;
  /** The phase that runs or failed last; null outside provisioning, cutover and undo. */
  provisioningState: Phase | null;
  initiatedBy: string;
  initiatedAt: string;
  updatedAt: string;
  completedAt?: string;
  credentials?: CredentialsReference;
  /** The reason given for a rollback or cancel. */
  reason?: string;
  /**
   * What went wrong last, for the operator: why it is FAILED, why a cutover brought it back to VERIFICATION, or a switch
   * back to its GRACE_PERIOD.
   * `status` is where it happened, and where `retry` goes on.
   */
  error?: { code: string; message: string; phase: Phase | null; status: JobStatus };
  phases: PhaseRecord[];
  /** When the tenant's time to try the new infrastructure ends. */
  verificationDeadline?: string;
  /** When the time ends in which a rollback brings back what the tenant has written since the switch. */
  graceDeadline?: string;
}

/** Who asks: from the bearer token. */
export interface Actor {
  subject: string;
  roles: readonly string[];
  /** The tenant the token belongs to, when it belongs to one. */
  tenantId?: string;
}

/** What a stream shows; `id` grows by one within a tenant and is kept over restarts. */
export interface TierliftEvent {
  id: number;
  tenantId: string;
  migrationId?: string;
  at: string;
  type: "tenant" | "status" | "phase" | "resource" | "log" | "end";
  data: Record<string, unknown>;
}

/** One state change. The digest covers all other fields, `previous` included, so that entries form a chain. */
export interface AuditEntry {
  /** Grows by one within a subject, from 1. */
  seq: number;
  /** The tenant's or the migration's id. */
  subject: string;
  tenantId: string;
  at: string;
  /** The actor's `sub`, or `system`. */
  actor: string;
  roles: readonly string[];
  /** The command or internal event that caused it. */
  action: string;
  from: string | null;
  to: string;
  reason: string | null;
  /** SHA-256 of the entry before it in hexadecimal; zeros for the first. */
  previous: string;
  digest: string;
}

/** Who may work on a tenant's stack now. */
export interface Lease {
  /** Names the process and the run of the service. */
  owner: string;
  /** Grows with every new owner; what an older epoch wants to write is refused. */
  epoch: number;
  acquiredAt: string;
  heartbeatAt: string;
}

/** The audit entries of the document's last change: written with it, so that a crash cannot part them. */
export interface Audited {
  outbox: AuditEntry[];
}

/** A tenant as stored: what is answered, and what the service needs to go on. */
export interface TenantRecord extends Tenant, Audited {
  /** The lease that was given last; its epoch stays after it was given back. */
  lease: Lease | null;
  leaseEpoch: number;
  /** Identity of the dedicated footprint the tenant is served by. */
  dedicated: { migrationId: string; credentials: CredentialsReference } | null;
}

/** What a cutover has done so far. Once `switchingAt` stands, the copies may have newer rows than the shared side. */
export interface CutoverProgress {
  frozenAt?: string;
  copiedAt?: string;
  switchingAt?: string;
  switchedAt?: string;
  /** What the tenant writes since is brought back to the shared side: a grace period follows the switch. */
  reversedAt?: string;
  /** Both sides were the same again, with the own side frozen; the records may point at the slice from then on. */
  returningAt?: string;
  /** The tenant is served from its slice again, with all that it has written meanwhile. */
  returnedAt?: string;
}

/** Where a cluster's API server answers, and who signs for it. */
export interface ClusterAddress {
  server: string;
  authority: string;
}

/** What a migration remembers between its phases. */
export interface MigrationWork {
  /** Digest of the change set that later change sets must be part of. */
  approvedDigest?: string;
  /** Slice and zone before the migration, or what grows in place, `urn id` each: what must stand after a rollback. */
  standsBefore?: string[];
  /** API servers of clusters that were made, each with its authority (PEM): they must not answer after a rollback. */
  clusters?: ClusterAddress[];
  ttlLoweredAt?: string;
  cutover: CutoverProgress;
}

/** A migration as stored: the job that is answered, and what the service needs to go on. */
export interface MigrationRecord extends Audited {
  id: string;
  job: TierMigrationJob;
  work: MigrationWork;
}

/** An answer that is given again to the same request: one with the same idempotency key. */
export interface StoredAnswer {
  /** SHA-256 of the one who asked and the key. */
  id: string;
  /** SHA-256 of the request, to tell another one with the same key. */
  fingerprint: string;
  /** From then on the key is free again. */
  expiresAt: string;
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** A tenant's own work outside a migration: making its slice, or destroying all of it. */
export interface Operation {
  id: string;
  tenantId: string;
  kind: "PROVISION_SLICE" | "DELETE_TENANT";
  status: "RUNNING" | "DONE" | "FAILED";
  startedAt: string;
  finishedAt?: string;
  resourcesPlanned?: number;
  resourcesDone?: number;
  error?: { code: string; message: string };
}

/** How far a tenant's present, or else its last, provisioning is. */
export interface ProvisioningStatus {
  tenantId: string;
  tenantStatus: TenantStatus;
  /** The migration it belongs to; null for the making of the slice and the deletion. */
  migrationId: string | null;
  status: JobStatus | Operation["status"];
  phase: { name: Phase | Operation["kind"]; number: number; total: number } | null;
  /** 0 to 100. */
  percentage: number;
  resourcesDone: number;
  resourcesPlanned: number;
  startedAt: string;
  /** From the durations of past phases; null while there are none, or nothing runs. */
  estimatedCompletionAt: string | null;
  error: { code: string; message: string } | null;
  recentLogs: string[];
}

export interface MigrationStats {
  total: number;
  active: number;
  byStatus: Record<JobStatus, number>;
  completed: number;
  /** Completed of all that ended, 0 to 1; null while none has ended. */
  successRate: number | null;
  /** From initiation to completion; null while none is completed. */
  averageDurationMs: number | null;
  averageDurationMsByTargetTier: Partial<Record<Tier, number>>;
}

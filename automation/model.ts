/** The words of the service: what is stored, answered and streamed. */
import type { Layer, Tier } from "../stacks/spec.ts";

export const TENANT_STATUSES = ["PROVISIONING", "ACTIVE", "UPGRADING", "PROVISIONING_FAILED", "DELETING", "DELETED"] as const;
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
  azureTenantId: string;
  subscriptionId: string;
}

export interface PhaseRecord {
  phase: Phase;
  startedAt: string;
  finishedAt?: string;
  attempts: number;
  outcome?: "DONE" | "FAILED" | "UNDONE";
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
  /** Why it is FAILED, for the operator. */
  error?: { code: string; message: string; phase: Phase | null };
  phases: PhaseRecord[];
  /** When the tenant's time to try the new infrastructure ends. */
  verificationDeadline?: string;
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

/** What an installation decides about migrations. */
import type { Phase } from "./model.ts";
import type { ProgramSettings } from "../stacks/spec.ts";

export interface TierliftSettings {
  program: ProgramSettings;
  /** From which generated passwords are derived; the same for the life of the installation. */
  passwordSeed: string;
  zoneName: string;
  /** Region of the platform's own resources. */
  platformRegion: string;
  /** Time to live of tenants' records, in seconds, and the one they have around a cutover. */
  recordTtlSeconds: number;
  cutoverTtlSeconds: number;
  /** Whether a person approves the preview before anything is made. */
  reviewRequired: boolean;
  /** How long a tenant may try its new infrastructure before the migration is rolled back. */
  verificationWindowMs: number;
  /** Longest time of one try of a phase; also of the making of a slice and the deletion of a tenant. */
  phaseTimeoutMs: Partial<Record<Phase, number>> & { default: number };
  /** Waits between the tries of a phase; their number plus one is the number of tries. */
  retryDelaysMs: readonly number[];
  /** How long the DNS answer may take to show a switch. */
  dnsConfirmationMs: number;
  /** How often a tenant's changes are brought over between the copy and the cutover. */
  catchUpEveryMs: number;
  /** More than this much of the shared server's log kept for one tenant is told. */
  maxLagBytes: number;
  /** How long a cutover may keep writes frozen until both sides were shown to be the same. */
  freezeBudgetMs: number;
  /**
   * How long after the switch what the tenant writes is brought back to the shared side, so that a rollback loses
   * nothing; the slice stays until its end. None by default.
   */
  graceMs: number;
  /** How often running counts are written, and the lease renewed. */
  progressWriteMs: number;
  heartbeatMs: number;
  /** Stack operations that may run at once. */
  maxConcurrentOperations: number;
}

const MINUTE = 60_000;

/**
 * Times fit for Azure: a cluster takes about ten minutes, a zone-redundant server and a cache up to an hour together;
 * the time to live and what it is lowered to are the domain's.
 */
export const DEFAULT_SETTINGS = {
  recordTtlSeconds: 300,
  cutoverTtlSeconds: 60,
  reviewRequired: false,
  verificationWindowMs: 7 * 24 * 60 * MINUTE,
  phaseTimeoutMs: {
    default: 30 * MINUTE,
    PROVISIONING_INFRASTRUCTURE: 120 * MINUTE,
    MIGRATING_DATA: 24 * 60 * MINUTE,
    CUTTING_OVER: 120 * MINUTE,
    DECOMMISSIONING_SHARED: 60 * MINUTE,
  },
  retryDelaysMs: [2_000, 10_000],
  dnsConfirmationMs: 2 * MINUTE,
  catchUpEveryMs: 30_000,
  maxLagBytes: 1024 ** 3,
  freezeBudgetMs: 2_000,
  graceMs: 0,
  progressWriteMs: 1_000,
  heartbeatMs: 15_000,
  maxConcurrentOperations: 4,
} as const satisfies Omit<TierliftSettings, "program" | "passwordSeed" | "zoneName" | "platformRegion">;

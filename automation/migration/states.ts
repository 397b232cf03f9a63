/** The life of a migration as a table: what each command makes of each state. Everything not in it is illegal. */
import { tierliftError } from "../errors.ts";
import type { JobStatus, TierMigrationJob } from "../model.ts";
import { needsCredentials, pathOf } from "./plan.ts";

/** What people ask for. */
export const COMMANDS = [
  "validatePayment",
  "submitCredentials",
  "approve",
  "complete",
  "rollback",
  "cancel",
  "retry",
] as const;
export type Command = (typeof COMMANDS)[number];

/** What the migrator reports. */
export const REPORTS = [
  "started",
  "reviewReady",
  "provisioned",
  "cutoverFailed",
  "switched",
  "graceEnded",
  "switchedBack",
  "switchBackFailed",
  "completed",
  "failed",
  "cancelled",
  "rolledBack",
] as const;
export type Report = (typeof REPORTS)[number];
export type Trigger = Command | Report;

type Target = JobStatus | ((job: TierMigrationJob) => JobStatus | null);
type Row = Partial<Record<Trigger, Target>>;

const startedWithoutCredentials = (job: TierMigrationJob): JobStatus | null =>
  needsCredentials(job) ? null : "PROVISIONING";
/** New infrastructure, or more of it, has a time to be tried out; a slice in another size has nothing to be tried. */
const afterProvisioning = (job: TierMigrationJob): JobStatus =>
  pathOf(job) === "resize" ? "COMPLETED" : "VERIFICATION";
const whereItFailed = (job: TierMigrationJob): JobStatus | null => job.error?.status ?? null;
/** Credentials that were turned down may be replaced: nothing has been made with them. */
const otherCredentials = (job: TierMigrationJob): JobStatus | null =>
  job.error?.phase === "VALIDATING_SERVICE_PRINCIPAL" ? "CREDENTIALS_SUBMITTED" : null;

export const TRANSITIONS = {
  INITIATED: { validatePayment: "PAYMENT_VALIDATED", cancel: "CANCELLED" },
  PAYMENT_VALIDATED: {
    submitCredentials: "CREDENTIALS_SUBMITTED",
    started: startedWithoutCredentials,
    cancel: "CANCELLED",
  },
  CREDENTIALS_SUBMITTED: {
    started: "PROVISIONING",
    reviewReady: "AWAITING_APPROVAL",
    failed: "FAILED",
    cancel: "CANCELLING",
  },
  AWAITING_APPROVAL: { approve: "PROVISIONING", cancel: "CANCELLING" },
  PROVISIONING: { provisioned: afterProvisioning, failed: "FAILED", cancel: "CANCELLING" },
  VERIFICATION: { complete: "CUTTING_OVER", rollback: "ROLLING_BACK" },
  CUTTING_OVER: {
    switched: "GRACE_PERIOD",
    completed: "COMPLETED",
    cutoverFailed: "VERIFICATION",
    failed: "FAILED",
  },
  GRACE_PERIOD: { complete: "CUTTING_OVER", graceEnded: "CUTTING_OVER", rollback: "SWITCHING_BACK" },
  SWITCHING_BACK: { switchedBack: "ROLLING_BACK", switchBackFailed: "GRACE_PERIOD", failed: "FAILED" },
  COMPLETED: {},
  CANCELLING: { cancelled: "CANCELLED", failed: "FAILED" },
  CANCELLED: {},
  ROLLING_BACK: { rolledBack: "ROLLED_BACK", failed: "FAILED" },
  ROLLED_BACK: {},
  FAILED: { retry: whereItFailed, rollback: "ROLLING_BACK", submitCredentials: otherCredentials },
} as const satisfies Record<JobStatus, Row>;

/** Where a command is meant to lead, for the words of a refusal. */
const MEANT = {
  validatePayment: "PAYMENT_VALIDATED",
  submitCredentials: "CREDENTIALS_SUBMITTED",
  approve: "PROVISIONING",
  complete: "COMPLETED",
  rollback: "ROLLING_BACK",
  cancel: "CANCELLING",
  retry: "PROVISIONING",
  started: "PROVISIONING",
  reviewReady: "AWAITING_APPROVAL",
  provisioned: "VERIFICATION",
  cutoverFailed: "VERIFICATION",
  switched: "GRACE_PERIOD",
  graceEnded: "CUTTING_OVER",
  switchedBack: "ROLLING_BACK",
  switchBackFailed: "GRACE_PERIOD",
  completed: "COMPLETED",
  failed: "FAILED",
  cancelled: "CANCELLED",
  rolledBack: "ROLLED_BACK",
} as const satisfies Record<Trigger, JobStatus>;

export const END_STATES = ["COMPLETED", "CANCELLED", "ROLLED_BACK"] as const satisfies JobStatus[];

/** Whether the migration has come to its end; FAILED is none, it waits for someone. */
export function isEnded(status: JobStatus): boolean {
  return (END_STATES as readonly JobStatus[]).includes(status);
}

/**
 * The state a migration goes to. Throws ILLEGAL_TRANSITION with both states, CREDENTIALS_NOT_NEEDED, or
 * ALREADY_SWITCHED once the tenant is served from its new side.
 */
export function transition(job: TierMigrationJob, trigger: Trigger): JobStatus {
  if (trigger === "submitCredentials" && !needsCredentials(job)) {
    throw tierliftError("CREDENTIALS_NOT_NEEDED", { source: job.sourceTier, target: job.targetTier });
  }
  const row: Row = TRANSITIONS[job.status];
  const target = row[trigger];
  const next = typeof target === "function" ? target(job) : (target ?? null);
  if (next === null) {
    throw tierliftError("ILLEGAL_TRANSITION", { command: trigger, from: job.status, to: MEANT[trigger] });
  }
  if (next === "ROLLING_BACK" && isSwitched(job)) {
    throw tierliftError("ALREADY_SWITCHED", { from: job.status, to: next });
  }
  return next;
}

function isSwitched(job: TierMigrationJob): boolean {
  return job.phases.some(({ phase, outcome }) => phase === "CUTTING_OVER" && outcome === "DONE");
}

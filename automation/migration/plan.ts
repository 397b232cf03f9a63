/** Which phases a migration has, and which step comes next: pure, so that a restart finds the same answer. */
import type { MigrationRecord, Phase, PhaseRecord, TierMigrationJob } from "../model.ts";
import { PHASES } from "../model.ts";
import { TIERS } from "../../stacks/spec.ts";
import type { DedicatedTier, SharedTier, Tier } from "../../stacks/spec.ts";

/** `resize`: shared to shared. `dedicate`: shared to dedicated. `enlarge`: dedicated to dedicated, in place. */
export type Path = "resize" | "dedicate" | "enlarge";

export const isDedicated = (tier: Tier): tier is DedicatedTier =>
  tier === "PROFESSIONAL" || tier === "ENTERPRISE";
export const isShared = (tier: Tier): tier is SharedTier => !isDedicated(tier);
export const isUpgrade = (source: Tier, target: Tier): boolean =>
  TIERS.indexOf(target) > TIERS.indexOf(source);

/** The kind of migration between two tiers. */
export function pathOf({
  sourceTier,
  targetTier,
}: Pick<TierMigrationJob, "sourceTier" | "targetTier">): Path {
  if (isDedicated(sourceTier)) return "enlarge";
  return isDedicated(targetTier) ? "dedicate" : "resize";
}

/** Whether the tenant has to hand in a service principal; one that it is served by already is used again. */
export const needsCredentials = (job: Pick<TierMigrationJob, "sourceTier" | "targetTier">): boolean =>
  pathOf(job) === "dedicate";

const PHASES_OF = {
  dedicate: PHASES,
  resize: ["ACQUIRING_TF_LOCK", "PREVIEWING_CHANGES", "DEPLOYING_SERVICES"],
  enlarge: [
    "VALIDATING_SERVICE_PRINCIPAL",
    "ACQUIRING_TF_LOCK",
    "PREVIEWING_CHANGES",
    "PROVISIONING_INFRASTRUCTURE",
    "VERIFYING_DEPLOYMENT",
    // There is no switch to another place: the tenant gets the tier of what serves it already.
    "CUTTING_OVER",
  ],
} as const satisfies Record<Path, readonly Phase[]>;

/** The phases a migration goes through, in order. */
export function phasesOf(job: Pick<TierMigrationJob, "sourceTier" | "targetTier">): readonly Phase[] {
  return PHASES_OF[pathOf(job)];
}

/** Phases that run before a person is asked: they change nothing. */
const BEFORE_REVIEW: readonly Phase[] = [
  "VALIDATING_SERVICE_PRINCIPAL",
  "ACQUIRING_TF_LOCK",
  "PREVIEWING_CHANGES",
];
const AFTER_VERIFICATION: readonly Phase[] = ["CUTTING_OVER", "DECOMMISSIONING_SHARED"];

export type Step =
  | { kind: "run"; phase: Phase }
  | { kind: "undo"; phase: Phase }
  /** Shows that nothing of the migration is left and the slice is as it was. */
  | { kind: "check" }
  /** The tenant goes back to its slice with what it has written since the switch. */
  | { kind: "switchBack" }
  | { kind: "report"; report: "started" | "reviewReady" | "provisioned" | "switched" | "completed" }
  /** Waits for a person, or has ended. */
  | { kind: "rest" };

/** What the migrator does next. */
export function nextStep(
  { job, work }: Pick<MigrationRecord, "job" | "work">,
  reviewRequired: boolean,
): Step {
  const phases = phasesOf(job);
  switch (job.status) {
    case "PAYMENT_VALIDATED":
      return needsCredentials(job) ? { kind: "rest" } : { kind: "report", report: "started" };
    case "CREDENTIALS_SUBMITTED":
      if (!reviewRequired) return { kind: "report", report: "started" };
      return firstOf(job, phases, (phase) => BEFORE_REVIEW.includes(phase), "reviewReady");
    case "PROVISIONING":
      return firstOf(job, phases, (phase) => !AFTER_VERIFICATION.includes(phase), "provisioned");
    case "CUTTING_OVER":
      if (isGraceDue(job, work)) return { kind: "report", report: "switched" };
      return firstOf(job, phases, (phase) => AFTER_VERIFICATION.includes(phase), "completed");
    case "SWITCHING_BACK":
      return { kind: "switchBack" };
    case "CANCELLING":
    case "ROLLING_BACK": {
      const open = job.phases.findLast(isToBeUndone);
      return open === undefined ? { kind: "check" } : { kind: "undo", phase: open.phase };
    }
    case "INITIATED":
    case "AWAITING_APPROVAL":
    case "VERIFICATION":
    case "GRACE_PERIOD":
    case "COMPLETED":
    case "CANCELLED":
    case "ROLLED_BACK":
    case "FAILED":
      return { kind: "rest" };
  }
}

/** Between the switch and what can no longer be taken back; once, as its deadline stays. */
function isGraceDue(job: TierMigrationJob, { cutover }: MigrationRecord["work"]): boolean {
  return (
    recordOf(job, "CUTTING_OVER")?.outcome === "DONE" &&
    cutover.reversedAt !== undefined &&
    job.graceDeadline === undefined
  );
}

function firstOf(
  job: TierMigrationJob,
  phases: readonly Phase[],
  belongs: (phase: Phase) => boolean,
  report: "reviewReady" | "provisioned" | "completed",
): Step {
  const phase = phases.find(
    (candidate) => belongs(candidate) && recordOf(job, candidate)?.outcome !== "DONE",
  );
  return phase === undefined ? { kind: "report", report } : { kind: "run", phase };
}

export function recordOf(job: TierMigrationJob, phase: Phase): PhaseRecord | undefined {
  return job.phases.find((record) => record.phase === phase);
}

/** Everything that was begun is undone, whether it ended or not; what could not be undone is left to the check. */
function isToBeUndone({ outcome }: PhaseRecord): boolean {
  return outcome !== "UNDONE" && outcome !== "UNDO_FAILED";
}

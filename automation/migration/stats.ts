import type { JobStatus, MigrationStats, TierMigrationJob } from "../model.ts";
import { JOB_STATUSES } from "../model.ts";
import type { Tier } from "../../stacks/spec.ts";
import { isEnded } from "./states.ts";

/** Counts, success rate and durations over all migrations. */
export function statsOf(jobs: readonly TierMigrationJob[]): MigrationStats {
  const byStatus = Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as Record<JobStatus, number>;
  for (const { status } of jobs) byStatus[status] += 1;
  const ended = jobs.filter(({ status }) => isEnded(status));
  const completed = jobs.filter(({ status }) => status === "COMPLETED");
  const tiers = [...new Set(completed.map(({ targetTier }) => targetTier))];
  const averages = tiers.map((tier) => [
    tier,
    averageOf(completed.filter(({ targetTier }) => targetTier === tier)),
  ]);
  return {
    total: jobs.length,
    active: jobs.length - ended.length,
    byStatus,
    completed: completed.length,
    successRate: ended.length === 0 ? null : completed.length / ended.length,
    averageDurationMs: averageOf(completed),
    averageDurationMsByTargetTier: Object.fromEntries(averages) as Partial<Record<Tier, number>>,
  };
}

function averageOf(jobs: readonly TierMigrationJob[]): number | null {
  const durations = jobs.flatMap(({ initiatedAt, completedAt }) =>
    completedAt === undefined ? [] : [Date.parse(completedAt) - Date.parse(initiatedAt)],
  );
  if (durations.length === 0) return null;
  return Math.round(durations.reduce((sum, duration) => sum + duration, 0) / durations.length);
}

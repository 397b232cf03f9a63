/** How far a tenant's provisioning is: calculated from what is stored. Pure. */
import { tierliftError } from "./errors.ts";
import { phasesOf, recordOf } from "./migration/plan.ts";
import { isEnded } from "./migration/states.ts";
import type {
  Operation,
  Phase,
  ProvisioningStatus,
  Tenant,
  TierliftEvent,
  TierMigrationJob,
} from "./model.ts";

export interface ProvisioningFacts {
  tenant: Pick<Tenant, "id" | "status">;
  migrations: TierMigrationJob[];
  operations: Operation[];
  /** What has ended well, of all tenants: where durations come from. */
  past: { migrations: TierMigrationJob[]; operations: Operation[] };
  recent: TierliftEvent[];
  now: Date;
}

const LOG_LINES = 20;

/** Of the active migration, else of what began last. Throws NO_PROVISIONING when there is neither. */
export function provisioningStatusOf(facts: ProvisioningFacts): ProvisioningStatus {
  const { tenant, migrations, operations } = facts;
  const active = migrations.find(({ status }) => !isEnded(status));
  if (active !== undefined) return ofMigration(active, facts);
  const job = newest(migrations, ({ initiatedAt }) => initiatedAt);
  const operation = newest(operations, ({ startedAt }) => startedAt);
  if (job !== undefined && (operation === undefined || job.initiatedAt >= operation.startedAt)) {
    return ofMigration(job, facts);
  }
  if (operation === undefined) throw tierliftError("NO_PROVISIONING", { tenantId: tenant.id });
  return ofOperation(operation, facts);
}

function ofMigration(job: TierMigrationJob, facts: ProvisioningFacts): ProvisioningStatus {
  const phases = phasesOf(job);
  const present = job.provisioningState;
  const planned = sum(job.phases.map(({ resourcesPlanned = 0 }) => resourcesPlanned));
  const done = sum(job.phases.map(({ resourcesDone = 0 }) => resourcesDone));
  const shares = phases.map((phase) => shareOf(job, phase));
  const phase =
    present === null ? null : { name: present, number: phases.indexOf(present) + 1, total: phases.length };
  const isRunning = job.status === "PROVISIONING" || job.status === "CUTTING_OVER";
  return {
    ...common(facts),
    migrationId: job.id,
    status: job.status,
    phase,
    percentage: job.status === "COMPLETED" ? 100 : Math.floor((sum(shares) / phases.length) * 100),
    resourcesDone: done,
    resourcesPlanned: planned,
    startedAt: job.phases[0]?.startedAt ?? job.initiatedAt,
    estimatedCompletionAt: isRunning
      ? estimate(facts.now, remainingMs(job, shares, facts.past.migrations))
      : null,
    error: job.error === undefined ? null : { code: job.error.code, message: job.error.message },
  };
}

function ofOperation(operation: Operation, facts: ProvisioningFacts): ProvisioningStatus {
  const { status, kind, resourcesDone = 0, resourcesPlanned = 0, startedAt } = operation;
  const share = status === "DONE" ? 1 : fraction(resourcesDone, resourcesPlanned);
  const lengths = facts.past.operations
    .filter((past) => past.kind === kind && past.finishedAt !== undefined)
    .map((past) => Date.parse(past.finishedAt ?? past.startedAt) - Date.parse(past.startedAt));
  const usual = average(lengths);
  const elapsed = facts.now.getTime() - Date.parse(startedAt);
  const left = usual === null ? null : Math.max(0, usual - elapsed);
  return {
    ...common(facts),
    migrationId: null,
    status,
    phase: status === "RUNNING" ? { name: kind, number: 1, total: 1 } : null,
    percentage: Math.floor(share * 100),
    resourcesDone,
    resourcesPlanned,
    startedAt,
    estimatedCompletionAt: status === "RUNNING" ? estimate(facts.now, left) : null,
    error: operation.error ?? null,
  };
}

function common({ tenant, recent }: ProvisioningFacts) {
  const recentLogs = recent
    .filter(({ type }) => type === "log")
    .slice(-LOG_LINES)
    .map(({ at, data }) => `${at} ${String(data["message"])}`);
  return { tenantId: tenant.id, tenantStatus: tenant.status, recentLogs };
}

/** How much of a phase is done, 0 to 1. A phase with resources is never quite done before it says so. */
function shareOf(job: TierMigrationJob, phase: Phase): number {
  const record = recordOf(job, phase);
  if (record === undefined || record.outcome === "UNDONE") return 0;
  if (record.outcome === "DONE") return 1;
  return Math.min(0.99, fraction(record.resourcesDone ?? 0, record.resourcesPlanned ?? 0));
}

/** The usual length of what is left of each phase; null while a phase of it was never seen to end. */
function remainingMs(job: TierMigrationJob, shares: number[], past: TierMigrationJob[]): number | null {
  // The tenant's time to try it out is not provisioning: what comes after it is not counted before it.
  const phases = phasesOf(job);
  const last = job.status === "CUTTING_OVER" ? phases.length : phases.length - 2;
  const lengths = phases.map((phase, index) => {
    if (index >= last && phases.length > 5) return 0;
    const usual = average(past.flatMap((other) => durationOf(other, phase)));
    return usual === null ? null : usual * (1 - (shares[index] ?? 0));
  });
  return lengths.includes(null) ? null : sum(lengths.map((length) => length ?? 0));
}

function durationOf(job: TierMigrationJob, phase: Phase): number[] {
  const record = recordOf(job, phase);
  return record?.finishedAt === undefined
    ? []
    : [Date.parse(record.finishedAt) - Date.parse(record.startedAt)];
}

const estimate = (now: Date, leftMs: number | null): string | null =>
  leftMs === null ? null : new Date(now.getTime() + leftMs).toISOString();
const fraction = (done: number, planned: number): number => (planned === 0 ? 0 : Math.min(1, done / planned));
const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
const average = (numbers: number[]): number | null =>
  numbers.length === 0 ? null : sum(numbers) / numbers.length;

function newest<T>(values: T[], time: (value: T) => string): T | undefined {
  return values.reduce<T | undefined>(
    (best, value) => (best === undefined || time(value) > time(best) ? value : best),
    undefined,
  );
}

/** What the migrator writes: phases as they begin and end, states as they change, and the tenant's status with them. */
import { tierliftError } from "../errors.ts";
import type { TierliftError } from "../errors.ts";
import type { EventLog } from "../events.ts";
import { bySystem } from "../ledger.ts";
import type { Cause, Ledger } from "../ledger.ts";
import type { Logger } from "../logger.ts";
import type { JobStatus, MigrationRecord, Phase, PhaseRecord, TenantRecord } from "../model.ts";
import type { Clock } from "../ports.ts";
import type { Store } from "../store/store.ts";
import { phasesOf, recordOf } from "./plan.ts";
import { isEnded, transition } from "./states.ts";
import type { Report } from "./states.ts";

export interface Journal {
  /** Throws MIGRATION_NOT_FOUND. */
  read(jobId: string): MigrationRecord;
  tenantOf(record: MigrationRecord): TenantRecord;
  /** Writes that a phase begins; rejects when a command has changed the status since `record` was read. */
  begin(record: MigrationRecord, phase: Phase): Promise<MigrationRecord>;
  beginUndo(record: MigrationRecord, phase: Phase): Promise<MigrationRecord>;
  writePhase(jobId: string, phase: Phase, change: (draft: PhaseRecord) => void): Promise<MigrationRecord>;
  endPhase(jobId: string, phase: Phase, end: PhaseEnd): Promise<MigrationRecord>;
  tellPhase(
    record: MigrationRecord,
    phase: Phase,
    state: string,
    more: Record<string, unknown>,
  ): Promise<void>;
  report(jobId: string, event: Report, reason?: string, error?: JobError): Promise<MigrationRecord>;
  fail(record: MigrationRecord, phase: Phase | null, error: TierliftError): Promise<void>;
  /** Makes tenants' status fit their migrations, after a crash between the two. */
  syncTenants(): Promise<void>;
}

type JobError = NonNullable<MigrationRecord["job"]["error"]>;

export interface PhaseEnd {
  outcome: NonNullable<PhaseRecord["outcome"]>;
  error?: string | undefined;
  /** Whether it counts among the tries. */
  counts?: boolean;
}

export interface JournalOptions {
  store: Store;
  ledger: Ledger;
  events: EventLog;
  clock: Clock;
  verificationWindowMs: number;
  graceMs: number;
  logger: Logger;
}

export function createJournal(options: JournalOptions): Journal {
  const { store, ledger, events, clock, logger } = options;
  const now = (): string => clock.now().toISOString();

  const journal: Journal = {
    read(jobId) {
      const record = store.migrations.get(jobId);
      if (record === undefined) throw tierliftError("MIGRATION_NOT_FOUND", { jobId });
      return record;
    },

    tenantOf({ job: { tenantId } }) {
      const tenant = store.tenants.get(tenantId);
      if (tenant === undefined) throw tierliftError("TENANT_NOT_FOUND", { tenantId });
      return tenant;
    },

    begin: (record, phase) =>
      ledger.changeMigration(record.id, beginningOf(record, phase), (draft) => {
        assertUnchanged(record, draft);
        draft.job.provisioningState = phase;
        const present = recordOf(draft.job, phase);
        if (present === undefined) {
          draft.job.phases.push({ phase, startedAt: now(), attempts: 1, failures: 0 });
          return;
        }
        present.attempts += 1;
        present.startedAt = now();
        delete present.finishedAt;
        delete present.outcome;
      }),

    beginUndo: (record, phase) =>
      ledger.changeMigration(record.id, bySystem(`undo ${phase}`), (draft) => {
        assertUnchanged(record, draft);
        draft.job.provisioningState = phase;
      }),

    writePhase: (jobId, phase, change) =>
      store.migrations.update(jobId, ({ job }) => {
        const present = recordOf(job, phase);
        if (present !== undefined) change(present);
        job.updatedAt = now();
      }),

    endPhase: (jobId, phase, { outcome, error, counts = false }) =>
      journal.writePhase(jobId, phase, (draft) => {
        draft.outcome = outcome;
        draft.finishedAt = now();
        if (counts) draft.failures += 1;
        if (error !== undefined) draft.error = error;
        else if (outcome === "DONE") delete draft.error;
      }),

    async tellPhase({ id, job }, phase, state, more) {
      const phases = phasesOf(job);
      const data = { phase, number: phases.indexOf(phase) + 1, total: phases.length, state, ...more };
      await events.emit(job.tenantId, { type: "phase", migrationId: id, data });
    },

    async report(jobId, event, reason, error) {
      const { job } = journal.read(jobId);
      const status = transition(job, event);
      // Whoever hears that a migration has ended finds the tenant free; a crash in between is made good at the start.
      if (isEnded(status)) await syncTenant(job.tenantId, status);
      const changed = await ledger.changeMigration(jobId, bySystem(event, reason), (draft) => {
        draft.job.status = transition(draft.job, event);
        if (error !== undefined) draft.job.error = error;
        arrive(draft, clock.now(), options);
      });
      if (!isEnded(status)) await syncTenant(job.tenantId, status);
      return changed;
    },

    async fail({ id, job }, phase, error) {
      const { status, tenantId } = job;
      const facts = { err: error, jobId: id, tenantId, phase };
      if (error.code === "INTERNAL") logger.error(facts, "a migration failed unexpectedly");
      else logger.warn(facts, "a migration failed");
      await journal.report(id, "failed", error.message, {
        code: error.code,
        message: error.message,
        phase,
        status,
      });
    },

    async syncTenants() {
      const active = new Set<string>();
      for (const { job } of store.migrations.list(({ job }) => !isEnded(job.status))) {
        active.add(job.tenantId);
        if (job.phases.length > 0) await syncTenant(job.tenantId, job.status);
      }
      for (const { id } of store.tenants.list(
        ({ id, status }) => status === "UPGRADING" && !active.has(id),
      )) {
        await syncTenant(id, "COMPLETED");
      }
    },
  };
  return journal;

  /** The tenant is UPGRADING from the first change to its stack until the migration has ended. */
  async function syncTenant(tenantId: string, migration: JobStatus): Promise<void> {
    const status = isEnded(migration) ? "ACTIVE" : "UPGRADING";
    const present = store.tenants.get(tenantId)?.status;
    if (present === status || (present !== "ACTIVE" && present !== "UPGRADING")) return;
    await ledger.changeTenant(tenantId, bySystem(`migration ${migration}`), (draft) => {
      draft.status = status;
    });
  }
}

/** A try after a failure says in the trail that it is one, and why. */
function beginningOf({ job }: MigrationRecord, phase: Phase): Cause {
  const { outcome, error } = recordOf(job, phase) ?? {};
  return outcome === "FAILED" ? bySystem(`retry ${phase}`, error) : bySystem(`begin ${phase}`);
}

/** What a job looks like on arrival in its new state. */
function arrive(
  { job, work }: MigrationRecord,
  now: Date,
  { verificationWindowMs, graceMs }: Pick<JournalOptions, "verificationWindowMs" | "graceMs">,
): void {
  const { status } = job;
  const after = (ms: number): string => new Date(now.getTime() + ms).toISOString();
  if (status !== "FAILED") job.provisioningState = null;
  // A cutover that failed tells why in VERIFICATION, a switch back in GRACE_PERIOD.
  if (!["FAILED", "VERIFICATION", "GRACE_PERIOD"].includes(status)) delete job.error;
  if (status === "VERIFICATION") job.verificationDeadline = after(verificationWindowMs);
  // A switch back that failed does not lengthen it, but leaves time to try again.
  if (status === "GRACE_PERIOD") job.graceDeadline ??= after(graceMs);
  if (isEnded(status)) job.completedAt = now.toISOString();
  if (status === "ROLLED_BACK" || status === "CANCELLED") work.cutover = {};
}

function assertUnchanged(seen: MigrationRecord, present: MigrationRecord): void {
  const { status } = present.job;
  if (status !== seen.job.status) {
    throw tierliftError("ILLEGAL_TRANSITION", { command: "advance", from: status, to: seen.job.status });
  }
}

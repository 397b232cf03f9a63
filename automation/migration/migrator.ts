/**
 * Drives migrations: asks what comes next, writes that it begins, does it, writes how it ended. It can be stopped
 * anywhere and finds its way again from what is written. The only place with a lease, a try/catch and a clock.
 */
import { withDeadline } from "../deadline.ts";
import type { StackEngine } from "../engine/engine.ts";
import { asTierliftError, tierliftError } from "../errors.ts";
import type { TierliftError } from "../errors.ts";
import type { EventLog } from "../events.ts";
import type { HeldLease, Leases } from "../lease.ts";
import { bySystem } from "../ledger.ts";
import type { Ledger } from "../ledger.ts";
import type { Logger } from "../logger.ts";
import type { JobStatus, MigrationRecord, Phase, PhaseRecord } from "../model.ts";
import type { Ports } from "../ports.ts";
import { createProgress } from "../progress.ts";
import { untilAborted } from "../serial.ts";
import type { TierliftSettings } from "../settings.ts";
import type { Store } from "../store/store.ts";
import { PHASE_DEFINITIONS } from "./phases/index.ts";
import type { PhaseContext } from "./phases/phase.ts";
import { checkUndone } from "./phases/stack.ts";
import { nextStep, pathOf, phasesOf, recordOf } from "./plan.ts";
import type { Step } from "./plan.ts";
import { isEnded, transition } from "./states.ts";
import type { Report } from "./states.ts";

export interface MigratorOptions {
  store: Store;
  ledger: Ledger;
  events: EventLog;
  leases: Leases;
  engine: StackEngine;
  ports: Ports;
  settings: TierliftSettings;
  logger: Logger;
  /** Work on tenants waits for it. */
  platformReady: Promise<void>;
}

export interface Migrator {
  /** Goes on with every migration that is not at rest. */
  start(): Promise<void>;
  /** Looks at the migration again: a command has changed it. `interrupt` ends the phase that runs. */
  wake(jobId: string, options?: { interrupt?: boolean }): void;
  /** Ends what runs in good order; a later start goes on with it. */
  stop(): Promise<void>;
}

interface Run {
  /** The status the present step was chosen for; a command that changed it interrupts the step. */
  status: JobStatus | null;
  interrupt: AbortController;
  again: boolean;
  done: Promise<void>;
}

export function createMigrator(options: MigratorOptions): Migrator {
  const { store, ledger, events, leases, engine, ports, settings, logger } = options;
  const stopping = new AbortController();
  const runs = new Map<string, Run>();

  const read = (jobId: string): MigrationRecord => {
    const record = store.migrations.get(jobId);
    if (record === undefined) throw tierliftError("MIGRATION_NOT_FOUND", { jobId });
    return record;
  };

  function wake(jobId: string, { interrupt = false } = {}): void {
    if (stopping.signal.aborted) return;
    const present = runs.get(jobId);
    if (present !== undefined) {
      present.again = true;
      if (interrupt && present.status !== read(jobId).job.status)
        present.interrupt.abort(new Error("cancelled"));
      return;
    }
    const run: Run = {
      status: null,
      interrupt: new AbortController(),
      again: false,
      done: Promise.resolve(),
    };
    runs.set(jobId, run);
    run.done = drive(jobId, run);
  }

  /** One migration's loop, until it rests or the service stops. */
  async function drive(jobId: string, run: Run): Promise<void> {
    const lease = createLeaseKeeper(leases, read(jobId).job.tenantId, stopping.signal);
    try {
      await Promise.race([options.platformReady, untilAborted(stopping.signal)]);
      do {
        run.again = false;
        await advance(jobId, run, lease);
      } while (run.again && !stopping.signal.aborted);
    } catch (error) {
      if (!stopping.signal.aborted)
        logger.error({ err: error, jobId }, "a migration's loop ended unexpectedly");
    } finally {
      await lease
        .release()
        .catch((error: unknown) => logger.warn({ err: error, jobId }, "the lease was not given back"));
      runs.delete(jobId);
      // A command that came after the last look.
      if (run.again) wake(jobId);
    }
  }

  async function advance(jobId: string, run: Run, lease: LeaseKeeper): Promise<void> {
    while (!stopping.signal.aborted) {
      const record = read(jobId);
      const step = nextStep(record, settings.reviewRequired);
      if (step.kind === "rest") return;
      run.status = record.job.status;
      run.interrupt = new AbortController();
      try {
        if (worksOnStack(record)) await lease.hold();
        await perform(record, step, run, lease);
      } catch (error) {
        if (stopping.signal.aborted) return;
        // A command was quicker: what it made of the migration is looked at next.
        if (read(jobId).job.status !== record.job.status) continue;
        await fail(record, record.job.provisioningState, asTierliftError(error));
      }
    }
  }

  async function perform(record: MigrationRecord, step: Step, run: Run, lease: LeaseKeeper): Promise<void> {
    switch (step.kind) {
      case "run":
        return runPhase(record, step.phase, run, lease);
      case "undo":
        return undoPhase(record, step.phase, run, lease);
      case "check":
        return finishUndo(record, run, lease);
      case "report":
        await report(record.id, step.report);
        return;
      case "rest":
        return;
    }
  }

  async function runPhase(
    record: MigrationRecord,
    phase: Phase,
    run: Run,
    lease: LeaseKeeper,
  ): Promise<void> {
    const begun = await begin(record, phase);
    const { attempts } = phaseRecord(begun, phase);
    await tellPhase(begun, phase, "started", { attempt: attempts });
    try {
      await inPhase(begun, phase, run, lease, attempts > 1, (context) =>
        PHASE_DEFINITIONS[phase].run(context),
      );
    } catch (error) {
      await phaseFailed(begun, phase, run, lease, asTierliftError(error));
      return;
    }
    const ended = await writePhase(begun, phase, (draft) => {
      draft.outcome = "DONE";
      delete draft.error;
      draft.finishedAt = now();
    });
    await tellPhase(ended, phase, "done", { durationMs: durationOf(phaseRecord(ended, phase)) });
  }

  async function phaseFailed(
    record: MigrationRecord,
    phase: Phase,
    run: Run,
    lease: LeaseKeeper,
    error: TierliftError,
  ): Promise<void> {
    // Left as begun: the next start goes on with it.
    if (stopping.signal.aborted) return;
    const interrupted = run.interrupt.signal.aborted;
    const ended = await writePhase(record, phase, (draft) => {
      draft.outcome = "FAILED";
      draft.error = error.message;
      draft.finishedAt = now();
      if (!interrupted) draft.failures += 1;
    });
    await tellPhase(ended, phase, "failed", { error: error.message, code: error.code });
    if (interrupted) return;
    logger.warn({ err: error, jobId: record.id, phase }, "a phase failed");
    if (phase === "CUTTING_OVER") return takeCutoverBack(ended, run, lease, error);
    const delay = settings.retryDelaysMs[phaseRecord(ended, phase).failures - 1];
    if (!error.retryable || delay === undefined) return fail(ended, phase, error);
    await pause(delay, run);
  }

  /** The tenant is back on its slice, able to write, before anyone hears that the switch failed. */
  async function takeCutoverBack(
    record: MigrationRecord,
    run: Run,
    lease: LeaseKeeper,
    error: TierliftError,
  ): Promise<void> {
    const failure = await tryUndo(record, "CUTTING_OVER", run, lease);
    if (stopping.signal.aborted) return;
    if (failure !== undefined) {
      const { slug } = tenantOf(record);
      const problem = `${failure.message} The switch had failed because: ${error.message}`;
      return fail(
        record,
        "CUTTING_OVER",
        tierliftError("SWITCH_BACK_FAILED", { slug, problem }, { cause: failure }),
      );
    }
    await report(record.id, "cutoverFailed", error.message, (draft) => {
      draft.job.error = {
        code: error.code,
        message: error.message,
        phase: "CUTTING_OVER",
        status: "CUTTING_OVER",
      };
    });
  }

  async function undoPhase(
    record: MigrationRecord,
    phase: Phase,
    run: Run,
    lease: LeaseKeeper,
  ): Promise<void> {
    const begun = await ledger.changeMigration(record.id, bySystem(`undo ${phase}`), (draft) => {
      assertUnchanged(record, draft);
      draft.job.provisioningState = phase;
    });
    const failure = await tryUndo(begun, phase, run, lease);
    if (failure !== undefined && !stopping.signal.aborted) {
      logger.warn({ err: failure, jobId: record.id, phase }, "an undo failed; the others go on");
    }
  }

  /** Tries an undo as often as a phase, and writes how it ended. */
  async function tryUndo(
    record: MigrationRecord,
    phase: Phase,
    run: Run,
    lease: LeaseKeeper,
  ): Promise<TierliftError | undefined> {
    let failure: TierliftError | undefined;
    for (const delay of [...settings.retryDelaysMs, undefined]) {
      try {
        await inPhase(record, phase, run, lease, true, (context) => PHASE_DEFINITIONS[phase].undo(context));
        failure = undefined;
        break;
      } catch (error) {
        failure = asTierliftError(error);
        if (stopping.signal.aborted) return failure;
        if (!failure.retryable || delay === undefined) break;
        await pause(delay, run);
      }
    }
    const ended = await writePhase(record, phase, (draft) => {
      draft.outcome = failure === undefined ? "UNDONE" : "UNDO_FAILED";
      if (failure !== undefined) draft.error = failure.message;
      draft.finishedAt = now();
    });
    await tellPhase(ended, phase, failure === undefined ? "undone" : "undo failed", {
      error: failure?.message ?? null,
    });
    return failure;
  }

  async function finishUndo(record: MigrationRecord, run: Run, lease: LeaseKeeper): Promise<void> {
    // What never came as far as the stack's lock has not touched the stack.
    if (pathOf(record.job) === "dedicate" && worksOnStack(record)) {
      await inPhase(record, "ACQUIRING_TF_LOCK", run, lease, true, checkUndone);
    } else {
      const open = record.job.phases.find(({ outcome }) => outcome === "UNDO_FAILED");
      if (open !== undefined) {
        const problems = [`${open.phase}: ${open.error ?? "could not be undone"}`];
        throw tierliftError("UNDO_INCOMPLETE", { slug: tenantOf(record).slug, problems });
      }
    }
    await report(record.id, record.job.status === "CANCELLING" ? "cancelled" : "rolledBack");
  }

  async function inPhase(
    record: MigrationRecord,
    phase: Phase,
    run: Run,
    lease: LeaseKeeper,
    isRetry: boolean,
    work: (context: PhaseContext) => Promise<void>,
  ): Promise<void> {
    const timeoutMs = settings.phaseTimeoutMs[phase] ?? settings.phaseTimeoutMs.default;
    const progress = createProgress({
      events,
      clock: ports.clock,
      tenantId: record.job.tenantId,
      migrationId: record.id,
      label: { phase },
      writeEveryMs: settings.progressWriteMs,
      write: (counts) => writePhase(record, phase, (draft) => Object.assign(draft, counts)),
      onError: (error) => logger.warn({ err: error, jobId: record.id, phase }, "progress was not written"),
    });
    const signal = AbortSignal.any([stopping.signal, run.interrupt.signal]);
    const tenant = tenantOf(record);
    try {
      await withDeadline({ what: phase, timeoutMs, signal }, (phaseSignal) =>
        work({
          tenant,
          job: record.job,
          stack: tenant.slug,
          isRetry,
          signal: phaseSignal,
          engine,
          ports,
          settings,
          ledger,
          artifacts: store.artifacts,
          operation: { onProgress: progress.onProgress, signal: phaseSignal, timeoutMs },
          work: () => read(record.id).work,
          remember: (change) => {
            lease.assertHeld();
            return store.migrations.update(record.id, (draft) => change(draft.work));
          },
          acquireLease: () => lease.hold(),
        }),
      );
    } finally {
      const counts = await progress.finish();
      if (counts.resourcesPlanned + counts.resourcesDone > 0) {
        await writePhase(record, phase, (draft) => Object.assign(draft, counts));
      }
    }
  }

  function begin(record: MigrationRecord, phase: Phase): Promise<MigrationRecord> {
    return ledger.changeMigration(record.id, bySystem(`begin ${phase}`), (draft) => {
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
    });
  }

  async function fail(record: MigrationRecord, phase: Phase | null, error: TierliftError): Promise<void> {
    const { status } = record.job;
    const facts = { err: error, jobId: record.id, tenantId: record.job.tenantId, phase };
    if (error.code === "INTERNAL") logger.error(facts, "a migration failed unexpectedly");
    else logger.warn(facts, "a migration failed");
    await report(record.id, "failed", error.message, (draft) => {
      draft.job.error = { code: error.code, message: error.message, phase, status };
    });
  }

  async function report(
    jobId: string,
    event: Report,
    reason?: string,
    edit: (draft: MigrationRecord) => void = () => undefined,
  ): Promise<void> {
    const { job } = read(jobId);
    const status = transition(job, event);
    // Whoever hears that a migration has ended finds the tenant free; a crash in between is made good at the start.
    if (isEnded(status)) await syncTenant(job.tenantId, status);
    const changed = await ledger.changeMigration(jobId, bySystem(event, reason), (draft) => {
      draft.job.status = transition(draft.job, event);
      edit(draft);
      arrive(draft, ports.clock.now(), settings.verificationWindowMs);
    });
    if (!isEnded(status)) await syncTenant(job.tenantId, status);
    if (changed.job.status === "VERIFICATION") void watchWindow(changed);
  }

  /** The tenant is UPGRADING from the first change to its stack until the migration has ended. */
  async function syncTenant(tenantId: string, migration: JobStatus): Promise<void> {
    const status = isEnded(migration) ? "ACTIVE" : "UPGRADING";
    const tenant = store.tenants.get(tenantId);
    if (tenant === undefined || tenant.status === status) return;
    if (tenant.status !== "ACTIVE" && tenant.status !== "UPGRADING") return;
    await ledger.changeTenant(tenantId, bySystem(`migration ${migration}`), (draft) => {
      draft.status = status;
    });
  }

  /** A window that ends without an answer ends in the state that loses nothing: the tenant stays where it is served. */
  async function watchWindow({ id, job }: MigrationRecord): Promise<void> {
    const deadline = job.verificationDeadline;
    if (deadline === undefined) return;
    const isOpen = (): boolean => {
      const present = store.migrations.get(id)?.job;
      return present?.status === "VERIFICATION" && present.verificationDeadline === deadline;
    };
    try {
      while (isOpen()) {
        const left = Date.parse(deadline) - ports.clock.now().getTime();
        if (left <= 0) {
          await expire(id, deadline);
          return wake(id);
        }
        await ports.clock.sleep(Math.min(left, DAY_MS), stopping.signal);
      }
    } catch (error) {
      if (!stopping.signal.aborted)
        logger.error({ err: error, jobId: id }, "a verification window was not watched");
    }
  }

  async function expire(jobId: string, deadline: string): Promise<void> {
    const reason = `the verification window ended at ${deadline} without an answer`;
    await ledger.changeMigration(jobId, bySystem("rollback", reason), (draft) => {
      draft.job.status = transition(draft.job, "rollback");
      draft.job.reason = reason;
    });
  }

  function writePhase(
    { id }: MigrationRecord,
    phase: Phase,
    change: (draft: PhaseRecord) => void,
  ): Promise<MigrationRecord> {
    return store.migrations.update(id, (draft) => {
      const present = recordOf(draft.job, phase);
      if (present !== undefined) change(present);
      draft.job.updatedAt = now();
    });
  }

  async function tellPhase(
    record: MigrationRecord,
    phase: Phase,
    state: string,
    more: Record<string, unknown>,
  ): Promise<void> {
    const phases = phasesOf(record.job);
    const data = { phase, number: phases.indexOf(phase) + 1, total: phases.length, state, ...more };
    await events.emit(record.job.tenantId, { type: "phase", migrationId: record.id, data });
  }

  async function pause(ms: number, run: Run): Promise<void> {
    const signal = AbortSignal.any([stopping.signal, run.interrupt.signal]);
    // Woken early by a command or the end of the service: the loop looks what there is to do.
    await ports.clock.sleep(ms, signal).catch(() => undefined);
  }

  function tenantOf({ job }: MigrationRecord) {
    const tenant = store.tenants.get(job.tenantId);
    if (tenant === undefined) throw tierliftError("TENANT_NOT_FOUND", { tenantId: job.tenantId });
    return tenant;
  }

  const now = (): string => ports.clock.now().toISOString();

  return {
    async start() {
      for (const record of store.migrations.list(({ job }) => !isEnded(job.status))) {
        if (record.job.phases.length > 0) await syncTenant(record.job.tenantId, record.job.status);
        if (record.job.status === "VERIFICATION") void watchWindow(record);
        else wake(record.id);
      }
      await releaseTenantsOfEnded();
    },
    wake,
    async stop() {
      stopping.abort(new Error("the service stops"));
      await Promise.all([...runs.values()].map(({ done }) => done));
    },
  };

  /** A crash between a migration's end and its tenant's status leaves the tenant UPGRADING with nothing active. */
  async function releaseTenantsOfEnded(): Promise<void> {
    const active = new Set(
      store.migrations.list(({ job }) => !isEnded(job.status)).map(({ job }) => job.tenantId),
    );
    for (const { id } of store.tenants.list(({ id, status }) => status === "UPGRADING" && !active.has(id))) {
      await ledger.changeTenant(id, bySystem("migration ended"), (draft) => {
        draft.status = "ACTIVE";
      });
    }
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** What a job looks like on arrival in its new state. */
function arrive({ job, work }: MigrationRecord, now: Date, verificationWindowMs: number): void {
  if (job.status !== "FAILED" && job.status !== "VERIFICATION") delete job.error;
  if (job.status === "VERIFICATION") {
    job.verificationDeadline = new Date(now.getTime() + verificationWindowMs).toISOString();
  }
  if (job.status !== "FAILED") job.provisioningState = null;
  if (isEnded(job.status)) job.completedAt = now.toISOString();
  if (job.status === "ROLLED_BACK" || job.status === "CANCELLED") work.cutover = {};
}

function assertUnchanged(seen: MigrationRecord, present: MigrationRecord): void {
  const { status } = present.job;
  if (status !== seen.job.status) {
    throw tierliftError("ILLEGAL_TRANSITION", { command: "advance", from: status, to: seen.job.status });
  }
}

function phaseRecord({ job }: MigrationRecord, phase: Phase): PhaseRecord {
  const record = recordOf(job, phase);
  if (record === undefined) throw new Error(`migration ${job.id} has not begun ${phase}`);
  return record;
}

function durationOf({ startedAt, finishedAt }: PhaseRecord): number {
  return finishedAt === undefined ? 0 : Date.parse(finishedAt) - Date.parse(startedAt);
}

/** From the lock on, the tenant's stack is this migration's. */
function worksOnStack({ job }: MigrationRecord): boolean {
  return recordOf(job, "ACQUIRING_TF_LOCK")?.outcome !== undefined;
}

interface LeaseKeeper {
  hold(): Promise<void>;
  assertHeld(): void;
  release(): Promise<void>;
}

/** The lease of a migration's loop: taken when it is first needed, given back when the loop rests. */
function createLeaseKeeper(leases: Leases, tenantId: string, signal: AbortSignal): LeaseKeeper {
  let held: HeldLease | undefined;
  return {
    async hold() {
      held ??= await leases.acquire(tenantId, signal);
    },
    assertHeld: () => held?.assertHeld(),
    async release() {
      const lease = held;
      held = undefined;
      await lease?.release();
    },
  };
}

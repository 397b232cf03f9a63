/** The steps of a migration: a phase run, a phase undone, the check at the end of an undo, each written as it goes. */
import { withDeadline } from "../deadline.ts";
import type { StackEngine } from "../engine/engine.ts";
import { asTierliftError, tierliftError } from "../errors.ts";
import type { TierliftError } from "../errors.ts";
import type { EventLog } from "../events.ts";
import type { Ledger } from "../ledger.ts";
import type { Logger } from "../logger.ts";
import type { MigrationRecord, Phase, PhaseRecord } from "../model.ts";
import type { Ports } from "../ports.ts";
import { createProgress } from "../progress.ts";
import type { TierliftSettings } from "../settings.ts";
import type { Store } from "../store/store.ts";
import type { Journal } from "./journal.ts";
import { PHASE_DEFINITIONS } from "./phases/index.ts";
import type { PhaseContext } from "./phases/phase.ts";
import { checkUndone } from "./phases/footprint.ts";
import { stayOnOwnSide, switchBack as runSwitchBack } from "./phases/switching-back.ts";
import { pathOf, recordOf } from "./plan.ts";

export interface StepsOptions {
  store: Store;
  ledger: Ledger;
  events: EventLog;
  engine: StackEngine;
  ports: Ports;
  settings: TierliftSettings;
  logger: Logger;
  journal: Journal;
}

/** What ends a step early, and whose stack it works on. */
export interface Control {
  /** The service stops: nothing is written, the next start goes on. */
  stopping: AbortSignal;
  /** A command wants something else of the migration. */
  interrupt: AbortSignal;
  lease: LeaseKeeper;
}

export interface LeaseKeeper {
  hold(): Promise<void>;
  assertHeld(): void;
  release(): Promise<void>;
}

export interface Steps {
  run(record: MigrationRecord, phase: Phase, control: Control): Promise<void>;
  undo(record: MigrationRecord, phase: Phase, control: Control): Promise<void>;
  /** From the grace period to the slice, or back into the grace period when that fails. */
  switchBack(record: MigrationRecord, control: Control): Promise<void>;
  /** Throws UNDO_INCOMPLETE. */
  check(record: MigrationRecord, control: Control): Promise<void>;
}

export function createSteps(options: StepsOptions): Steps {
  const { store, ledger, events, engine, ports, settings, logger, journal } = options;

  async function run(record: MigrationRecord, phase: Phase, control: Control): Promise<void> {
    const begun = await journal.begin(record, phase);
    const { attempts } = phaseRecord(begun, phase);
    await journal.tellPhase(begun, phase, "started", { attempt: attempts });
    try {
      await inPhase(begun, phase, control, attempts > 1, PHASE_DEFINITIONS[phase].run);
    } catch (error) {
      return runFailed(begun, phase, control, asTierliftError(error));
    }
    const ended = await journal.endPhase(record.id, phase, { outcome: "DONE" });
    await journal.tellPhase(ended, phase, "done", { durationMs: durationOf(phaseRecord(ended, phase)) });
  }

  async function runFailed(
    record: MigrationRecord,
    phase: Phase,
    control: Control,
    error: TierliftError,
  ): Promise<void> {
    // Left as begun: the next start goes on with it.
    if (control.stopping.aborted) return;
    const { aborted: interrupted } = control.interrupt;
    const end = { outcome: "FAILED", error: error.message, counts: !interrupted } as const;
    const ended = await journal.endPhase(record.id, phase, end);
    const isFinal = interrupted || phase === "CUTTING_OVER" || !error.retryable;
    const retryInMs = isFinal ? undefined : settings.retryDelaysMs[phaseRecord(ended, phase).failures - 1];
    await journal.tellPhase(ended, phase, "failed", {
      error: error.message,
      code: error.code,
      retryInMs: retryInMs ?? null,
    });
    if (interrupted) return;
    logger.warn({ err: error, jobId: record.id, phase, retryInMs }, "a phase failed");
    if (phase === "CUTTING_OVER") return takeCutoverBack(ended, control, error);
    if (retryInMs === undefined) return journal.fail(ended, phase, error);
    await pause(retryInMs, control);
  }

  /** The tenant is back on its slice, able to write, before anyone hears that the switch failed. */
  async function takeCutoverBack(
    record: MigrationRecord,
    control: Control,
    error: TierliftError,
  ): Promise<void> {
    const phase = "CUTTING_OVER";
    const failure = await tryUndo(record, phase, control);
    if (control.stopping.aborted) return;
    if (failure !== undefined) {
      const { slug } = journal.tenantOf(record);
      const problem = `${failure.message} The switch had failed because: ${error.message}`;
      return journal.fail(
        record,
        phase,
        tierliftError("SWITCH_BACK_FAILED", { slug, problem }, { cause: failure }),
      );
    }
    const { code, message } = error;
    await journal.report(record.id, "cutoverFailed", message, { code, message, phase, status: phase });
  }

  async function switchBack(record: MigrationRecord, control: Control): Promise<void> {
    const phase = "CUTTING_OVER";
    const begun = await journal.beginUndo(record, phase);
    const attempt = () => inPhase(begun, phase, control, true, runSwitchBack);
    const isReturning = () => journal.read(record.id).work.cutover.returningAt !== undefined;
    let failure = await tryOnce(attempt);
    if (failure !== undefined && isReturning()) failure = await tryOften(control, attempt);
    if (control.stopping.aborted) return;
    if (failure === undefined) {
      const ended = await journal.endPhase(record.id, phase, { outcome: "UNDONE" });
      await journal.tellPhase(ended, phase, "undone", { error: null });
      await journal.report(record.id, "switchedBack");
      return;
    }
    logger.warn({ err: failure, jobId: record.id }, "a switch back failed");
    await journal.tellPhase(begun, phase, "undo failed", { error: failure.message, code: failure.code });
    const stuck = isReturning()
      ? failure
      : await tryOften(control, () => inPhase(begun, phase, control, true, stayOnOwnSide));
    if (control.stopping.aborted) return;
    if (stuck !== undefined) return journal.fail(begun, phase, stuck);
    const { code, message } = failure;
    const error = { code, message, phase, status: record.job.status } as const;
    await journal.report(record.id, "switchBackFailed", message, error);
  }

  async function undo(record: MigrationRecord, phase: Phase, control: Control): Promise<void> {
    const begun = await journal.beginUndo(record, phase);
    const failure = await tryUndo(begun, phase, control);
    if (failure === undefined || control.stopping.aborted) return;
    logger.warn({ err: failure, jobId: record.id, phase }, "an undo failed; the others go on");
  }

  /** Tries an undo as often as a phase, writes how it ended, and answers why it failed. */
  async function tryUndo(
    record: MigrationRecord,
    phase: Phase,
    control: Control,
  ): Promise<TierliftError | undefined> {
    const failure = await tryOften(control, () =>
      inPhase(record, phase, control, true, PHASE_DEFINITIONS[phase].undo),
    );
    if (control.stopping.aborted) return failure;
    const error = failure?.message;
    const ended = await journal.endPhase(record.id, phase, {
      outcome: failure ? "UNDO_FAILED" : "UNDONE",
      error,
    });
    await journal.tellPhase(ended, phase, failure ? "undo failed" : "undone", { error: error ?? null });
    return failure;
  }

  /** Tries as often as a phase is tried; answers why the last try failed. */
  async function tryOften(control: Control, work: () => Promise<void>): Promise<TierliftError | undefined> {
    for (const delay of [...settings.retryDelaysMs, undefined]) {
      const failure = await tryOnce(work);
      if (failure === undefined) return undefined;
      if (!failure.retryable || delay === undefined || control.stopping.aborted) return failure;
      await pause(delay, control);
    }
    return undefined;
  }

  async function tryOnce(work: () => Promise<void>): Promise<TierliftError | undefined> {
    try {
      await work();
      return undefined;
    } catch (error) {
      return asTierliftError(error);
    }
  }

  async function check(record: MigrationRecord, control: Control): Promise<void> {
    // What never came as far as the stack's lock has not touched the stack.
    if (pathOf(record.job) !== "resize" && worksOnStack(record)) {
      // Azure's lists show for a moment what is gone.
      const failure = await tryOften(control, () =>
        inPhase(record, "ACQUIRING_TF_LOCK", control, true, checkUndone),
      );
      if (failure !== undefined) throw failure;
    }
    const open = record.job.phases.filter(({ outcome }) => outcome === "UNDO_FAILED");
    if (open.length > 0) {
      const problems = open.map(({ phase, error }) => `${phase}: ${error ?? "could not be undone"}`);
      throw tierliftError("UNDO_INCOMPLETE", { slug: journal.tenantOf(record).slug, problems });
    }
    await journal.report(record.id, record.job.status === "CANCELLING" ? "cancelled" : "rolledBack");
  }

  /** Gives a phase its surroundings: a deadline, a way to be ended, progress that is seen. */
  async function inPhase(
    record: MigrationRecord,
    phase: Phase,
    { stopping, interrupt, lease }: Control,
    isRetry: boolean,
    work: (context: PhaseContext) => Promise<void>,
  ): Promise<void> {
    const tenant = journal.tenantOf(record);
    const { job, id } = record;
    const timeoutMs = settings.phaseTimeoutMs[phase] ?? settings.phaseTimeoutMs.default;
    const write = (counts: object) => journal.writePhase(id, phase, (draft) => Object.assign(draft, counts));
    const progress = createProgress({
      events,
      clock: ports.clock,
      tenantId: job.tenantId,
      migrationId: id,
      label: { phase },
      writeEveryMs: settings.progressWriteMs,
      write,
      onError: (error) => logger.warn({ err: error, jobId: id, phase }, "progress was not written"),
    });
    const deadline = { what: phase, timeoutMs, signal: AbortSignal.any([stopping, interrupt]) };
    try {
      await withDeadline(deadline, (signal) =>
        work({
          tenant,
          job,
          stack: tenant.slug,
          isRetry,
          signal,
          engine,
          ports,
          settings,
          ledger,
          artifacts: store.artifacts,
          operation: { onProgress: progress.onProgress, signal, timeoutMs },
          work: () => journal.read(id).work,
          remember: (change) => {
            lease.assertHeld();
            return store.migrations.update(id, (draft) => change(draft.work));
          },
          acquireLease: () => lease.hold(),
        }),
      );
    } finally {
      const counts = await progress.finish();
      if (counts.resourcesPlanned + counts.resourcesDone > 0) await write(counts);
    }
  }

  async function pause(ms: number, { stopping, interrupt }: Control): Promise<void> {
    // Woken early by a command or the end of the service: the loop looks what there is to do.
    await ports.clock.sleep(ms, AbortSignal.any([stopping, interrupt])).catch(() => undefined);
  }

  return { run, undo, switchBack, check };
}

/** From the lock on, the tenant's stack is this migration's. */
export function worksOnStack({ job }: Pick<MigrationRecord, "job">): boolean {
  return recordOf(job, "ACQUIRING_TF_LOCK")?.outcome !== undefined;
}

function phaseRecord({ job }: MigrationRecord, phase: Phase): PhaseRecord {
  const record = recordOf(job, phase);
  if (record === undefined) throw new Error(`migration ${job.id} has not begun ${phase}`);
  return record;
}

function durationOf({ startedAt, finishedAt }: PhaseRecord): number {
  return finishedAt === undefined ? 0 : Date.parse(finishedAt) - Date.parse(startedAt);
}

/**
 * Drives migrations: asks what comes next, writes that it begins, does it, writes how it ended. It can be stopped
 * anywhere and finds its way again from what is written.
 */
import { asTierliftError } from "../errors.ts";
import type { HeldLease, Leases } from "../lease.ts";
import type { JobStatus, MigrationRecord } from "../model.ts";
import { untilAborted } from "../serial.ts";
import { createFollowing } from "./following.ts";
import { createJournal } from "./journal.ts";
import { nextStep } from "./plan.ts";
import type { Step } from "./plan.ts";
import { isEnded } from "./states.ts";
import { createSteps, worksOnStack } from "./steps.ts";
import type { Control, LeaseKeeper, StepsOptions } from "./steps.ts";
import { watchWindow } from "./window.ts";

export interface MigratorOptions extends Omit<StepsOptions, "journal"> {
  leases: Leases;
  /** Work on tenants waits for it. */
  platformReady: Promise<void>;
}

export interface Migrator {
  /** Goes on with every migration that is not at rest. */
  start(): Promise<void>;
  /** Looks at the migration again: a command has changed it. `interrupt` ends the step that no longer fits. */
  wake(jobId: string, options?: { interrupt?: boolean }): void;
  /** Ends what runs in good order; a later start goes on with it. */
  stop(): Promise<void>;
}

interface Run {
  /** The status the present step was chosen for; a command that changed it interrupts the step. */
  status: JobStatus | null;
  interrupt: AbortController;
  /** Woken while it ran: it looks once more before it rests. */
  again: boolean;
  done: Promise<void>;
}

export function createMigrator(options: MigratorOptions): Migrator {
  const { store, ledger, ports, settings, logger, leases, platformReady } = options;
  const { verificationWindowMs, graceMs } = settings;
  const journal = createJournal({ ...options, clock: ports.clock, verificationWindowMs, graceMs });
  const steps = createSteps({ ...options, journal });
  const following = createFollowing({ ...options, journal });
  const stopping = new AbortController();
  const readyOrStopping = Promise.race([platformReady, untilAborted(stopping.signal)]);
  readyOrStopping.catch(() => undefined); // it is told where it is awaited
  const runs = new Map<string, Run>();

  function wake(jobId: string, { interrupt = false } = {}): void {
    if (stopping.signal.aborted) return;
    following.drop(journal.read(jobId));
    const present = runs.get(jobId);
    if (present === undefined) {
      const run: Run = {
        status: null,
        interrupt: new AbortController(),
        again: false,
        done: Promise.resolve(),
      };
      runs.set(jobId, run);
      run.done = drive(jobId, run);
      return;
    }
    present.again = true;
    const isOutdated = present.status !== journal.read(jobId).job.status;
    if (interrupt && isOutdated) present.interrupt.abort(new Error("a command changed the migration"));
  }

  /** One migration's loop, until it rests or the service stops. */
  async function drive(jobId: string, run: Run): Promise<void> {
    const lease = createLeaseKeeper(leases, journal.read(jobId).job.tenantId, stopping.signal);
    try {
      await readyOrStopping;
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
      const record = journal.read(jobId);
      const step = nextStep(record, settings.reviewRequired);
      if (step.kind === "rest") return;
      run.status = record.job.status;
      run.interrupt = new AbortController();
      try {
        await following.sync(record);
        if (worksOnStack(record)) await lease.hold();
        await perform(record, step, { stopping: stopping.signal, interrupt: run.interrupt.signal, lease });
      } catch (error) {
        if (stopping.signal.aborted) return;
        // A command was quicker: what it made of the migration is looked at next.
        if (journal.read(jobId).job.status !== record.job.status) continue;
        await journal.fail(record, record.job.provisioningState, asTierliftError(error));
      }
      await watch(journal.read(jobId));
    }
  }

  async function perform(
    record: MigrationRecord,
    step: Exclude<Step, { kind: "rest" }>,
    control: Control,
  ): Promise<void> {
    switch (step.kind) {
      case "run":
        return steps.run(record, step.phase, control);
      case "undo":
        return steps.undo(record, step.phase, control);
      case "check":
        return steps.check(record, control);
      case "switchBack":
        return steps.switchBack(record, control);
      case "report":
        await journal.report(record.id, step.report);
    }
  }

  async function watch(record: MigrationRecord): Promise<void> {
    if (!stopping.signal.aborted) await following.sync(record);
    if (record.job.status !== "VERIFICATION" && record.job.status !== "GRACE_PERIOD") return;
    watchWindow(record, { journal, ledger, clock: ports.clock, signal: stopping.signal }).then(
      (isOver) => isOver && wake(record.id),
      (error: unknown) => {
        if (stopping.signal.aborted) return;
        logger.error({ err: error, jobId: record.id }, "a deadline is no longer watched");
      },
    );
  }

  return {
    async start() {
      await journal.syncTenants();
      for (const record of store.migrations.list(({ job }) => !isEnded(job.status))) {
        await watch(record);
        wake(record.id);
      }
    },
    wake,
    async stop() {
      stopping.abort(new Error("the service stops"));
      await Promise.all([...[...runs.values()].map(({ done }) => done), following.stop()]);
    },
  };
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

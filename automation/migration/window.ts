/** Times with a deadline, watched to their end: the tenant's to try its new infrastructure, and the grace period. */
import { bySystem } from "../ledger.ts";
import type { Ledger } from "../ledger.ts";
import type { JobStatus, MigrationRecord, TierMigrationJob } from "../model.ts";
import type { Clock } from "../ports.ts";
import type { Journal } from "./journal.ts";
import { transition } from "./states.ts";
import type { Trigger } from "./states.ts";

/** Timers hold 31 bits of milliseconds, less than a long window has. */
const DAY_MS = 24 * 60 * 60 * 1000;

export interface WindowOptions {
  journal: Journal;
  ledger: Ledger;
  clock: Clock;
  signal: AbortSignal;
}

interface Window {
  deadlineOf(job: TierMigrationJob): string | undefined;
  trigger: Trigger;
  reasonAt(deadline: string): string;
}

const WINDOWS: Partial<Record<JobStatus, Window>> = {
  // The state that loses nothing: the tenant is served from its slice until it says otherwise.
  VERIFICATION: {
    deadlineOf: ({ verificationDeadline }) => verificationDeadline,
    trigger: "rollback",
    reasonAt: (deadline) => `the verification window ended at ${deadline} without an answer`,
  },
  GRACE_PERIOD: {
    deadlineOf: ({ graceDeadline }) => graceDeadline,
    trigger: "graceEnded",
    reasonAt: (deadline) => `the grace period ended at ${deadline}`,
  },
};

/** Waits until the migration's window is answered or over, and goes on when it is over. Answers whether it did. */
export async function watchWindow({ id, job }: MigrationRecord, options: WindowOptions): Promise<boolean> {
  const { journal, ledger, clock, signal } = options;
  const window = WINDOWS[job.status];
  const deadline = window?.deadlineOf(job);
  if (window === undefined || deadline === undefined) return false;
  const isOpen = (): boolean => {
    const present = journal.read(id).job;
    return present.status === job.status && window.deadlineOf(present) === deadline;
  };
  while (isOpen()) {
    const left = Date.parse(deadline) - clock.now().getTime();
    if (left > 0) {
      await clock.sleep(Math.min(left, DAY_MS), signal);
      continue;
    }
    const reason = window.reasonAt(deadline);
    await ledger.changeMigration(id, bySystem(window.trigger, reason), (draft) => {
      draft.job.status = transition(draft.job, window.trigger);
      if (window.trigger === "rollback") draft.job.reason = reason;
    });
    return true;
  }
  return false;
}

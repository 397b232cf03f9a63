/** The tenant's time to try its new infrastructure, watched to its end. */
import { bySystem } from "../ledger.ts";
import type { Ledger } from "../ledger.ts";
import type { MigrationRecord } from "../model.ts";
import type { Clock } from "../ports.ts";
import type { Journal } from "./journal.ts";
import { transition } from "./states.ts";

/** Timers hold 31 bits of milliseconds, less than a long window has. */
const DAY_MS = 24 * 60 * 60 * 1000;

export interface WindowOptions {
  journal: Journal;
  ledger: Ledger;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Waits until the window of this migration is answered or over, and begins the rollback when it is over: the state
 * that loses nothing, since the tenant is served from its slice until it says otherwise. Answers whether it did.
 */
export async function watchWindow({ id, job }: MigrationRecord, options: WindowOptions): Promise<boolean> {
  const { journal, ledger, clock, signal } = options;
  const { verificationDeadline: deadline } = job;
  if (deadline === undefined) return false;
  const isOpen = (): boolean => {
    const { status, verificationDeadline } = journal.read(id).job;
    return status === "VERIFICATION" && verificationDeadline === deadline;
  };
  while (isOpen()) {
    const left = Date.parse(deadline) - clock.now().getTime();
    if (left > 0) {
      await clock.sleep(Math.min(left, DAY_MS), signal);
      continue;
    }
    const reason = `the verification window ended at ${deadline} without an answer`;
    await ledger.changeMigration(id, bySystem("rollback", reason), (draft) => {
      draft.job.status = transition(draft.job, "rollback");
      draft.job.reason = reason;
    });
    return true;
  }
  return false;
}

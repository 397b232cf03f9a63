/** What each verb does. */
import type { Verb } from "../request.ts";
import { copyDatabases } from "./copy.ts";
import type { CopyContext } from "./copy.ts";
import { applyDelta } from "./delta.ts";
import { cutOver } from "./cutover.ts";
import { setFrozen } from "./freeze.ts";
import { inspectTenant } from "./inspect.ts";
import { provisionRole } from "./provision.ts";
import { purgeTenant } from "./purge.ts";
import type { DataReport } from "./report.ts";
import { catchUpDatabases } from "./replication/catch-up-databases.ts";
import { detachDatabases } from "./replication/detach.ts";
import { endReverse } from "./reverse/end.ts";
import { reopen } from "./reverse/read-only.ts";
import { returnToShared } from "./reverse/return.ts";
import { bringBackDatabases } from "./reverse/rounds.ts";
import { verifyDatabases } from "./verify.ts";

const RUN = {
  provision: provisionRole,
  copy: copyDatabases,
  verify: verifyDatabases,
  delta: applyDelta,
  cutover: cutOver,
  freeze: (context) => setFrozen(context, "freeze"),
  unfreeze: (context) => setFrozen(context, "unfreeze"),
  purge: purgeTenant,
  inspect: inspectTenant,
  "catch-up": catchUpDatabases,
  detach: detachDatabases,
  reverse: bringBackDatabases,
  return: returnToShared,
  reopen,
  "end-reverse": endReverse,
} as const satisfies Record<Verb, (context: CopyContext) => Promise<DataReport>>;

/** Throws a `DataError` that says what failed and where. */
export async function runVerb(verb: Verb, context: CopyContext): Promise<DataReport> {
  return await RUN[verb](context);
}

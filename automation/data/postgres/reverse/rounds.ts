/** `reverse`: what the tenant changed on its own server since the cutover, brought back to the shared one. */
import type { CopyContext } from "../copy.ts";
import { followAll } from "../replication/catch-up-databases.ts";
import type { CatchUpReport } from "../report.ts";
import { createBackFollower } from "./sides.ts";

/** One round over all databases. Repeatable, and good to be ended anywhere. Throws `REFUSED` where none was begun. */
export function bringBackDatabases(context: CopyContext): Promise<CatchUpReport> {
  return followAll(context, "reverse", createBackFollower);
}

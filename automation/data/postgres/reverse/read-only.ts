/**
 * `reopen`, and the freeze of a return: whether the tenant's own databases take writes. Its services work there as the
 * administrator, from whom no right can be taken; a database that is read-only by default stops them all the same.
 */
import { at } from "../../errors.ts";
import { requireTarget } from "../../request.ts";
import { APPLICATION_NAME, query, quoteName } from "../connection.ts";
import type { Client } from "../connection.ts";
import type { CopyContext } from "../copy.ts";
import { endSessions, MAINTENANCE_DATABASE } from "../roles.ts";
import { secondsSince } from "../../progress.ts";
import type { ReopenReport } from "../report.ts";

/** A freeze is part of the tenant's downtime. */
const END_SESSIONS_MS = 2_000;

/** The tenant's own databases take writes again. Repeatable. */
export async function reopen(context: CopyContext): Promise<ReopenReport> {
  const startedMs = performance.now();
  const endedSessions = await setReadOnly(context, false);
  return { store: "postgres", verb: "reopen", endedSessions, seconds: secondsSince(startedMs) };
}

/** Sessions that began before it are ended, whichever they had: a default holds for new ones. Answers how many. */
export async function setReadOnly(
  { request, connections }: Pick<CopyContext, "request" | "connections">,
  readOnly: boolean,
): Promise<number> {
  const { databases } = request;
  return await connections.using(requireTarget(request), MAINTENANCE_DATABASE, "target", (main) =>
    at({ side: "target" }, async () => {
      const change = readOnly
        ? "SET default_transaction_read_only = on"
        : "RESET default_transaction_read_only";
      if (!readOnly && !(await isAnyReadOnly(main, databases))) return 0;
      for (const database of databases) await main.query(`ALTER DATABASE ${quoteName(database)} ${change}`);
      return await endEarlierSessions(main, databases);
    }),
  );
}

async function isAnyReadOnly(main: Client, databases: string[]): Promise<boolean> {
  const rows = await query(
    main,
    `SELECT FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
     WHERE s.setrole = 0 AND d.datname = ANY ($1) AND 'default_transaction_read_only=on' = ANY (s.setconfig)`,
    [databases],
  );
  return rows.length > 0;
}

/** But for our own, and those of the service itself, which nobody else may end. */
async function endEarlierSessions(main: Client, databases: string[]): Promise<number> {
  const [now] = await query<{ at: string }>(main, "SELECT clock_timestamp()::text AS at");
  const sessions = {
    condition: `datname = ANY ($1) AND backend_type = 'client backend' AND application_name <> $2 AND backend_start <= $3
      AND usesysid NOT IN (SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper)`,
    values: [databases, APPLICATION_NAME, now?.at],
    whose: "the tenant's own databases",
  };
  return await endSessions(main, sessions, END_SESSIONS_MS);
}

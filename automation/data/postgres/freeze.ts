/** `freeze` and `unfreeze`: whether the tenant's role may write to the shared databases. */
import pLimit from "p-limit";
import { at, DataError } from "../errors.ts";
import { roleNameOf } from "../request.ts";
import { lockPrivileges } from "./claim.ts";
import { query, quoteName } from "./connection.ts";
import type { Client } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import { secondsSince } from "../progress.ts";
import type { FreezeReport } from "./report.ts";
import { endSessions, isMember, MAINTENANCE_DATABASE, roleExists, sessionsOf, WRITER } from "./roles.ts";
import { fromExtension, USER_SCHEMAS } from "./tables.ts";

/** A freeze is part of the tenant's downtime. */
const END_SESSIONS_MS = 2_000;
const DATABASES_AT_ONCE = 4;

/**
 * After `freeze` no transaction of the role can write, and none that wrote before is open: its sessions are ended, and
 * services connect again, reading only. Throws when some other grant still lets the role write. Without the role there
 * is nothing to freeze, and the report says so.
 */
export async function setFrozen(
  { request, connections }: CopyContext,
  verb: "freeze" | "unfreeze",
): Promise<FreezeReport> {
  const startedMs = performance.now();
  const role = roleNameOf(request);
  return await connections.using(request.source, MAINTENANCE_DATABASE, "source", async (main) => {
    const place = { side: "source" } as const;
    const report = (rest: Pick<FreezeReport, "roleExists" | "writable" | "endedSessions">): FreezeReport => ({
      store: "postgres",
      verb,
      role,
      ...rest,
      seconds: secondsSince(startedMs),
    });
    if (!(await at(place, () => roleExists(main, role)))) {
      return report({ roleExists: false, writable: false, endedSessions: 0 });
    }
    await at(place, () => lockPrivileges(main));
    if (verb === "unfreeze") {
      await at(place, () => main.query(`GRANT ${WRITER} TO ${quoteName(role)}`));
      return report({ roleExists: true, writable: true, endedSessions: 0 });
    }
    await at(place, () => revokeWriter(main, role));
    const endedSessions = await at(place, () => endSessions(main, sessionsOf(role), END_SESSIONS_MS));
    const limit = pLimit(DATABASES_AT_ONCE);
    const requireOne = (database: string): Promise<void> =>
      connections.using(request.source, database, "source", (client) =>
        requireFrozen(client, role, database),
      );
    await Promise.all(request.databases.map((database) => limit(() => requireOne(database))));
    return report({ roleExists: true, writable: false, endedSessions });
  });
}

async function revokeWriter(main: Client, role: string): Promise<void> {
  if (await isMember(main, role, WRITER)) await main.query(`REVOKE ${WRITER} FROM ${quoteName(role)}`);
}

/** Grants made by hand, to the role itself, to PUBLIC or by another group, would let writes through. */
async function requireFrozen(client: Client, role: string, database: string): Promise<void> {
  const place = { side: "source", database } as const;
  const rows = await at(place, () =>
    query<{ table: string }>(
      client,
      `SELECT format('%I.%I', n.nspname, c.relname) AS table
       FROM pg_catalog.pg_class c JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p') AND NOT ${fromExtension("pg_class", "c.oid")}
         AND has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
       ORDER BY 1 LIMIT 5`,
      [role],
    ),
  );
  if (rows.length === 0) return;
  throw new DataError(
    "REFUSED",
    `role ${role} can still write by a grant of its own: ${rows.map(({ table }) => table).join(", ")}; revoke it first`,
    place,
  );
}

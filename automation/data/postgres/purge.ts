/** `purge`: a tenant's rows leave the shared databases, and its role the server. */
import { at, DataError } from "../errors.ts";
import { roleNameOf } from "../request.ts";
import { lockPrivileges } from "./claim.ts";
import { bulkQuery, query, quoteName, requireRow, transaction } from "./connection.ts";
import type { Client } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import { planDeletionOrder } from "./order.ts";
import { removeNotes } from "./reverse/end.ts";
import { detachSource } from "./replication/detach.ts";
import { secondsSince } from "../progress.ts";
import type { Progress } from "../progress.ts";
import type { PurgeReport } from "./report.ts";
import { endSessions, MAINTENANCE_DATABASE, READER, roleExists, sessionsOf, WRITER } from "./roles.ts";
import { planTenantFilter, readTables } from "./tables.ts";
import type { Table } from "./tables.ts";

const END_SESSIONS_MS = 10_000;
/** Rows a transaction: short enough that the other tenants never wait for its locks. */
const BATCH = 10_000;

/**
 * Repeatable: what is gone stays gone. Only rows whose `tenant_id` is the tenant's are deleted; where a foreign key
 * would take other rows along, nothing is touched and `REFUSED` names the key.
 */
export async function purgeTenant({ request, connections, progress }: CopyContext): Promise<PurgeReport> {
  const startedMs = performance.now();
  const name = roleNameOf(request);
  await detachSource(request, connections);
  await removeNotes({ request, connections });
  return await connections.using(request.source, MAINTENANCE_DATABASE, "source", async (main) => {
    await at({ side: "source" }, async () => {
      await lockPrivileges(main);
      await shutOut(main, name);
    });
    const databases: PurgeReport["databases"] = [];
    for (const database of request.databases) {
      const tables = await connections.using(request.source, database, "source", (client) =>
        purgeDatabase(client, database, request.tenant.id, progress),
      );
      databases.push({ name: database, tables });
    }
    const dropped = await dropRole({ request, connections, progress }, main, name);
    const rows = databases.flatMap(({ tables }) => tables).reduce((total, table) => total + table.deleted, 0);
    return {
      store: "postgres",
      verb: "purge",
      databases,
      rows,
      role: { name, dropped },
      seconds: secondsSince(startedMs),
    };
  });
}

/** Nobody writes new rows of the tenant while the old ones go. */
async function shutOut(main: Client, role: string): Promise<void> {
  if (!(await roleExists(main, role))) return;
  await main.query(`ALTER ROLE ${quoteName(role)} NOLOGIN`);
  await endSessions(main, sessionsOf(role), END_SESSIONS_MS);
}

async function purgeDatabase(
  client: Client,
  database: string,
  tenantId: string,
  progress: Progress,
): Promise<PurgeReport["databases"][number]["tables"]> {
  const place = { side: "source", database } as const;
  const tables = (await at(place, () => readTables(client))).filter(({ scope }) => scope === "tenant");
  const keys = await at(place, () => readKeys(client));
  await requireOwnReferences(client, database, tables, keys, tenantId);
  const before = await countOthers(client, database, tables, tenantId);
  const deleted = new Map<string, number>();
  const declared = tables.flatMap(({ oid, through }) =>
    through ? [{ from: oid, to: through.table.oid }] : [],
  );
  for (const group of planDeletionOrder(tables, [...keys, ...declared])) {
    const where = { ...place, table: group.map(({ label }) => label).join(", ") };
    const counts = await at(where, () => deleteGroup(client, group, keys, tenantId));
    for (const [label, rows] of counts) {
      deleted.set(label, rows);
      progress({ event: "purged", database, table: label, rows });
    }
  }
  const after = await countOthers(client, database, tables, tenantId);
  return tables.map(({ label }) => ({
    table: label,
    deleted: deleted.get(label) ?? 0,
    others: { before: before.get(label) ?? 0, after: after.get(label) ?? 0 },
  }));
}

/** One foreign key: `from` refers to `to`. */
export interface Key {
  name: string;
  /** `from`, quoted and qualified. */
  table: string;
  from: number;
  to: number;
  /** Columns of `from` and the columns of `to` they refer to, quoted. */
  columns: [string, string][];
  /** What a deletion in `to` does to rows of `from`: `c`ascade, set `n`ull, set `d`efault; else it is refused. */
  onDelete: string;
}

async function readKeys(client: Client): Promise<Key[]> {
  return await query<Key & Record<string, unknown>>(
    client,
    `SELECT quote_ident(k.conname) AS name, k.conrelid::regclass::text AS table,
       k.conrelid AS "from", k.confrelid AS "to",
       k.confdeltype AS "onDelete",
       (SELECT json_agg(json_build_array(quote_ident(f.attname), quote_ident(t.attname)) ORDER BY u.place)
        FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS u(f, t, place)
        JOIN pg_catalog.pg_attribute f ON f.attrelid = k.conrelid AND f.attnum = u.f
        JOIN pg_catalog.pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = u.t) AS columns
     FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'`,
  );
}

/** A key that would change rows of another tenant, or of a table without tenants, stops the purge before it begins. */
async function requireOwnReferences(
  client: Client,
  database: string,
  tables: Table[],
  keys: Key[],
  tenantId: string,
): Promise<void> {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  for (const key of keys) {
    const to = byOid.get(key.to);
    if (!to || !["c", "n", "d"].includes(key.onDelete)) continue;
    const from = byOid.get(key.from);
    const join = key.columns.map(([f, t]) => `f.${f} = t.${t}`).join(" AND ");
    const ours = `t.${planTenantFilter(to, tenantId)}`;
    const others = from ? ` AND (f.${planTenantFilter(from, tenantId)}) IS NOT TRUE` : "";
    const place = { side: "source", database, table: to.label } as const;
    const rows = await at(place, () =>
      bulkQuery(
        client,
        `SELECT 1 FROM ${key.table} f JOIN ${to.sql} t ON ${join} WHERE ${ours}${others} LIMIT 1`,
      ),
    );
    if (rows.length > 0) {
      throw new DataError(
        "REFUSED",
        `rows of others refer to the tenant's by key ${key.name}, which would change them`,
        place,
      );
    }
  }
}

async function countOthers(
  client: Client,
  database: string,
  tables: Table[],
  tenantId: string,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const table of tables) {
    const place = { side: "source", database, table: table.label } as const;
    const rows = await at(place, () =>
      bulkQuery<{ rows: string }>(
        client,
        `SELECT count(*)::text AS rows FROM ONLY ${table.sql} WHERE (${planTenantFilter(table, tenantId)}) IS NOT TRUE`,
      ),
    );
    counts.set(table.label, Number(requireRow(rows, place).rows));
  }
  return counts;
}

/** One table in batches; tables that refer to each other or to themselves in one statement, checked at its end. */
async function deleteGroup(
  client: Client,
  group: Table[],
  keys: Key[],
  tenantId: string,
): Promise<[string, number][]> {
  const [only] = group;
  if (group.length === 1 && only && !keys.some((key) => key.from === only.oid && key.to === only.oid)) {
    return [[only.label, await deleteInBatches(client, only, tenantId)]];
  }
  const parts = group.map(
    (table, index) =>
      `d${index} AS (DELETE FROM ONLY ${table.sql} WHERE ${planTenantFilter(table, tenantId)} RETURNING 1)`,
  );
  const counts = group.map((_, index) => `(SELECT count(*)::int FROM d${index}) AS c${index}`);
  const rows = await transaction(client, "READ WRITE", () =>
    bulkQuery<Record<string, number>>(client, `WITH ${parts.join(", ")} SELECT ${counts.join(", ")}`),
  );
  return group.map((table, index) => [table.label, rows[0]?.[`c${index}`] ?? 0]);
}

async function deleteInBatches(client: Client, table: Table, tenantId: string): Promise<number> {
  let total = 0;
  for (;;) {
    const result = await client.query(
      `DELETE FROM ONLY ${table.sql} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ONLY ${table.sql} WHERE ${planTenantFilter(table, tenantId)} LIMIT ${BATCH}))`,
    );
    const rows = result.rowCount ?? 0;
    total += rows;
    if (rows < BATCH) return total;
  }
}

/** What the role should own by accident is kept: it goes to the administrator. */
async function dropRole({ request, connections }: CopyContext, main: Client, role: string): Promise<boolean> {
  const place = { side: "source" } as const;
  if (!(await at(place, () => roleExists(main, role)))) return false;
  const name = quoteName(role);
  // An administrator who is no superuser may only give away what roles own that it is a member of.
  await at(place, () => main.query(`GRANT ${name} TO CURRENT_USER`));
  for (const database of new Set([...request.databases, MAINTENANCE_DATABASE])) {
    await connections.using(request.source, database, "source", (client) =>
      at({ ...place, database }, () =>
        client.query(`REASSIGN OWNED BY ${name} TO CURRENT_USER; DROP OWNED BY ${name}`),
      ),
    );
  }
  await at(place, async () => {
    for (const group of [READER, WRITER]) {
      if (await roleExists(main, group)) await main.query(`REVOKE ${group} FROM ${name}`);
    }
    await main.query(`DROP ROLE ${name}`);
  });
  return true;
}

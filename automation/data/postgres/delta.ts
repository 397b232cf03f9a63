/** `delta`: under a freeze, tables that changed since the copy are copied once more, so that both sides are equal. */
import pLimit from "p-limit";
import { at, DataError } from "../errors.ts";
import { requireTarget } from "../request.ts";
import { claimTarget } from "./claim.ts";
import { query, SNAPSHOT, transaction } from "./connection.ts";
import type { Client } from "./connection.ts";
import { setSequences } from "./copy.ts";
import type { CopyContext } from "./copy.ts";
import { copyTable } from "./copy-tables.ts";
import { readMarker, writeMarker } from "./marker.ts";
import type { Marker } from "./marker.ts";
import { catchUpAndRestore } from "./replication/catch-up.ts";
import { createFollower } from "./replication/catch-up-databases.ts";
import { secondsSince } from "../progress.ts";
import type { DeltaReport, TableReport } from "./report.ts";
import { readSchema } from "./schema.ts";
import type { Table } from "./tables.ts";
import { comparePairs, isPairSame } from "./verify.ts";
import type { Pair } from "./verify.ts";

const DATABASES_AT_ONCE = 3;
/**
 * Compares every table and copies the different ones again, all of a database in one transaction: whoever reads the
 * target sees the old rows or the new ones. From here on `copy` refuses to replace the database. Repeatable: a second
 * run finds nothing to do.
 */
export async function applyDelta(context: CopyContext): Promise<DeltaReport> {
  const startedMs = performance.now();
  const limit = pLimit(DATABASES_AT_ONCE);
  const databases = await Promise.all(
    context.request.databases.map((database) => limit(() => applyToDatabase(context, database))),
  );
  const copied = databases.flatMap(({ tables }) => tables).filter(({ action }) => action === "copied");
  return {
    store: "postgres",
    verb: "delta",
    databases,
    rows: copied.reduce((total, table) => total + table.rows, 0),
    bytes: copied.reduce((total, table) => total + table.bytes, 0),
    seconds: secondsSince(startedMs),
  };
}

async function applyToDatabase(
  context: CopyContext,
  database: string,
): Promise<DeltaReport["databases"][number]> {
  const { connections, request } = context;
  const tenant = request.tenant.id;
  return await connections.using(request.source, database, "source", (from) =>
    connections.using(requireTarget(request), database, "target", async (to) => {
      await claimTarget(to, database);
      const marker = await requireCopied(to, database, tenant);
      await drain(from, to, database, tenant);
      const pairs = await comparePairs(from, to, database, tenant);
      const changed = pairs.filter((pair) => !isPairSame(pair));
      const copied =
        changed.length === 0
          ? []
          : await copyAgain(context, database, from, to, changed.map(requireTable(database)));
      const { sequences } = await at({ side: "source", database }, () => readSchema(from));
      await setSequences(from, to, database, sequences);
      await at({ side: "target", database }, () =>
        writeMarker(to, database, {
          tenant,
          state: "current",
          migration: request.migrationId,
          following: marker.following,
        }),
      );
      return { name: database, tables: pairs.map((pair) => describe(pair, copied)) };
    }),
  );
}

/** Changes that are followed arrive row by row; what is compared and copied again after that is what did not. */
async function drain(from: Client, to: Client, database: string, tenantId: string): Promise<void> {
  const follower = await createFollower(from, to, database, tenantId);
  if (!follower) return;
  await catchUpAndRestore(follower);
}

function describe(pair: Pair, copied: TableReport[]): DeltaReport["databases"][number]["tables"][number] {
  const again = copied.find((report) => report.table === pair.table.label);
  if (again) return { ...again, action: "copied" };
  const { rows, checksum } = pair.right ?? { rows: 0, checksum: "0" };
  return {
    table: pair.table.label,
    scope: pair.table.scope,
    rows,
    checksum,
    bytes: 0,
    seconds: 0,
    action: "same",
  };
}

const requireTable =
  (database: string) =>
  (pair: Pair): Table => {
    if (pair.left && pair.right) return pair.table;
    throw new DataError(
      "REFUSED",
      `the table is missing on the ${pair.left ? "target" : "source"}: the schema changed since the copy; run copy again`,
      { database, table: pair.table.label },
    );
  };

async function requireCopied(to: Client, database: string, tenant: string): Promise<Marker> {
  const marker = await readMarker(to);
  if (marker?.tenant === tenant && marker.state !== "copying") return marker;
  throw new DataError("REFUSED", "holds no complete copy of this tenant; run copy first", {
    side: "target",
    database,
  });
}

/**
 * Foreign keys of and to these tables are taken off for the transaction and put back at its end, which checks them
 * against the new rows; triggers of the users rest meanwhile, as the rows they would make are copied too.
 */
async function copyAgain(
  context: CopyContext,
  database: string,
  from: Client,
  to: Client,
  tables: Table[],
): Promise<TableReport[]> {
  const place = { side: "target", database } as const;
  return await transaction(from, SNAPSHOT, () =>
    transaction(to, "READ WRITE", async () => {
      const keys = await at(place, () => readForeignKeys(to, tables));
      for (const key of keys) {
        await at({ ...place, table: key.table }, () =>
          to.query(`ALTER TABLE ${key.table} DROP CONSTRAINT ${key.name}`),
        );
      }
      const reports: TableReport[] = [];
      const resting: string[] = [];
      for (const table of tables) {
        await at({ ...place, table: table.label }, async () => {
          resting.push(...(await disableTriggers(to, table)));
          await to.query(`DELETE FROM ONLY ${table.sql}`);
        });
        reports.push(await copyTable(context, database, from, to, { table, comparison: "each" }));
      }
      for (const enable of resting) await at(place, () => to.query(enable));
      for (const key of keys) {
        await at({ ...place, table: key.table }, () =>
          to.query(`ALTER TABLE ${key.table} ADD CONSTRAINT ${key.name} ${key.definition}`),
        );
      }
      return reports;
    }),
  );
}

/** Turns the users' triggers off; returns the statements that turn each on again as it was. */
async function disableTriggers(to: Client, table: Table): Promise<string[]> {
  const enables = await query<{ sql: string }>(
    to,
    `SELECT format('ALTER TABLE %s ENABLE %s TRIGGER %I', tgrelid::regclass,
       CASE tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END, tgname) AS sql
     FROM pg_catalog.pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal AND tgenabled <> 'D'`,
    [table.sql],
  );
  await to.query(`ALTER TABLE ${table.sql} DISABLE TRIGGER USER`);
  return enables.map(({ sql }) => sql);
}

/** Quoted names; only keys declared on the tables themselves, as those of partitions follow their parents. */
async function readForeignKeys(
  to: Client,
  tables: Table[],
): Promise<{ table: string; name: string; definition: string }[]> {
  return await query(
    to,
    `SELECT k.conrelid::regclass::text AS table, quote_ident(k.conname) AS name, pg_get_constraintdef(k.oid) AS definition
     FROM pg_catalog.pg_constraint k
     WHERE k.contype = 'f' AND k.conparentid = 0
       AND (k.conrelid = ANY ($1::text[]::regclass[]) OR k.confrelid = ANY ($1::text[]::regclass[])
         OR k.conrelid IN (SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = ANY ($1::text[]::regclass[]))
         OR k.confrelid IN (SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = ANY ($1::text[]::regclass[])))
     ORDER BY k.oid`,
    [tables.map((table) => table.sql)],
  );
}

/**
 * How far a tenant's way back is: kept in the shared database itself, so that it goes with the changes in one
 * transaction.
 */
import { lockPublications } from "../claim.ts";
import { query, transaction } from "../connection.ts";
import type { Client } from "../connection.ts";
import { MOVE_SCHEMA } from "../tables.ts";
import { formatLsn, parseLsn } from "../replication/pgoutput.ts";

const TABLE = `${MOVE_SCHEMA}.back`;

/** Makes what takes a lock, so that `writeNote` need not: a freeze waits for it. Until then nothing is brought back. */
export async function prepareNote(shared: Client, tenantId: string): Promise<void> {
  await transaction(shared, "READ WRITE", async () => {
    await lockPublications(shared);
    await shared.query(`
      CREATE SCHEMA IF NOT EXISTS ${MOVE_SCHEMA};
      CREATE TABLE IF NOT EXISTS ${TABLE} (tenant uuid PRIMARY KEY, lsn pg_catalog.pg_lsn)`);
    await shared.query(
      `INSERT INTO ${TABLE} VALUES ($1, NULL) ON CONFLICT (tenant) DO UPDATE SET lsn = NULL`,
      [tenantId],
    );
  });
}

/** Changes that end after `lsn` are to be brought back; also for each that was. */
export async function writeNote(shared: Client, tenantId: string, lsn: bigint): Promise<void> {
  await shared.query(`UPDATE ${TABLE} SET lsn = $2 WHERE tenant = $1`, [tenantId, formatLsn(lsn)]);
}

/** Null where nothing is brought back. */
export async function readNote(shared: Client, tenantId: string): Promise<bigint | null> {
  if (!(await hasNotes(shared))) return null;
  const [row] = await query<{ lsn: string | null }>(
    shared,
    `SELECT lsn::text FROM ${TABLE} WHERE tenant = $1`,
    [tenantId],
  );
  return typeof row?.lsn === "string" ? parseLsn(row.lsn) : null;
}

/** The last tenant's note takes the schema with it. Repeatable. */
export async function removeNote(shared: Client, tenantId: string): Promise<void> {
  if (!(await hasNotes(shared))) return;
  await transaction(shared, "READ WRITE", async () => {
    await lockPublications(shared);
    if (!(await hasNotes(shared))) return;
    await shared.query(`DELETE FROM ${TABLE} WHERE tenant = $1`, [tenantId]);
    const [others] = await query(shared, `SELECT FROM ${TABLE} LIMIT 1`);
    if (!others) await shared.query(`DROP SCHEMA ${MOVE_SCHEMA} CASCADE`);
  });
}

async function hasNotes(shared: Client): Promise<boolean> {
  const rows = await query(
    shared,
    "SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'back'",
    [MOVE_SCHEMA],
  );
  return rows.length > 0;
}

/** One data command at a time on a target database. */
import { DataError } from "../errors.ts";
import { APPLICATION_NAME, query } from "./connection.ts";
import type { Client } from "./connection.ts";

/** Any number, the same for all of this project's data commands. */
const LOCK = 7_403_211_996;
const WAIT_TRIES = 50;

/**
 * Takes the database for this session. A data command that still holds it has lost its caller (the service runs one
 * operation a tenant at a time), so its sessions are ended, which rolls back what they were doing.
 */
export async function claimTarget(client: Client, database: string): Promise<void> {
  for (let attempt = 0; attempt < WAIT_TRIES; attempt += 1) {
    const [row] = await query<{ taken: boolean }>(client, "SELECT pg_try_advisory_lock($1) AS taken", [LOCK]);
    if (row?.taken) return;
    await query(
      client,
      `SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
       WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()`,
      [APPLICATION_NAME],
    );
    await query(client, "SELECT pg_sleep(0.1)");
  }
  throw new DataError("DATABASE", "another data command holds the database and does not end", {
    side: "target",
    database,
  });
}

/** Serializes changes of roles and privileges: PostgreSQL fails two at once with "tuple concurrently updated". */
export async function lockPrivileges(client: Client): Promise<void> {
  await query(client, "SELECT pg_advisory_lock($1)", [LOCK + 1]);
}

/**
 * Until the transaction's end, in this database: two tenants' publications share the replica identities that the one
 * may need while the other puts them back.
 */
export async function lockPublications(client: Client): Promise<void> {
  await query(client, "SELECT pg_advisory_xact_lock($1)", [LOCK + 2]);
}

/**
 * The tenants' roles on the shared server. Privileges are given to two group roles once a database; a tenant's role is
 * a member of both. So a freeze takes one statement for all databases at once, and tables do not collect a privilege
 * for each tenant. Rows are told apart by the services; the database itself lets a tenant's role see all of them.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { query, quoteName, quoteValue } from "./connection.ts";
import type { Client } from "./connection.ts";

export const READER = "tierlift_reader";
export const WRITER = "tierlift_writer";

/** Where roles are changed: it is there on every server. */
export const MAINTENANCE_DATABASE = "postgres";

export async function roleExists(client: Client, role: string): Promise<boolean> {
  return (await query(client, "SELECT FROM pg_catalog.pg_roles WHERE rolname = $1", [role])).length > 0;
}

export async function isMember(client: Client, role: string, group: string): Promise<boolean> {
  const rows = await query(
    client,
    `SELECT FROM pg_catalog.pg_auth_members m
     JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles r ON r.oid = m.member
     WHERE g.rolname = $1 AND r.rolname = $2`,
    [group, role],
  );
  return rows.length > 0;
}

export async function ensureGroups(client: Client): Promise<void> {
  for (const group of [READER, WRITER]) {
    if (!(await roleExists(client, group))) await client.query(`CREATE ROLE ${group} NOLOGIN`);
  }
}

/** Makes or updates the tenant's role. Returns whether it was made. */
export async function ensureTenantRole(
  client: Client,
  role: string,
  { password, connectionLimit }: { password: string; connectionLimit?: number | undefined },
): Promise<boolean> {
  const exists = await roleExists(client, role);
  const verifier = quoteValue(planScramVerifier(password, randomBytes(16)));
  const verb = exists ? "ALTER" : "CREATE";
  const limit = connectionLimit === undefined ? "" : ` CONNECTION LIMIT ${connectionLimit}`;
  await client.query(
    `${verb} ROLE ${quoteName(role)} LOGIN NOCREATEDB NOCREATEROLE INHERIT${limit} PASSWORD ${verifier}`,
  );
  return !exists;
}

/** Read and write on what a database's user schemas hold now and will hold. */
export async function grantDatabase(client: Client, database: string, schemas: string[]): Promise<void> {
  await client.query(`GRANT CONNECT ON DATABASE ${quoteName(database)} TO ${READER}`);
  for (const name of schemas) {
    const schema = quoteName(name);
    const future = `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT`;
    await client.query(`
      GRANT USAGE ON SCHEMA ${schema} TO ${READER};
      GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${READER};
      GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO ${READER};
      GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${WRITER};
      GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${WRITER};
      ${future} SELECT ON TABLES TO ${READER};
      ${future} SELECT ON SEQUENCES TO ${READER};
      ${future} INSERT, UPDATE, DELETE ON TABLES TO ${WRITER};
      ${future} USAGE ON SEQUENCES TO ${WRITER}`);
  }
}

/** Which of the server's sessions: `condition` is one on `pg_stat_activity`, with `values` as its parameters. */
export interface Sessions {
  condition: string;
  values: unknown[];
  /** For the words of a failure. */
  whose: string;
}

export const sessionsOf = (role: string): Sessions => ({
  condition: "usename = $1",
  values: [role],
  whose: `role ${role}`,
});

/**
 * Ends sessions and waits until they are gone: privileges are checked when a statement starts, so a transaction that
 * wrote before could still commit. Returns how many there were; throws after `timeoutMs`.
 */
export async function endSessions(
  client: Client,
  { condition, values, whose }: Sessions,
  timeoutMs: number,
): Promise<number> {
  const deadlineMs = performance.now() + timeoutMs;
  const ended = new Set<number>();
  for (;;) {
    const rows = await query<{ pid: number }>(
      client,
      `SELECT pid, pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE ${condition}`,
      values,
    );
    for (const { pid } of rows) ended.add(pid);
    if (rows.length === 0) return ended.size;
    if (performance.now() > deadlineMs) {
      throw new Error(`${rows.length} sessions of ${whose} did not end within ${timeoutMs} ms`);
    }
    await query(client, "SELECT pg_sleep(0.02)");
  }
}

/**
 * What PostgreSQL stores instead of a password (RFC 5803). Computed here, so that the password itself is in no
 * statement and no server log.
 */
export function planScramVerifier(password: string, salt: Buffer, iterations = 4096): string {
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, 32, "sha256");
  const hmac = (text: string): Buffer => createHmac("sha256", salted).update(text).digest();
  const stored = createHash("sha256").update(hmac("Client Key")).digest("base64");
  const server = hmac("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`;
}

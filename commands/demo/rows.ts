/** Rows of tenants in the services' databases, as the services would have written them. */
import { readFile } from "node:fs/promises";
import pg from "pg";
import type { Endpoints } from "../endpoints.ts";
import { SERVICE_DATABASES } from "./schemas.ts";

export type Server = Endpoints["postgres"][number];

/** Makes the services' tables, with their reference rows. */
export async function createTables(server: Server, ca: string): Promise<void> {
  for (const { database, tables } of SERVICE_DATABASES)
    await inDatabase(server, ca, database, (client) => client.query(tables));
}

/** Writes a tenant's rows; `size` is the number of each service's main objects. */
export async function writeRows(server: Server, ca: string, tenantId: string, size: number): Promise<void> {
  for (const { database, rows } of SERVICE_DATABASES)
    await inDatabase(server, ca, database, async (client) => {
      for (const statement of rows) {
        const values = statement.includes("$2") ? [tenantId, size] : [tenantId];
        await client.query(statement, values);
      }
    });
}

export interface RowCounts {
  /** By tenant id. */
  tenants: Map<string, number>;
  /** In tables without a `tenant_id`. */
  reference: number;
}

/** Counts the rows of the services' tables by whose they are. */
export async function countRows(server: Server, ca: string): Promise<RowCounts> {
  const counts: RowCounts = { tenants: new Map(), reference: 0 };
  for (const { database } of SERVICE_DATABASES)
    await inDatabase(server, ca, database, async (client) => {
      for (const { table, owned } of await tablesOf(client)) {
        if (!owned) {
          const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
          counts.reference += Number(rows[0]!.count);
          continue;
        }
        const { rows } = await client.query<{ tenant: string; count: string }>(
          `SELECT tenant_id::text AS tenant, count(*) FROM ${table} GROUP BY 1`,
        );
        for (const { tenant, count } of rows)
          counts.tenants.set(tenant, (counts.tenants.get(tenant) ?? 0) + Number(count));
      }
    });
  return counts;
}

async function tablesOf(client: pg.Client): Promise<{ table: string; owned: boolean }[]> {
  const { rows } = await client.query<{ table: string; owned: boolean }>(
    `SELECT quote_ident(t.table_name) AS "table",
       EXISTS (SELECT FROM information_schema.columns c
         WHERE c.table_schema = 'public' AND c.table_name = t.table_name AND c.column_name = 'tenant_id') AS owned
     FROM information_schema.tables t WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE'`,
  );
  return rows;
}

async function inDatabase(
  server: Server,
  ca: string,
  database: string,
  work: (client: pg.Client) => Promise<unknown>,
) {
  const { host, port, user, passwordFile } = server;
  const client = new pg.Client({
    host,
    port,
    user,
    database,
    password: (await readFile(passwordFile, "utf8")).trim(),
    ssl: { ca: await readFile(ca, "utf8") },
    connectionTimeoutMillis: 10_000,
    statement_timeout: 60_000,
  });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

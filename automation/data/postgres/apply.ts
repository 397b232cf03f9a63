/** Makes and removes a database's objects. */
import type { Place } from "../errors.ts";
import { DataError, describeFailure } from "../errors.ts";
import { BULK_TIMEOUT_MS, query } from "./connection.ts";
import type { Client } from "./connection.ts";
import type { Statement } from "./schema.ts";
import { fromExtension, MOVE_SCHEMA, USER_SCHEMAS } from "./tables.ts";

/**
 * Runs statements whose order is not known to be right (a view on a view, a default that calls a function): one that
 * fails is tried again after the others, until all are done or a round brings nothing. Call it inside a transaction.
 * Returns notes about optional ones that failed.
 */
export async function applyInAnyOrder(
  client: Client,
  statements: Statement[],
  place: Place,
): Promise<string[]> {
  await client.query(
    `SET LOCAL check_function_bodies = off; SET LOCAL statement_timeout = ${BULK_TIMEOUT_MS}`,
  );
  let waiting = statements;
  let failures: { statement: Statement; reason: string }[] = [];
  while (waiting.length > 0) {
    failures = [];
    for (const statement of waiting) {
      const reason = await tryStatement(client, statement.sql);
      if (reason !== null) failures.push({ statement, reason });
    }
    if (failures.length === waiting.length) break;
    waiting = failures.map(({ statement }) => statement);
    if (waiting.length === 0) failures = [];
  }
  const fatal = failures.find(({ statement }) => !statement.optional);
  if (fatal) throw new DataError("DATABASE", `cannot make ${fatal.statement.object}: ${fatal.reason}`, place);
  return failures.map(({ statement, reason }) => `${statement.object} is not copied: ${reason}`);
}

async function tryStatement(client: Client, sql: string): Promise<string | null> {
  await client.query("SAVEPOINT statement");
  try {
    await client.query(sql);
    await client.query("RELEASE SAVEPOINT statement");
    return null;
  } catch (error) {
    await client.query("ROLLBACK TO SAVEPOINT statement");
    return describeFailure(error);
  }
}

/** Removes every object of the database's users, extensions apart; call it inside a transaction. */
export async function dropEverything(client: Client): Promise<void> {
  await client.query(`DROP SCHEMA IF EXISTS ${MOVE_SCHEMA} CASCADE`);
  const statements = await query<{ sql: string }>(client, DROPS);
  for (const { sql } of statements) await client.query(sql);
}

// IF EXISTS, as a CASCADE before it may have taken the object along.
const DROPS = `
  SELECT sql FROM (
    SELECT 1 AS step, format('DROP %s IF EXISTS %I.%I CASCADE',
      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
        WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname) AS sql
    FROM pg_catalog.pg_class c JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT ${fromExtension("pg_class", "c.oid")}
      AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')))
    UNION ALL
    SELECT 2, format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
    FROM pg_catalog.pg_proc p JOIN (${USER_SCHEMAS}) n ON n.oid = p.pronamespace
    WHERE NOT ${fromExtension("pg_proc", "p.oid")}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = p.oid AND d.deptype = 'i')
    UNION ALL
    SELECT 3, format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)
    FROM pg_catalog.pg_type t JOIN (${USER_SCHEMAS}) n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND NOT ${fromExtension("pg_type", "t.oid")}
    UNION ALL
    SELECT 4, format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname) FROM (${USER_SCHEMAS}) n WHERE n.nspname <> 'public'
  ) drops ORDER BY step`;

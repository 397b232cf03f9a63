/** The publication of one tenant's rows, and the replica identities it needs. */
import { at, DataError } from "../../errors.ts";
import type { Place } from "../../errors.ts";
import { lockPublications } from "../claim.ts";
import { query, quoteName, quoteValue, transaction } from "../connection.ts";
import type { Client } from "../connection.ts";
import { planTenantFilter, TENANT_COLUMN } from "../tables.ts";
import type { Table } from "../tables.ts";
import { planPublicationName, PUBLICATION_PREFIX } from "./names.ts";

const LOCK_NOT_AVAILABLE = "55P03";
const LOCK_TRIES = 20;

/** `d`efault (the primary key), `n`othing, `f`ull, or an `i`ndex by name. */
export interface Identity {
  kind: "d" | "n" | "f" | "i";
  index: string | null;
}

interface IdentityRow extends Identity, Record<string, unknown> {
  oid: number;
  /** Columns of the identity's index; null when there is none. */
  columns: string[] | null;
}

export type Publishing =
  /** With the tenant's row filter where the table has a tenant column, and the identity as it is. */
  | "as it is"
  /** The same with the whole row as identity while the move lasts. */
  | "full"
  /** Without the filter; rows are told apart where they are applied. */
  | "unfiltered";

/**
 * How a table can be published. The server refuses every tenant's updates of a published table whose identity is
 * missing, lacks a column of the row filter, or holds a generated column, so this has to be right before it is
 * published. Null: its changes cannot be published at all.
 */
export function planPublishing(
  table: Pick<Table, "tenantType" | "columns" | "storedColumns">,
  { kind, columns }: Pick<IdentityRow, "kind" | "columns">,
): Publishing | null {
  const isGenerated = table.columns.length > table.storedColumns.length;
  const hasKey = (kind === "d" || kind === "i") && columns !== null;
  if (hasKey && (table.tenantType === null || columns.includes(TENANT_COLUMN))) return "as it is";
  if (!isGenerated) return kind === "f" ? "as it is" : "full";
  return hasKey ? "unfiltered" : null;
}

/**
 * Makes the publication, or makes it anew. The original identities are kept in publications' comments. On the tenant's
 * own server (`target`) there is nothing to filter.
 */
export async function createPublication(
  client: Client,
  database: string,
  tables: Table[],
  tenantId: string,
  side: NonNullable<Place["side"]> = "source",
): Promise<void> {
  const name = planPublicationName(tenantId);
  await dropPublication(client, database, tenantId, side);
  await at({ side, database }, () =>
    withShortLocks(client, async () => {
      const identities = await readIdentities(client, tables);
      const kept = await readKept(client);
      const changed: Record<string, Identity> = {};
      const parts: string[] = [];
      for (const table of tables) {
        const identity = identities.get(table.oid)!;
        const isFiltered = side === "source";
        const publishing = planPublishing(isFiltered ? table : { ...table, tenantType: null }, identity);
        if (publishing === null) {
          const reason = "has a generated column and no primary key, so its changes cannot be published";
          throw new DataError("REFUSED", reason, { side, database, table: table.label });
        }
        const filter = !isFiltered || publishing === "unfiltered" ? "" : planRowFilter(table, tenantId);
        parts.push(`TABLE ONLY ${table.sql}${filter}`);
        // Another tenant that is on its way may have changed it before: then its note is the one that is true.
        const original = kept.get(table.label);
        if (original) changed[table.label] = original;
        if (publishing !== "full") continue;
        changed[table.label] ??= { kind: identity.kind, index: identity.index };
        await client.query(`ALTER TABLE ${table.sql} REPLICA IDENTITY FULL`);
      }
      await client.query(
        `CREATE PUBLICATION ${quoteName(name)}${parts.length > 0 ? ` FOR ${parts.join(", ")}` : ""}`,
      );
      await client.query(
        `COMMENT ON PUBLICATION ${quoteName(name)} IS ${quoteValue(JSON.stringify({ identities: changed }))}`,
      );
    }),
  );
}

/**
 * Changing an identity takes the table from everybody for a moment. Whoever waits for that lock makes all others wait,
 * so it gives up soon and tries again.
 */
async function withShortLocks(client: Client, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await transaction(client, "READ WRITE", async () => {
        await client.query("SET LOCAL lock_timeout = '500ms'");
        await lockPublications(client);
        await work();
      });
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE || attempt >= LOCK_TRIES) throw error;
      await query(client, "SELECT pg_sleep(0.5)");
    }
  }
}

/** A filter cannot look into other tables: rows that belong through a parent are told apart where they are applied. */
function planRowFilter(table: Table, tenantId: string): string {
  return table.tenantType === null ? "" : ` WHERE (${planTenantFilter(table, tenantId)})`;
}

/** Removes the publication and puts identities back that no other tenant's move needs. Repeatable. */
export async function dropPublication(
  client: Client,
  database: string,
  tenantId: string,
  side: NonNullable<Place["side"]> = "source",
): Promise<boolean> {
  const name = planPublicationName(tenantId);
  return await at({ side, database }, async () => {
    if (!(await readComments(client)).has(name)) return false;
    await withShortLocks(client, async () => {
      const comments = await readComments(client);
      const own = parseIdentities(comments.get(name));
      await client.query(`DROP PUBLICATION ${quoteName(name)}`);
      const others = await readKept(client);
      for (const [label, identity] of Object.entries(own)) {
        if (others.has(label)) continue;
        const table = await findTable(client, label);
        if (table) await client.query(`ALTER TABLE ${table} REPLICA IDENTITY ${planIdentity(identity)}`);
      }
    });
    return true;
  });
}

function planIdentity({ kind, index }: Identity): string {
  if (kind === "i" && index) return `USING INDEX ${quoteName(index)}`;
  return { d: "DEFAULT", n: "NOTHING", f: "FULL", i: "DEFAULT" }[kind];
}

async function findTable(client: Client, label: string): Promise<string | undefined> {
  const [row] = await query<{ sql: string }>(
    client,
    `SELECT format('%I.%I', n.nspname, c.relname) AS sql FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname || '.' || c.relname = $1 AND c.relkind = 'r'`,
    [label],
  );
  return row?.sql;
}

/** Original identities by table, from the publications of all tenants that are on their way. */
async function readKept(client: Client): Promise<Map<string, Identity>> {
  const comments = await readComments(client);
  return new Map([...comments.values()].flatMap((comment) => Object.entries(parseIdentities(comment))));
}

async function readComments(client: Client): Promise<Map<string, string | null>> {
  const rows = await query<{ name: string; comment: string | null }>(
    client,
    `SELECT pubname AS name, obj_description(oid, 'pg_publication') AS comment
     FROM pg_catalog.pg_publication WHERE starts_with(pubname, $1)`,
    [PUBLICATION_PREFIX],
  );
  return new Map(rows.map(({ name, comment }) => [name, comment]));
}

function parseIdentities(comment: string | null | undefined): Record<string, Identity> {
  if (!comment?.startsWith("{")) return {};
  return (JSON.parse(comment) as { identities?: Record<string, Identity> }).identities ?? {};
}

async function readIdentities(client: Client, tables: Table[]): Promise<Map<number, IdentityRow>> {
  const rows = await query<IdentityRow>(
    client,
    `SELECT c.oid, c.relreplident AS kind,
       (SELECT x.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisreplident) AS index,
       (SELECT array_agg(a.attname::text) FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END) AS columns
     FROM pg_catalog.pg_class c WHERE c.oid = ANY ($1::oid[])`,
    [tables.map(({ oid }) => oid)],
  );
  return new Map(rows.map((row) => [row.oid, row]));
}

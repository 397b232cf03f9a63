/** Tables as changes are applied to them. */
import { query, quoteName } from "../connection.ts";
import type { Client } from "../connection.ts";
import { planTenantFilter, TENANT_COLUMN } from "../tables.ts";
import type { Table } from "../tables.ts";

export interface TargetTable {
  label: string;
  sql: string;
  /** Columns that tell one row from all others; null where there are none. */
  key: string[] | null;
  /** Types of the key's columns, as a cast takes them. */
  keyTypes: string[];
  columns: string[];
  /**
   * Which rows are the tenant's, for what the server could not filter: those whose `column` is `value`, or for whose
   * `column`, as `$1`, `condition` finds a row. Null for rows that are everybody's.
   */
  member: { column: string; value: string } | { column: string; condition: string } | null;
  /** The tenant's rows of the table. */
  rows: string;
  /** What a changed row has to be as well, where other tenants' rows lie beside it; null where none do. */
  guard: string | null;
  /** Columns that the server fills by itself and lets nobody change. */
  fixed: string[];
  /** How many parents lead to the tenant's column. */
  depth: number;
}

/** `own`: the side holds rows of this tenant only. `shared`: rows of others lie beside them. */
export type Holding = "own" | "shared";

/** On the shared side those of the tenant's only: a reference table there is everybody's. */
export async function readTargetTables(
  to: Client,
  tables: Table[],
  tenantId: string,
  holding: Holding = "own",
): Promise<Map<string, TargetTable>> {
  const isShared = holding === "shared";
  const keys = await query<{ oid: number; columns: string[]; types: string[] }>(
    to,
    `SELECT DISTINCT ON (i.indrelid) i.indrelid AS oid,
       (SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
        FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)) AS columns,
       (SELECT array_agg(format_type(a.atttypid, -1) ORDER BY array_position(i.indkey::int2[], a.attnum))
        FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)) AS types
     FROM pg_catalog.pg_index i
     WHERE i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull)
     ORDER BY i.indrelid, i.indisprimary DESC, i.indnatts`,
  );
  const byOid = new Map(keys.map((key) => [key.oid, key]));
  const fixed = isShared ? await readFixed(to) : new Map<number, string[]>();
  const applied = isShared ? tables.filter(({ scope }) => scope === "tenant") : tables;
  return new Map(
    applied.map((table) => [
      table.label,
      {
        label: table.label,
        sql: table.sql,
        key: byOid.get(table.oid)?.columns ?? null,
        keyTypes: byOid.get(table.oid)?.types ?? [],
        columns: table.storedColumns,
        member: planMember(table, tenantId, holding),
        rows: isShared ? planTenantFilter(table, tenantId) : "true",
        // A row that belongs through a parent may be deleted after it, and is found by its key alone.
        guard: isShared && table.tenantType !== null ? planTenantFilter(table, tenantId) : null,
        fixed: fixed.get(table.oid) ?? [],
        depth: depthOf(table),
      },
    ]),
  );
}

/** Where this tenant's rows are alone, a row is the tenant's when its parent is there. */
function planMember(
  { through, tenantType }: Table,
  tenantId: string,
  holding: Holding,
): TargetTable["member"] {
  if (!through) return tenantType === null ? null : { column: TENANT_COLUMN, value: tenantId };
  const { column, parentColumn, table } = through;
  const own = holding === "shared" ? ` AND ${planTenantFilter(table, tenantId)}` : "";
  return { column, condition: `SELECT 1 FROM ${table.sql} WHERE ${quoteName(parentColumn)} = $1${own}` };
}

function depthOf({ through }: Table): number {
  return through ? depthOf(through.table) + 1 : 0;
}

async function readFixed(client: Client): Promise<Map<number, string[]>> {
  const rows = await query<{ oid: number; columns: string[] }>(
    client,
    `SELECT attrelid AS oid, array_agg(attname::text) AS columns FROM pg_catalog.pg_attribute
     WHERE attidentity = 'a' AND attnum > 0 AND NOT attisdropped GROUP BY attrelid`,
  );
  return new Map(rows.map(({ oid, columns }) => [oid, columns]));
}

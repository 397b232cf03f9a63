/** The target's tables as changes are applied to them. */
import { query, quoteName } from "../connection.ts";
import type { Client } from "../connection.ts";
import { TENANT_COLUMN } from "../tables.ts";
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
}

export async function readTargetTables(
  to: Client,
  tables: Table[],
  tenantId: string,
): Promise<Map<string, TargetTable>> {
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
  return new Map(
    tables.map((table) => [
      table.label,
      {
        label: table.label,
        sql: table.sql,
        key: byOid.get(table.oid)?.columns ?? null,
        keyTypes: byOid.get(table.oid)?.types ?? [],
        columns: table.storedColumns,
        member: planMember(table, tenantId),
      },
    ]),
  );
}

/** The target holds this tenant's rows only, so that a row is the tenant's when its parent is there. */
function planMember({ through, tenantType }: Table, tenantId: string): TargetTable["member"] {
  if (!through) return tenantType === null ? null : { column: TENANT_COLUMN, value: tenantId };
  const { column, parentColumn, table } = through;
  return { column, condition: `SELECT 1 FROM ${table.sql} WHERE ${quoteName(parentColumn)} = $1` };
}

/** The tables that hold rows, which of the rows are a tenant's, and what they sum up to. */
import { bulkQuery, query, quoteName, quoteValue, requireRow } from "./connection.ts";
import type { Client } from "./connection.ts";
import type { Fingerprint, Scope } from "./report.ts";

/** The column that marks a tenant's rows. */
export const TENANT_COLUMN = "tenant_id";

export interface Table {
  oid: number;
  /** `schema.table`, for people. */
  label: string;
  /** Quoted and qualified, for statements. */
  sql: string;
  scope: Scope;
  /** Type of the tenant column; the comparison has to be in this type for an index to be used. */
  tenantType: "uuid" | "text" | null;
  /** All columns by name, in order, and those that are stored (not generated). */
  columns: string[];
  storedColumns: string[];
  /**
   * Binary is faster, but holds the ids of user-defined types inside arrays and composite values, which differ from
   * server to server.
   */
  format: "binary" | "text";
  sizeBytes: number;
}

/** Schemas of the database's users: not PostgreSQL's own and not those that an extension brought. */
export const USER_SCHEMAS = `
  SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')`;

/** Whether an object of this catalogue came with an extension. */
export const fromExtension = (catalogue: string, oid: string): string =>
  `EXISTS (SELECT FROM pg_catalog.pg_depend x
    WHERE x.classid = 'pg_catalog.${catalogue}'::regclass AND x.objid = ${oid} AND x.deptype = 'e')`;

interface TableRow {
  oid: number;
  schema: string;
  name: string;
  size: string;
  columns: { name: string; generated: boolean; binary: boolean; base: string }[] | null;
}

/** Every table with rows of its own (partitions, not their parents), largest first. */
export async function readTables(client: Client): Promise<Table[]> {
  const rows = await query<TableRow>(
    client,
    `SELECT c.oid AS oid, n.nspname AS schema, c.relname AS name, pg_relation_size(c.oid)::text AS size,
       (SELECT json_agg(json_build_object(
           'name', a.attname, 'generated', a.attgenerated <> '',
           'base', CASE WHEN b.typname IN ('uuid', 'text', 'varchar', 'bpchar') THEN b.typname ELSE 'other' END,
           'binary', b.typsend <> 0 AND b.typtype NOT IN ('c', 'r', 'm')
             AND (b.typelem = 0 OR b.typcategory <> 'A' OR b.typelem < 16384))
         ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
     FROM pg_catalog.pg_class c JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND NOT ${fromExtension("pg_class", "c.oid")}
     ORDER BY pg_relation_size(c.oid) DESC, n.nspname, c.relname`,
  );
  return rows.map(toTable);
}

function toTable({ oid, schema, name, size, columns: read }: TableRow): Table {
  const columns = read ?? [];
  const tenant = columns.find((column) => column.name === TENANT_COLUMN);
  return {
    oid,
    label: `${schema}.${name}`,
    sql: `${quoteName(schema)}.${quoteName(name)}`,
    scope: tenant ? "tenant" : "reference",
    tenantType: tenant ? (tenant.base === "uuid" ? "uuid" : "text") : null,
    columns: columns.map((column) => column.name),
    storedColumns: columns.filter((column) => !column.generated).map((column) => column.name),
    format: columns.every((column) => column.binary) ? "binary" : "text",
    sizeBytes: Number(size),
  };
}

/** The condition that picks a tenant's rows; a constant, because COPY takes no parameters. */
export function planTenantFilter(table: Pick<Table, "tenantType">, tenantId: string): string {
  if (table.tenantType === null) return "true";
  const column = quoteName(TENANT_COLUMN);
  return table.tenantType === "uuid"
    ? `${column} = ${quoteValue(tenantId)}::uuid`
    : `${column} = ${quoteValue(tenantId)}`;
}

/**
 * Count and checksum of the rows that `filter` picks. The sum over the rows' hashes does not depend on their order;
 * MD5, not PostgreSQL's own hash functions, as only its result is the same in every major version. Columns are named,
 * so that their order in the table does not matter either.
 */
export function planFingerprint(table: Pick<Table, "sql" | "columns">, filter: string): string {
  const row = `ROW(${table.columns.map(quoteName).join(", ")})::text`;
  const hash = `('x' || substr(md5(${row}), 1, 16))::bit(64)::bigint::numeric`;
  return `SELECT count(*)::text AS rows, coalesce(sum(${hash}), 0)::text AS checksum FROM ONLY ${table.sql} WHERE ${filter}`;
}

export async function readFingerprint(
  client: Client,
  table: Pick<Table, "sql" | "columns" | "label">,
  filter: string,
): Promise<Fingerprint> {
  const rows = await bulkQuery<{ rows: string; checksum: string }>(client, planFingerprint(table, filter));
  const { rows: count, checksum } = requireRow(rows, { table: table.label });
  return { rows: Number(count), checksum };
}

export const isSame = (a: Fingerprint, b: Fingerprint): boolean =>
  a.rows === b.rows && a.checksum === b.checksum;

/** Pairs the tables of both sides by name. */
export function pairTables(
  source: Table[],
  target: Table[],
): { source: Table | null; target: Table | null }[] {
  const byLabel = new Map(target.map((table) => [table.label, table]));
  const pairs = source.map((table) => ({ source: table, target: byLabel.get(table.label) ?? null }));
  const known = new Set(source.map((table) => table.label));
  return [
    ...pairs,
    ...target.filter((table) => !known.has(table.label)).map((table) => ({ source: null, target: table })),
  ];
}

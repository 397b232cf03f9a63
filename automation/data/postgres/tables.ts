/** The tables that hold rows, which of the rows are a tenant's, and what they sum up to. */
import { bulkQuery, query, quoteName, quoteValue, requireRow } from "./connection.ts";
import type { Client } from "./connection.ts";
import { DataError } from "../errors.ts";
import type { Fingerprint, Scope } from "./report.ts";

/** The column that marks a tenant's rows. */
export const TENANT_COLUMN = "tenant_id";

/** Schema of our own notes in a target database while changes are followed. It is no user's and never compared. */
export const MOVE_SCHEMA = "tierlift_move";

/** How a table without a tenant column leads to one: its `column` holds `parentColumn` of `parent`. */
export interface Through {
  column: string;
  /** `schema.table` of a tenant's table, or of another table that leads to one. */
  parent: string;
  parentColumn: string;
}

export interface Table {
  oid: number;
  /** `schema.table`, for people. */
  label: string;
  /** Quoted and qualified, for statements. */
  sql: string;
  scope: Scope;
  /** Type of the tenant column; the comparison has to be in this type for an index to be used. */
  tenantType: "uuid" | "text" | null;
  /** How rows without a tenant column are told apart; the parent's own table with it. */
  through: (Through & { table: Table }) | null;
  /** False for a table without a tenant column that nobody said anything about. */
  declared: boolean;
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
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '${MOVE_SCHEMA}')
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
  comment: string | null;
  columns: { name: string; generated: boolean; binary: boolean; base: string }[] | null;
}

/** Every table with rows of its own (partitions, not their parents), largest first. */
export async function readTables(client: Client): Promise<Table[]> {
  const rows = await query<TableRow>(
    client,
    `SELECT c.oid AS oid, n.nspname AS schema, c.relname AS name, pg_relation_size(c.oid)::text AS size,
       coalesce(obj_description(c.oid, 'pg_class'), obj_description(pg_partition_root(c.oid), 'pg_class')) AS comment,
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
  return linkParents(
    rows.map(toTable),
    new Map(rows.map(({ oid, comment }) => [oid, parseThrough(comment)])),
    await readPartitionParents(client),
  );
}

/** Throws `REFUSED` with the tables that nobody said anything about: whose rows they hold cannot be guessed. */
export function requireDeclared(tables: Table[], database: string): void {
  const unknown = tables.filter(({ declared }) => !declared).map(({ label }) => label);
  if (unknown.length === 0) return;
  throw new DataError(
    "REFUSED",
    `without a column ${TENANT_COLUMN} it is not known whose rows these tables hold: ${unknown.join(", ")}; ` +
      `say so in their comments: "tierlift: reference" for rows that are everybody's, or ` +
      `"tierlift: through order_id = public.orders.id" for rows that belong to a row of a tenant's`,
    { side: "source", database },
  );
}

const DECLARATION = /tierlift:\s*(?:(reference)\b|through\s+("?[^"=]+"?)\s*=\s*(\S.*)\.("?[^".\s]+"?))/;

/** What a table's comment says of its rows; null where it says nothing. */
export function parseThrough(comment: string | null): "reference" | Through | null {
  const found = DECLARATION.exec(comment ?? "");
  if (!found) return null;
  const [, reference, column = "", parent = "", parentColumn = ""] = found;
  if (reference) return "reference";
  const bare = (name: string): string => name.trim().replaceAll('"', "");
  return { column: bare(column), parent: bare(parent), parentColumn: bare(parentColumn) };
}

/** Partitioned tables hold no rows of their own, but can be a parent all the same. */
async function readPartitionParents(client: Client): Promise<Map<string, Table>> {
  const rows = await query<TableRow>(
    client,
    `SELECT c.oid AS oid, n.nspname AS schema, c.relname AS name, '0' AS size, NULL AS comment,
       (SELECT json_agg(json_build_object('name', a.attname, 'generated', false, 'binary', true,
           'base', CASE WHEN t.typname = 'uuid' THEN 'uuid' ELSE 'text' END))
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attname = '${TENANT_COLUMN}' AND NOT a.attisdropped) AS columns
     FROM pg_catalog.pg_class c JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace WHERE c.relkind = 'p'`,
  );
  return new Map(rows.map(toTable).map((table) => [table.label, table]));
}

function linkParents(
  tables: Table[],
  declarations: Map<number, ReturnType<typeof parseThrough>>,
  partitioned: Map<string, Table>,
): Table[] {
  const byLabel = new Map([...partitioned, ...tables.map((table) => [table.label, table] as const)]);
  for (const table of tables) {
    const declaration = declarations.get(table.oid) ?? null;
    table.declared = table.tenantType !== null || declaration !== null;
    if (table.tenantType !== null || declaration === null || declaration === "reference") continue;
    const parent = byLabel.get(declaration.parent);
    // A parent that is not there, or leads nowhere, leaves the table as undeclared as before.
    if (!parent || !leadsToTenant(parent, declarations, byLabel)) {
      table.declared = false;
      continue;
    }
    table.scope = "tenant";
    table.through = { ...declaration, table: parent };
  }
  return tables;
}

function leadsToTenant(
  start: Table,
  declarations: Map<number, ReturnType<typeof parseThrough>>,
  byLabel: Map<string, Table>,
): boolean {
  const seen = new Set<number>();
  for (let table: Table | undefined = start; table && !seen.has(table.oid);) {
    if (table.tenantType !== null) return true;
    seen.add(table.oid);
    const next: ReturnType<typeof parseThrough> = declarations.get(table.oid) ?? null;
    table = next === null || next === "reference" ? undefined : byLabel.get(next.parent);
  }
  return false;
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
    through: null,
    declared: true,
    columns: columns.map((column) => column.name),
    storedColumns: columns.filter((column) => !column.generated).map((column) => column.name),
    format: columns.every((column) => column.binary) ? "binary" : "text",
    sizeBytes: Number(size),
  };
}

/** The condition that picks a tenant's rows; a constant, because COPY takes no parameters. */
export function planTenantFilter(table: Pick<Table, "tenantType" | "through">, tenantId: string): string {
  if (table.through) {
    const { column, parentColumn, table: parent } = table.through;
    const inner = `SELECT ${quoteName(parentColumn)} FROM ${parent.sql} WHERE ${planTenantFilter(parent, tenantId)}`;
    return `${quoteName(column)} IN (${inner})`;
  }
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

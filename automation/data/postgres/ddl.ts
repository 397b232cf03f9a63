/** Statements for objects that PostgreSQL has no `pg_get_…def` function for, from what the catalogue says of them. */
import { quoteValue } from "./connection.ts";
import type { Statement } from "./schema.ts";

/** Names arrive quoted and qualified; types and expressions as the server prints them with an empty search path. */
export interface ColumnRow {
  name: string;
  type: string;
  notNull: boolean;
  /** `a`lways, by `d`efault, or none. */
  identity: "" | "a" | "d";
  /** `s`tored, `v`irtual, or none. */
  generated: "" | "s" | "v";
  default: string | null;
  collation: string | null;
  sequence: SequenceRow | null;
}

export interface SequenceRow {
  name: string;
  type: string;
  start: string;
  increment: string;
  min: string;
  max: string;
  cache: string;
  cycle: boolean;
  /** It belongs to an identity column, which makes it. */
  identity: boolean;
}

export interface TableRow {
  name: string;
  unlogged: boolean;
  columns: ColumnRow[] | null;
  partitionBy: string | null;
  parent: string | null;
  bound: string | null;
  options: string[] | null;
}

export interface DomainRow {
  name: string;
  base: string;
  notNull: boolean;
  default: string | null;
  constraints: string[];
}

export interface ViewRow {
  name: string;
  materialized: boolean;
  definition: string;
  options: string[] | null;
}

export function planEnum({ name, labels }: { name: string; labels: string[] | null }): Statement {
  return {
    object: `type ${name}`,
    sql: `CREATE TYPE ${name} AS ENUM (${(labels ?? []).map(quoteValue).join(", ")})`,
  };
}

export function planDomain({ name, base, notNull, default: value, constraints }: DomainRow): Statement {
  const parts = [
    `CREATE DOMAIN ${name} AS ${base}`,
    ...(value === null ? [] : [`DEFAULT ${value}`]),
    ...(notNull ? ["NOT NULL"] : []),
    ...constraints,
  ];
  return { object: `domain ${name}`, sql: parts.join(" ") };
}

export function planComposite({ name, columns }: { name: string; columns: ColumnRow[] | null }): Statement {
  const fields = (columns ?? []).map(
    (column) => `${column.name} ${column.type}${column.collation ? ` COLLATE ${column.collation}` : ""}`,
  );
  return { object: `type ${name}`, sql: `CREATE TYPE ${name} AS (${fields.join(", ")})` };
}

export function planSequence(sequence: SequenceRow): Statement {
  return {
    object: `sequence ${sequence.name}`,
    sql: `CREATE SEQUENCE ${sequence.name} AS ${sequence.type} ${sequenceOptions(sequence)}`,
  };
}

function sequenceOptions({ start, increment, min, max, cache, cycle }: SequenceRow): string {
  return (
    `INCREMENT BY ${increment} MINVALUE ${min} MAXVALUE ${max} START WITH ${start} CACHE ${cache} ` +
    (cycle ? "CYCLE" : "NO CYCLE")
  );
}

/** A table without keys and constraints; those come when its rows are there. */
export function planTable(table: TableRow): Statement[] {
  const create = `CREATE ${table.unlogged ? "UNLOGGED " : ""}TABLE ${table.name}`;
  const options = table.options?.length ? ` WITH (${table.options.join(", ")})` : "";
  const partitionBy = table.partitionBy ? ` PARTITION BY ${table.partitionBy}` : "";
  const columns = (table.columns ?? []).map(planColumn).join(", ");
  if (table.parent && !table.bound) {
    // Table inheritance: children keep columns of their own, which a plain INHERITS would merge by name.
    return [
      {
        object: `table ${table.name}`,
        sql: `${create} (${columns}) INHERITS (${table.parent})${options}`,
      },
    ];
  }
  const sql =
    table.parent && table.bound
      ? `${create} PARTITION OF ${table.parent} ${table.bound}${partitionBy}${options}`
      : `${create} (${columns})${partitionBy}${options}`;
  return [{ object: `table ${table.name}`, sql }];
}

function planColumn(column: ColumnRow): string {
  return [
    column.name,
    column.type,
    ...(column.collation ? [`COLLATE ${column.collation}`] : []),
    ...planColumnValue(column),
    ...(column.notNull ? ["NOT NULL"] : []),
  ].join(" ");
}

function planColumnValue({ generated, identity, default: value, sequence }: ColumnRow): string[] {
  if (generated !== "" && value !== null) {
    return [`GENERATED ALWAYS AS (${value}) ${generated === "s" ? "STORED" : "VIRTUAL"}`];
  }
  if (identity !== "") {
    const kind = identity === "a" ? "ALWAYS" : "BY DEFAULT";
    const options = sequence ? ` (SEQUENCE NAME ${sequence.name} ${sequenceOptions(sequence)})` : "";
    return [`GENERATED ${kind} AS IDENTITY${options}`];
  }
  return value === null ? [] : [`DEFAULT ${value}`];
}

/**
 * The index of a partitioned table is printed with ONLY, which would leave it invalid until every partition's index is
 * attached. Without it the partitions get theirs at once.
 */
export function planIndex({ object, sql }: Statement): Statement {
  return { object, sql: sql.replace(/^(CREATE (?:UNIQUE )?INDEX .+?) ON ONLY /, "$1 ON ") };
}

export function planView({ name, materialized, definition, options }: ViewRow): Statement {
  const kind = materialized ? "MATERIALIZED VIEW" : "VIEW";
  const withOptions = options?.length ? ` WITH (${options.join(", ")})` : "";
  return { object: `view ${name}`, sql: `CREATE ${kind} ${name}${withOptions} AS ${definition}` };
}

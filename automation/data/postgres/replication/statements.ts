/** One change as the statement that makes it on the other side: pure. */
import { quoteName } from "../connection.ts";
import { DataError } from "../../errors.ts";
import type { Message, Relation, Value } from "./pgoutput.ts";
import type { TargetTable } from "./targets.ts";

export interface Change {
  text: string;
  values: (string | null)[];
}

/** One row's columns by name. */
export type Row = Map<string, Value>;

export function toRow(relation: Relation, values: Value[]): Row {
  return new Map(relation.columns.map(({ name }, index) => [name, values[index]]));
}

/** Several rows at once, all of the same table. */
export function planInsert(table: TargetTable, relation: Relation, rows: Value[][]): Change {
  const columns = relation.columns.map(({ name }) => quoteName(name)).join(", ");
  const values: (string | null)[] = [];
  const tuples = rows.map((row) => {
    const places = row.map((value) => `$${values.push(value ?? null)}`);
    return `(${places.join(", ")})`;
  });
  const overriding = table.fixed.length > 0 ? " OVERRIDING SYSTEM VALUE" : "";
  return { text: `INSERT INTO ${table.sql} (${columns})${overriding} VALUES ${tuples.join(", ")}`, values };
}

/** Null when nothing changes that the message holds. */
export function planUpdate(
  table: TargetTable,
  relation: Relation,
  { old, wholeOld, row }: Extract<Message, { kind: "update" }>,
): Change | null {
  const next = toRow(relation, row);
  const values: (string | null)[] = [];
  const set = [...next]
    .filter(([name, value]) => value !== undefined && !table.fixed.includes(name))
    .map(([name, value]) => `${quoteName(name)} = $${values.push(value ?? null)}`);
  if (set.length === 0) return null;
  const where = planWhere(table, relation, old ? toRow(relation, old) : next, { whole: wholeOld, values });
  return { text: `UPDATE ${table.sql} SET ${set.join(", ")} WHERE ${where}`, values };
}

export function planDelete(
  table: TargetTable,
  relation: Relation,
  { old, wholeOld }: Extract<Message, { kind: "delete" }>,
): Change {
  const values: (string | null)[] = [];
  const where = planWhere(table, relation, toRow(relation, old), { whole: wholeOld, values });
  return { text: `DELETE FROM ${table.sql} WHERE ${where}`, values };
}

/** The columns that find the row: the table's key, what the other side published as identity, or all of them. */
function planWhere(
  table: TargetTable,
  relation: Relation,
  old: Row,
  { whole, values }: { whole: boolean; values: (string | null)[] },
): string {
  const identity = relation.columns.filter(({ key }) => key).map(({ name }) => name);
  const key = whole ? table.key : identity;
  if (key && key.length > 0) {
    const parts = key.map((name) => `${quoteName(name)} = $${values.push(required(table, old, name))}`);
    return [...parts, ...(table.guard === null ? [] : [table.guard])].join(" AND ");
  }
  // Equal rows cannot be told apart, so one of them is as good as another.
  const same = [...old].map(
    ([name, value]) => `${quoteName(name)}::text IS NOT DISTINCT FROM $${values.push(value ?? null)}`,
  );
  return `ctid = (SELECT ctid FROM ONLY ${table.sql} WHERE ${same.join(" AND ")} LIMIT 1)`;
}

function required(table: TargetTable, row: Row, name: string): string {
  const value = row.get(name);
  if (value !== null && value !== undefined) return value;
  throw new DataError("MISMATCH", `a change came without its key column ${name}`, {
    side: "source",
    table: table.label,
  });
}

/** The key of a row, or null where the table has none or the row does not hold it whole. */
export function keyOf(table: TargetTable, row: Row): string[] | null {
  if (!table.key) return null;
  const values = table.key.map((name) => row.get(name));
  return values.every((value) => typeof value === "string") ? values : null;
}

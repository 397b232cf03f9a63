/** Applies what a slot of the one side hands out to the other, in whole transactions of the one. */
import { at, DataError } from "../../errors.ts";
import type { Place } from "../../errors.ts";
import { query } from "../connection.ts";
import type { Client } from "../connection.ts";
import { parseMessage } from "./pgoutput.ts";
import type { Message, Relation, Value } from "./pgoutput.ts";
import { keyOf, planDelete, planInsert, planUpdate, toRow } from "./statements.ts";
import type { Change, Row } from "./statements.ts";
import type { TargetTable } from "./targets.ts";

/** A transaction ends at the first end of one of the other side's after so many changes. */
const CHANGES_PER_TRANSACTION = 2_000;
const ROWS_PER_INSERT = 200;
const MAX_PARAMETERS = 60_000;

export interface Applied {
  changes: number;
  transactions: number;
}

export interface ApplierOptions {
  to: Client;
  /** The side and database that changes come from, and those they go to. */
  reading: Place;
  writing: Place;
  tables: Map<string, TargetTable>;
  /** Transactions that end at or before it are applied already. */
  after: bigint;
  /** Transactions that end after it are left for later. */
  upTo: bigint;
  /** Called once, before the first change. */
  prepare: () => Promise<void>;
  /** Called in the transaction of the changes that end at `lsn`. */
  writeProgress: (lsn: bigint) => Promise<void>;
  /** Called for each change with the row's key; null where only the table is known. */
  onChange?: (table: TargetTable, key: string[] | null) => void;
}

/** Takes messages in order; `finish` commits what is whole. Call nothing after a rejection but `abandon`. */
export function createApplier(options: ApplierOptions) {
  const { to, reading, writing, tables, after, upTo, prepare, writeProgress, onChange } = options;
  const relations = new Map<number, { relation: Relation; table: TargetTable }>();
  const applied: Applied = { changes: 0, transactions: 0 };
  let progress = after;
  let isPrepared = false;
  let isOpen = false;
  let pending = 0;
  let inserts: { table: TargetTable; relation: Relation; rows: Value[][] } | null = null;
  /** The source's present transaction: its changes are held back until it is known where it ends. */
  let skipped = false;

  async function run(table: TargetTable, change: Change): Promise<number> {
    const result = await at({ ...writing, table: table.label }, () => to.query(change.text, change.values));
    return result.rowCount ?? 0;
  }

  async function flush(): Promise<void> {
    const batch = inserts;
    inserts = null;
    if (batch) await run(batch.table, planInsert(batch.table, batch.relation, batch.rows));
  }

  async function insert(relation: Relation, table: TargetTable, row: Value[]): Promise<void> {
    const full =
      inserts !== null &&
      (inserts.rows.length >= ROWS_PER_INSERT || (inserts.rows.length + 1) * row.length > MAX_PARAMETERS);
    if (inserts?.relation !== relation || full) await flush();
    inserts ??= { table, relation, rows: [] };
    inserts.rows.push(row);
  }

  function lookUp(id: number): { relation: Relation; table: TargetTable } {
    const known = relations.get(id);
    if (known) return known;
    throw new DataError("MISMATCH", "a change came for a table that was not described", reading);
  }

  function describe(relation: Relation): void {
    const label = `${relation.schema}.${relation.table}`;
    const table = tables.get(label);
    const known = new Set(table?.columns);
    if (!table || relation.columns.some(({ name }) => !known.has(name))) {
      const place = { ...reading, table: label };
      throw new DataError("REFUSED", "the schema changed since the copy; run copy again", place);
    }
    relations.set(relation.id, { relation, table });
  }

  async function isMember({ member }: TargetTable, row: Row): Promise<boolean> {
    if (!member) return true;
    const value = row.get(member.column) ?? null;
    if ("value" in member) return value === member.value;
    await flush(); // the parent may be among what waits
    return (await query(to, member.condition, [value])).length > 0;
  }

  function note(table: TargetTable, ...rows: Row[]): void {
    applied.changes += 1;
    pending += 1;
    for (const row of rows) onChange?.(table, keyOf(table, row));
  }

  async function change(message: Extract<Message, { kind: "insert" | "update" | "delete" }>): Promise<void> {
    const { relation, table } = lookUp(message.relationId);
    if (message.kind === "insert") {
      const row = toRow(relation, message.row);
      if (!(await isMember(table, row))) return;
      await insert(relation, table, message.row);
      note(table, row);
      return;
    }
    await flush();
    if (message.kind === "delete") {
      if ((await run(table, planDelete(table, relation, message))) > 0)
        note(table, toRow(relation, message.old));
      return;
    }
    await update(relation, table, message);
  }

  async function update(
    relation: Relation,
    table: TargetTable,
    message: Extract<Message, { kind: "update" }>,
  ): Promise<void> {
    const row = toRow(relation, message.row);
    const old = message.old ?? message.row;
    if (!(await isMember(table, row))) {
      // Another's, and mostly always was; but it may have been the tenant's until now.
      const gone = await run(table, planDelete(table, relation, { ...message, kind: "delete", old }));
      if (gone > 0) note(table, toRow(relation, old));
      return;
    }
    const statement = planUpdate(table, relation, message);
    const found = statement ? await run(table, statement) : 1;
    // It was another's until now. A large value that did not change is not in the message: then parity will tell.
    if (found === 0) await run(table, planInsert(table, relation, [message.row]));
    note(table, row, toRow(relation, old));
  }

  async function truncate(ids: number[]): Promise<void> {
    await flush();
    // Rows that belong through a parent are told by it, so that it goes after them.
    const truncated = ids.map((id) => lookUp(id).table).sort((a, b) => b.depth - a.depth);
    for (const table of truncated) {
      await run(table, { text: `DELETE FROM ONLY ${table.sql} WHERE ${table.rows}`, values: [] });
      onChange?.(table, null);
      applied.changes += 1;
    }
  }

  async function commit(): Promise<void> {
    if (!isOpen) return;
    await flush();
    await at(writing, async () => {
      await writeProgress(progress);
      await to.query("COMMIT");
    });
    isOpen = false;
    pending = 0;
  }

  async function begin(commitLsn: bigint): Promise<void> {
    // The commit record ends after it begins: `<` and `>=` agree with the slot's own bounds.
    skipped = commitLsn < after || commitLsn >= upTo;
    if (skipped || isOpen) return;
    await at(writing, async () => {
      if (!isPrepared) await prepare();
      isPrepared = true;
      await to.query("BEGIN");
    });
    isOpen = true;
  }

  return {
    async take(data: Buffer): Promise<void> {
      const message = parseMessage(data);
      if (message.kind === "relation") return describe(message.relation);
      if (message.kind === "begin") return await begin(message.commitLsn);
      if (skipped) return;
      switch (message.kind) {
        case "insert":
        case "update":
        case "delete":
          return await change(message);
        case "truncate":
          return await truncate(message.relationIds);
        case "commit":
          applied.transactions += 1;
          progress = message.endLsn;
          if (pending >= CHANGES_PER_TRANSACTION) await commit();
          return;
        case "other":
          return;
      }
    },
    /** Commits, and says how much was applied. */
    async finish(): Promise<Applied> {
      await commit();
      return applied;
    },
    async abandon(): Promise<void> {
      // A lost connection has rolled back by itself.
      if (isOpen) await to.query("ROLLBACK").catch(() => undefined);
      isOpen = false;
    },
  };
}

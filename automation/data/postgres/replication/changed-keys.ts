/** The rows that changed since a barrier, and whether both sides hold the same in them. */
import { at } from "../../errors.ts";
import { query, quoteName } from "../connection.ts";
import type { Client } from "../connection.ts";
import { isSame, planTenantFilter, readFingerprint } from "../tables.ts";
import type { Table } from "../tables.ts";
import { bothSides } from "./catch-up.ts";
import type { Follower } from "./catch-up.ts";
import type { TargetTable } from "./targets.ts";

const KEYS_AT_ONCE = 1_000;
const DIGEST_LENGTH = 12;

interface Changed {
  table: TargetTable;
  /** By their text, each once. */
  keys: Map<string, string[]>;
  /** Changes without a key: only the whole table tells. */
  isWhole: boolean;
}

export type ChangedKeys = ReturnType<typeof createChangedKeys>;

/** Collects what the applier tells. */
export function createChangedKeys() {
  let tables = new Map<string, Changed>();
  return {
    onChange(table: TargetTable, key: string[] | null): void {
      const changed = tables.get(table.label) ?? { table, keys: new Map<string, string[]>(), isWhole: false };
      tables.set(table.label, changed);
      if (key === null) changed.isWhole = true;
      else changed.keys.set(JSON.stringify(key), key);
    },
    all: (): Changed[] => [...tables.values()],
    count: (): number => [...tables.values()].reduce((sum, { keys }) => sum + keys.size, 0),
    clear(): void {
      tables = new Map();
    },
  };
}

/**
 * Compares what changed, by what the connections see. The work follows from the number of changes, not of rows; but a
 * table without a key is compared whole. Answers the differences as sentences with digests instead of values.
 */
export async function compareChanged(
  follower: Follower,
  changed: ChangedKeys,
  sourceTables: Map<string, Table>,
): Promise<string[]> {
  const { database, tenantId } = follower;
  const { shared, own } = bothSides(follower);
  const differences: string[] = [];
  for (const { table, keys, isWhole } of changed.all()) {
    const source = sourceTables.get(table.label);
    if (!source) {
      differences.push(`${describe(database, table.label)}: it is missing on the source`);
      continue;
    }
    const filter = planTenantFilter(source, tenantId);
    const place = { database, table: table.label };
    if (isWhole || !table.key) {
      const [left, right] = await Promise.all([
        at({ ...place, side: "source" }, () => readFingerprint(shared, source, filter)),
        at({ ...place, side: "target" }, () => readFingerprint(own, source, "true")),
      ]);
      if (!isSame(left, right)) {
        const text = `source ${left.rows} rows (checksum ${left.checksum}), target ${right.rows} (${right.checksum})`;
        differences.push(`${describe(database, table.label)}: ${text}`);
      }
      continue;
    }
    const all = [...keys.values()];
    for (let start = 0; start < all.length; start += KEYS_AT_ONCE) {
      const some = all.slice(start, start + KEYS_AT_ONCE);
      const [left, right] = await Promise.all([
        at({ ...place, side: "source" }, () => readDigests(shared, source, table, some, filter)),
        at({ ...place, side: "target" }, () => readDigests(own, source, table, some, "true")),
      ]);
      differences.push(...compareDigests(database, table, left, right));
    }
  }
  return differences;
}

type Digests = Map<string, string>;

async function readDigests(
  client: Client,
  { columns }: Table,
  { sql, key, keyTypes }: TargetTable,
  keys: string[][],
  filter: string,
): Promise<Digests> {
  const names = (key ?? []).map(quoteName);
  const lists = keyTypes.map((type, index) => `unnest($${index + 1}::text[])::${type}`);
  // Without an index scan the work would follow from the size of the table.
  await client.query("SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off");
  const rows = await query<{ key: string[]; digest: string }>(
    client,
    `SELECT ARRAY[${names.map((name) => `t.${name}::text`).join(", ")}] AS key,
       md5(ROW(${columns.map((column) => `t.${quoteName(column)}`).join(", ")})::text) AS digest
     FROM (SELECT ${lists.map((list, index) => `${list} AS tierlift_k${index}`).join(", ")}) keys
     JOIN ONLY ${sql} t ON ${names.map((name, index) => `t.${name} = keys.tierlift_k${index}`).join(" AND ")}
     WHERE ${filter}`,
    names.map((_, index) => keys.map((values) => values[index])),
  );
  await client.query("RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin");
  return new Map(rows.map((row) => [row.key.join(", "), row.digest]));
}

/** One sentence for each key whose rows differ, or that one side alone has. */
export function compareDigests(
  database: string,
  { label, key }: Pick<TargetTable, "label" | "key">,
  left: Digests,
  right: Digests,
): string[] {
  const told = (digest: string | undefined): string => digest?.slice(0, DIGEST_LENGTH) ?? "no row";
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((one) => left.get(one) !== right.get(one))
    .map((one) => {
      const place = `${describe(database, label)}, ${(key ?? []).join(", ")} = ${one}`;
      return `${place}: source ${told(left.get(one))}, target ${told(right.get(one))}`;
    });
}

export const describe = (database: string, table: string): string => `postgres / ${database} / ${table}`;

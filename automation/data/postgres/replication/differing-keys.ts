/** Which rows make a table differ: found by halves of hashes, so that no side's keys are ever held whole. */
import { bulkQuery, quoteName } from "../connection.ts";
import type { Client } from "../connection.ts";
import { planTenantFilter } from "../tables.ts";
import type { Table } from "../tables.ts";
import { compareDigests } from "./changed-keys.ts";
import { bothSides } from "./catch-up.ts";
import type { Follower } from "./catch-up.ts";
import type { TargetTable } from "./targets.ts";

/** Hexadecimal digits of a key's MD5 that make a bucket: 4096 of them. */
const BUCKET_DIGITS = 3;
const BUCKETS_SHOWN = 3;
const KEYS_SHOWN = 5;

/** Sentences for the first few keys; none for a table without a key. */
export async function findDifferingKeys(
  follower: Follower,
  source: Table,
  table: TargetTable | undefined,
): Promise<string[]> {
  if (!table?.key) return [];
  const { database, tenantId } = follower;
  const { shared, own } = bothSides(follower);
  const filter = planTenantFilter(source, tenantId);
  const [left, right] = await Promise.all([
    readBuckets(shared, source, table, filter),
    readBuckets(own, source, table, "true"),
  ]);
  const buckets = [...new Set([...left.keys(), ...right.keys()])].filter(
    (bucket) => left.get(bucket) !== right.get(bucket),
  );
  const shown = buckets.slice(0, BUCKETS_SHOWN);
  const [leftRows, rightRows] = await Promise.all([
    readRows(shared, source, table, filter, shown),
    readRows(own, source, table, "true", shown),
  ]);
  return compareDigests(database, table, leftRows, rightRows).slice(0, KEYS_SHOWN);
}

const planKey = ({ key }: TargetTable): string =>
  `concat_ws(', ', ${(key ?? []).map((name) => `${quoteName(name)}::text`).join(", ")})`;
const planBucket = (table: TargetTable): string => `left(md5(${planKey(table)}), ${BUCKET_DIGITS})`;
const planDigest = ({ columns }: Table): string => `md5(ROW(${columns.map(quoteName).join(", ")})::text)`;

async function readBuckets(
  client: Client,
  source: Table,
  table: TargetTable,
  filter: string,
): Promise<Map<string, string>> {
  const hash = `('x' || substr(${planDigest(source)}, 1, 16))::bit(64)::bigint::numeric`;
  const rows = await bulkQuery<{ bucket: string; sum: string }>(
    client,
    `SELECT ${planBucket(table)} AS bucket, count(*)::text || ' ' || sum(${hash})::text AS sum
     FROM ONLY ${table.sql} WHERE ${filter} GROUP BY 1`,
  );
  return new Map(rows.map(({ bucket, sum }) => [bucket, sum]));
}

async function readRows(
  client: Client,
  source: Table,
  table: TargetTable,
  filter: string,
  buckets: string[],
): Promise<Map<string, string>> {
  const rows = await bulkQuery<{ key: string; digest: string }>(
    client,
    `SELECT ${planKey(table)} AS key, ${planDigest(source)} AS digest
     FROM ONLY ${table.sql} WHERE ${filter} AND ${planBucket(table)} = ANY ($1)`,
    [buckets],
  );
  return new Map(rows.map(({ key, digest }) => [key, digest]));
}

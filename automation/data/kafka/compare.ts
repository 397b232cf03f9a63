/**
 * One partition of both sides, record by record. Where the mover writes to, some records are not its: the tenant tries its
 * namespace out, and others write to a common topic. Nothing marks the mover's, so they are found by what they are: those
 * of the side that was read, in its order.
 */
import { createHash } from "node:crypto";
import { keyOf } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { KafkaContext } from "./cluster.ts";
import { READ_UNCOMMITTED, readRecords } from "./read.ts";
import type { TopicPartition } from "./read.ts";
import { digestOf } from "./records.ts";
import type { KafkaRecord } from "./records.ts";
import { filtersOf } from "./route.ts";
import type { Route } from "./route.ts";
import type { MovedTopic } from "./topics.ts";

/** A batch that was sent twice lies within so many records. */
const REMEMBERED = 20_000;

export interface Range {
  /** On the side that is read. */
  from: bigint;
  to: bigint;
  /** On the side that is written to. */
  start: bigint;
  end: bigint;
}

export interface Comparison {
  matched: number;
  others: number;
  expired: number;
  /** SHA-256 over the digests of the records that both sides have, in order. */
  digest: string;
  difference?: string;
  /** Behind the last record that both sides have, on the side that is written to. */
  tail: bigint;
}

/** Told of each pair of the same record: its offset on the side that is read and on the other one. */
export type OnPair = (from: bigint, to: bigint) => void;

const NAMESPACES = { source: "the shared namespace", target: "the tenant's own" };

export async function comparePartition(
  context: KafkaContext,
  route: Route,
  topic: MovedTopic,
  at: TopicPartition,
  { from, to, start, end }: Range,
  onPair: OnPair = () => undefined,
): Promise<Comparison> {
  const { isMoved, isFound } = filtersOf(context, route, topic);
  const namespace = NAMESPACES[route.to.name];
  const expected = filterRecords(readRecords(context, route.from, at, from, to), isMoved);
  const there = readRecords(context, route.to, at, start, end, READ_UNCOMMITTED);
  const horizon = BigInt(Math.round(Date.now() - context.settings.retentionHours * 3_600_000));
  const hash = createHash("sha256");
  const recent = createRecent();
  const result = { matched: 0, others: 0, expired: 0, tail: start };
  let twice: string | undefined;
  let other: { offset: bigint; digest: Buffer } | undefined;
  let next = await take(expected);
  for await (const record of filterRecords(there, isFound)) {
    const digest = digestOf(record);
    // The oldest may have left where they were written to, and not yet where they were read.
    while (next && result.matched === 0 && next.timestamp < horizon && !next.digest.equals(digest)) {
      result.expired += 1;
      next = await take(expected);
    }
    if (next?.digest.equals(digest)) {
      hash.update(digest);
      recent.add(digest);
      onPair(next.offset, record.offset);
      result.matched += 1;
      result.tail = record.offset + 1n;
      other = undefined;
      next = await take(expected);
      continue;
    }
    result.others += 1;
    other ??= { offset: record.offset, digest };
    if (recent.has(digest))
      twice ??= `the record with the digest ${digest.toString("hex")} lies a second time at offset ${record.offset} of ${namespace}`;
  }
  while (next && result.matched === 0 && next.timestamp < horizon) {
    result.expired += 1;
    next = await take(expected);
  }
  const difference = next ? planMissing(next, other, namespace) : twice;
  return {
    ...result,
    digest: hash.digest("hex"),
    ...(difference !== undefined && { difference: `kafka / ${keyOf(at)}: ${difference}` }),
  };
}

function planMissing(
  { offset, digest }: { offset: bigint; digest: Buffer },
  other: { offset: bigint; digest: Buffer } | undefined,
  namespace: string,
): string {
  const instead = other
    ? `at offset ${other.offset} lies one with the digest ${other.digest.toString("hex")}`
    : "nothing lies in its place";
  return `the record at offset ${offset} with the digest ${digest.toString("hex")} is not in ${namespace}: ${instead}`;
}

export interface Expected {
  offset: bigint;
  timestamp: bigint;
  digest: Buffer;
}

/** The next record, by what it is. */
export async function take(records: AsyncGenerator<KafkaRecord>): Promise<Expected | undefined> {
  const next = await records.next();
  if (next.done === true) return undefined;
  const { offset, timestamp } = next.value;
  return { offset, timestamp, digest: digestOf(next.value) };
}

export async function* filterRecords(
  records: AsyncIterable<KafkaRecord>,
  isMoved: (record: KafkaRecord) => boolean,
): AsyncGenerator<KafkaRecord> {
  for await (const record of records) if (isMoved(record)) yield record;
}

/** The last digests, by their first 12 bytes. */
function createRecent() {
  const seen = new Set<string>();
  const keyOfDigest = (digest: Buffer) => digest.toString("latin1", 0, 12);
  return {
    add(digest: Buffer) {
      seen.add(keyOfDigest(digest));
      if (seen.size > REMEMBERED) seen.delete(seen.values().next().value!);
    },
    has: (digest: Buffer) => seen.has(keyOfDigest(digest)),
  };
}

/** All that was moved of a partition, up to a checkpoint and as far as it is still there. */
export function planRange(
  { offset, from, start }: Checkpoint,
  earliest: { from: bigint; to: bigint },
  end: bigint,
): Range {
  const later = (a: bigint, b: bigint) => (a > b ? a : b);
  return { from: later(from, earliest.from), to: offset, start: later(start, earliest.to), end };
}

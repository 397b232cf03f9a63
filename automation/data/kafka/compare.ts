/**
 * One partition of both sides, record by record. Of the target some records are not the mover's: the tenant tries its
 * namespace out. Nothing marks the mover's, so they are found by what they are: those of the source, in its order.
 */
import { createHash } from "node:crypto";
import { keyOf } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { KafkaContext } from "./cluster.ts";
import { readRecords } from "./read.ts";
import type { TopicPartition } from "./read.ts";
import { digestOf } from "./records.ts";
import type { KafkaRecord } from "./records.ts";
import { filterOf } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";

/** A batch that was sent twice lies within so many records. */
const REMEMBERED = 20_000;

export interface Range {
  /** In the source. */
  from: bigint;
  to: bigint;
  /** In the target. */
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
  /** Behind the last record that both sides have, in the target. */
  tail: bigint;
}

/** Told of each pair of the same record: its offset in the source and in the target. */
export type OnPair = (source: bigint, target: bigint) => void;

export async function comparePartition(
  context: KafkaContext,
  topic: MovedTopic,
  at: TopicPartition,
  { from, to, start, end }: Range,
  onPair: OnPair = () => undefined,
): Promise<Comparison> {
  const isMoved = filterOf(context, topic);
  const expected = filterRecords(readRecords(context, context.source, at, from, to), isMoved);
  const horizon = BigInt(Math.round(Date.now() - context.settings.retentionHours * 3_600_000));
  const hash = createHash("sha256");
  const recent = createRecent();
  const result = { matched: 0, others: 0, expired: 0, tail: start };
  let twice: string | undefined;
  let other: { offset: bigint; digest: Buffer } | undefined;
  let next = await take(expected);
  for await (const record of readRecords(context, context.target(), at, start, end)) {
    const digest = digestOf(record);
    // The oldest may have left the target already, and not yet the source.
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
      twice ??= `the record with the digest ${digest.toString("hex")} lies a second time at offset ${record.offset} of the tenant's own`;
  }
  while (next && result.matched === 0 && next.timestamp < horizon) {
    result.expired += 1;
    next = await take(expected);
  }
  const difference = next ? planMissing(next, other) : twice;
  return {
    ...result,
    digest: hash.digest("hex"),
    ...(difference !== undefined && { difference: `kafka / ${keyOf(at)}: ${difference}` }),
  };
}

function planMissing(
  { offset, digest }: { offset: bigint; digest: Buffer },
  other: { offset: bigint; digest: Buffer } | undefined,
): string {
  const instead = other
    ? `at offset ${other.offset} lies one with the digest ${other.digest.toString("hex")}`
    : "nothing lies in its place";
  return `the record at offset ${offset} with the digest ${digest.toString("hex")} is not in the tenant's own: ${instead}`;
}

interface Expected {
  offset: bigint;
  timestamp: bigint;
  digest: Buffer;
}

async function take(records: AsyncGenerator<KafkaRecord>): Promise<Expected | undefined> {
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
  earliest: { source: bigint; target: bigint },
  end: bigint,
): Range {
  const later = (a: bigint, b: bigint) => (a > b ? a : b);
  return { from: later(from, earliest.source), to: offset, start: later(start, earliest.target), end };
}

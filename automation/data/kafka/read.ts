/** Records of one partition, in order, page by page. */
import { setTimeout as delay } from "node:timers/promises";
import type { RecordsBatch } from "@platformatic/kafka";
import { DataError } from "../errors.ts";
import { ask, call } from "./cluster.ts";
import type { Broker, KafkaContext, Side } from "./cluster.ts";
import { countPage } from "./memory.ts";
import type { KafkaRecord } from "./records.ts";

/** A page of a partition; a batch that is larger comes whole. */
const PAGE_BYTES = 256 * 1024;
const WAIT_MS = 500;
/** With nothing to read although there should be: a leader that is changing, for example. */
const EMPTY_PAGES = 20;
const AGAIN_MS = 250;

export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;
const TIMESTAMP_TYPE = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

export interface TopicPartition {
  topic: string;
  partition: number;
}

export interface Page {
  records: KafkaRecord[];
  /** Where the next page begins. */
  next: bigint;
}

/**
 * From one offset up to another one, without what was never committed: or with it, where somebody's open transaction is
 * not to be waited for. Reads a page ahead.
 */
export async function* readPages(
  context: Pick<KafkaContext, "signal">,
  side: Side,
  at: TopicPartition,
  from: bigint,
  to: bigint,
  isolation = READ_COMMITTED,
): AsyncGenerator<Page> {
  const fetchAt = (offset: bigint) => {
    const page = fetchPage(context, side, at, offset, isolation);
    // Who stops reading leaves it behind.
    page.catch(() => undefined);
    return page;
  };
  if (from >= to) return;
  let coming = fetchAt(from);
  for (let position = from; position < to;) {
    const page = await coming;
    position = page.next;
    if (position < to) coming = fetchAt(position);
    const records = page.next <= to ? page.records : page.records.filter(({ offset }) => offset < to);
    yield { records, next: page.next < to ? page.next : to };
  }
}

export async function* readRecords(
  ...args: Parameters<typeof readPages>
): AsyncGenerator<KafkaRecord, undefined> {
  for await (const { records } of readPages(...args)) yield* records;
}

async function fetchPage(
  context: Pick<KafkaContext, "signal">,
  side: Side,
  at: TopicPartition,
  offset: bigint,
  isolation: number,
): Promise<Page> {
  const place = { side: side.name, ...at };
  for (let tries = 1; tries <= EMPTY_PAGES; tries += 1) {
    const page = await call(context, place, () => askForPage(side, at, offset, isolation));
    countPage();
    if (page.next > offset) return page;
    await delay(AGAIN_MS, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
  }
  throw new DataError("BROKER", `there is nothing to be read at offset ${offset}`, place);
}

async function askForPage(side: Side, at: TopicPartition, offset: bigint, isolation: number): Promise<Page> {
  const { topicId, leader } = await findLeader(side, at);
  const partition = {
    partition: at.partition,
    currentLeaderEpoch: -1,
    fetchOffset: offset,
    lastFetchedEpoch: -1,
    partitionMaxBytes: PAGE_BYTES,
  };
  const topics = [{ topicId, partitions: [partition] }];
  const answer = await ask<FetchAnswer>(
    side,
    "Fetch",
    leader,
    ...[WAIT_MS, 1, PAGE_BYTES, isolation, 0, 0, topics, [], ""],
  );
  const found = answer.responses[0]?.partitions[0];
  return { records: [], next: offset, ...(found?.records && parseBatches(found.records, found, offset)) };
}

/** Who leads a partition, asked anew after a failure of the client's by its own age. */
export async function findLeader(
  { admin }: Side,
  { topic, partition }: TopicPartition,
): Promise<{ topicId: string; leader: Broker }> {
  const { topics, brokers } = await admin.metadata({ topics: [topic] });
  const found = topics.get(topic);
  const leader = brokers.get(found?.partitions[partition]?.leader ?? -1);
  if (!found || !leader)
    throw new DataError("BROKER", "the partition has no leader now", { topic, partition });
  return { topicId: found.id, leader };
}

interface FetchAnswer {
  responses: { partitions: { records?: RecordsBatch[]; abortedTransactions: Aborted }[] }[];
}

type Aborted = { producerId: bigint; firstOffset: bigint }[];

/** The records of batches from an offset on. Control records and those of aborted transactions only move the position. */
export function parseBatches(
  batches: RecordsBatch[],
  { abortedTransactions }: { abortedTransactions: Aborted },
  from: bigint,
): Page {
  const aborted = [...(abortedTransactions ?? [])].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<bigint>();
  const records: KafkaRecord[] = [];
  let next = from;
  for (const batch of batches) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    if (last + 1n > next) next = last + 1n;
    while (aborted[0] && aborted[0].firstOffset <= last) aborting.add(aborted.shift()!.producerId);
    if (batch.attributes & CONTROL) {
      // 0 says that the transaction was aborted, 1 that it was committed.
      if (batch.records[0]?.key?.readInt16BE(2) === 0) aborting.delete(batch.producerId);
    } else if (!(batch.attributes & TRANSACTIONAL && aborting.has(batch.producerId))) {
      addRecords(records, batch, from);
    }
  }
  return { records, next };
}

function addRecords(records: KafkaRecord[], batch: RecordsBatch, from: bigint): void {
  const isAppendTime = (batch.attributes & TIMESTAMP_TYPE) !== 0;
  for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
    const offset = batch.firstOffset + BigInt(offsetDelta);
    if (offset < from) continue;
    const timestamp = isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta;
    records.push({ offset, timestamp, key, value, headers });
  }
}

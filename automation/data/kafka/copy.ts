/**
 * `copy` and `catch-up`: the tenant's own namespace gets the tenant's records that the shared one has now; and the same
 * way back, for `reverse`.
 *
 * No record comes twice and none is missing, also when a run is killed and while others write beside the mover.
 * Before a batch is sent it is noted in the checkpoint, with the offset from which it can lie where it goes; after a
 * kill the next run reads from that offset and sends only what it does not find. Transactions would do the same with
 * less reading, but leave the records of an interrupted batch in the log, where every consumer that does not ask for
 * committed records only, as most do not, reads them twice.
 */
import { setTimeout as delay } from "node:timers/promises";
import { inParallel } from "../in-parallel.ts";
import { secondsSince } from "../progress.ts";
import { claimMove, keyOf, readCheckpoints } from "./checkpoint.ts";
import type { Checkpoint, Claim } from "./checkpoint.ts";
import { call } from "./cluster.ts";
import type { KafkaContext } from "./cluster.ts";
import { placeGroups } from "./groups.ts";
import { READ_UNCOMMITTED, readPages, readRecords } from "./read.ts";
import type { TopicPartition } from "./read.ts";
import { digestOf, sizeOf } from "./records.ts";
import type { KafkaRecord } from "./records.ts";
import type { KafkaCopyReport } from "./report.ts";
import { keeperBack, routeOver } from "./route.ts";
import type { Route } from "./route.ts";
import { createSelect } from "./select.ts";
import type { Select } from "./select.ts";
import { requireNoted } from "./start.ts";
import { listOffsets, listTopics, partitionsOf, prepareTopics } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";

const PARTITIONS_AT_ONCE = 2;
/** Well below the 1 MB that a broker takes as one batch. */
const BATCH_BYTES = 700_000;
const BATCH_RECORDS = 2_000;
/** What a killed run has handed to its network has arrived by then. */
const SETTLE_MS = 2_000;
const PROGRESS_EVERY_MS = 2_000;

export interface Tally {
  found: number;
  copied: number;
  bytes: number;
  /** Read and not moved. */
  left: number;
}

export const createTally = (): Tally => ({ found: 0, copied: 0, bytes: 0, left: 0 });

/** What a run works with. */
export interface Move {
  context: KafkaContext;
  route: Route;
  claim: Claim;
  tally: Tally;
  tell: () => void;
}

/** Repeatable; goes on where an earlier run was. */
export async function copyRecords(
  context: KafkaContext,
  verb: KafkaCopyReport["verb"] = "copy",
): Promise<KafkaCopyReport> {
  const startedMs = performance.now();
  const route = routeOver(context);
  const claim = await claimMove(context, route);
  try {
    const topics = await listTopics(context);
    await prepareTopics(context, route, topics);
    const tally = createTally();
    const move: Move = { context, route, claim, tally, tell: createTeller(context, verb, tally) };
    const counted = await copyTopics(move, topics);
    const groups = await placeGroups(context, topics, counted);
    const seconds = secondsSince(startedMs);
    context.progress({
      event: `${verb}: records copied`,
      records: tally.copied,
      bytes: tally.bytes,
      seconds,
    });
    const recordsPerSecond = Math.round(tally.copied / Math.max(seconds, 0.001));
    const { found, copied, bytes } = tally;
    const report = { topics: planReports(topics, counted), found, copied, bytes, groups };
    return { store: "kafka", verb, ...report, seconds, recordsPerSecond };
  } finally {
    await claim.release();
  }
}

/** Answers the checkpoints, none of them open. */
export async function copyTopics(move: Move, topics: MovedTopic[]): Promise<Map<string, Checkpoint>> {
  const { context, route } = move;
  const checkpoints = await readCheckpoints(context, route);
  if (route.way === "back") await requireNoted(context, topics, checkpoints);
  const [first, last, start, skips] = await Promise.all([
    listFirst(context, route, topics),
    listOffsets(context, route.from, topics, "end"),
    listOffsets(context, route.to, topics, "written"),
    route.way === "over" ? readCheckpoints(context, keeperBack(context)) : undefined,
  ]);
  if ([...checkpoints.values()].some(({ open }) => open !== undefined))
    await delay(SETTLE_MS, undefined, { signal: context.signal }).catch(() =>
      context.signal.throwIfAborted(),
    );
  await inParallel(partitionsOf(topics), PARTITIONS_AT_ONCE, async ({ of, ...at }) => {
    const [from, end, tail] = [first, last, start].map(
      (offsets) => offsets.get(at.topic)?.[at.partition] ?? 0n,
    );
    const begun = checkpoints.get(keyOf(at)) ?? (await begin(move, at, { from: from!, tail: tail! }));
    const back = skips?.get(keyOf(at));
    const select = await createSelect(context, route, { ...at, of }, { first: from!, begun, back });
    const range = { first: from!, end: end!, tail: tail! };
    checkpoints.set(keyOf(at), await copyPartition(move, select, at, begun, range));
  });
  return checkpoints;
}

async function begin(
  { claim }: Move,
  at: TopicPartition,
  { from, tail }: { from: bigint; tail: bigint },
): Promise<Checkpoint> {
  const checkpoint = { offset: from, tail, from, start: tail, moved: 0 };
  await claim.commit(at, checkpoint);
  return checkpoint;
}

/** The first record inside the retention; where there is none, the end. Of what is brought back, the first there is. */
async function listFirst(
  context: KafkaContext,
  { way, from }: Route,
  topics: MovedTopic[],
): Promise<Map<string, bigint[]>> {
  const sinceMs = Date.now() - context.settings.retentionHours * 3_600_000;
  const aged = topics.filter(({ scope }) => way === "over" && scope === "tenant");
  const whole = topics.filter((topic) => !aged.includes(topic));
  const [young, end, all] = await Promise.all([
    listOffsets(context, from, aged, { sinceMs: Math.max(0, Math.round(sinceMs)) }),
    listOffsets(context, from, aged, "end"),
    listOffsets(context, from, whole, "earliest"),
  ]);
  for (const [topic, offsets] of young)
    all.set(
      topic,
      offsets.map((offset, partition) => (offset < 0n ? (end.get(topic)?.[partition] ?? 0n) : offset)),
    );
  return all;
}

async function copyPartition(
  move: Move,
  select: Select,
  at: TopicPartition,
  begun: Checkpoint,
  { first, end, tail }: { first: bigint; end: bigint; tail: bigint },
): Promise<Checkpoint> {
  const { context, route, claim } = move;
  let checkpoint = begun;
  // What is brought back is noted anew by each run: brokers forget in a week what nobody has set in that time.
  let noted = begun.open === undefined && route.way === "over";
  const send = async (records: KafkaRecord[], to: bigint, missing = records) => {
    checkpoint = { ...checkpoint, open: to };
    await claim.commit(at, checkpoint);
    const behind = await produce(move, at, missing);
    const moved = checkpoint.moved + records.length;
    checkpoint = { ...checkpoint, offset: to, moved, tail: behind ?? checkpoint.tail };
    delete checkpoint.open;
    noted = false;
  };
  if (begun.open === undefined) {
    // Nothing of this run's can lie before where all others' ends: there is less to be read after a kill.
    checkpoint = { ...checkpoint, tail: later(begun.tail, tail) };
  } else {
    const expected = await select(
      await collect(readRecords(context, route.from, at, begun.offset, begun.open)),
    );
    await send(expected, begun.open, await findMissing(context, route, at, begun.tail, expected));
    move.tally.found += expected.length;
  }
  // What has left by its age since the last run is not waited for.
  const from = later(checkpoint.offset, first);
  for await (const page of readPages(context, route.from, at, from, end)) {
    const records = await select(page.records);
    move.tally.found += records.length;
    move.tally.left += page.records.length - records.length;
    const batches = planBatches(records);
    for (const [index, batch] of batches.entries())
      await send(batch, index === batches.length - 1 ? page.next : batch.at(-1)!.offset + 1n);
    if (batches.length === 0 && page.next > checkpoint.offset) {
      checkpoint = { ...checkpoint, offset: page.next };
      noted = false;
    }
  }
  // Where nothing was sent, the tail stays where the mover's last record is.
  if (checkpoint.moved === begun.moved) checkpoint = { ...checkpoint, tail: begun.tail };
  if (!noted) await claim.commit(at, checkpoint);
  return checkpoint;
}

const later = (a: bigint, b: bigint) => (a > b ? a : b);

/** Sends one batch and answers the offset behind it; undefined where there was nothing to send. */
async function produce(
  { context, route, tally, tell }: Move,
  { topic, partition }: TopicPartition,
  records: KafkaRecord[],
): Promise<bigint | undefined> {
  if (records.length === 0) return undefined;
  const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
  const messages = records.map(({ key, value, headers, timestamp }) => ({
    topic,
    partition,
    // The client's types know no null, which its format does.
    key: key as Buffer,
    value: value as Buffer,
    // By identity, so that a name may come twice.
    headers: new Map(headers as [Buffer, Buffer][]),
    timestamp,
  }));
  const { offsets } = await call(context, { side: route.to.name, topic, partition }, () =>
    route.to.producer().send({
      messages,
      acks: -1,
      // Larger than a batch may be, it came compressed, and has to again.
      ...(bytes > BATCH_BYTES ? { compression: "gzip" as const } : {}),
    }),
  );
  tally.copied += records.length;
  tally.bytes += bytes;
  tell();
  const base = offsets?.[0]?.offset ?? -1n;
  return base < 0n ? undefined : base + BigInt(records.length);
}

/** Of an interrupted batch, what has not arrived: in order, and among what others have written from `tail` on. */
async function findMissing(
  context: KafkaContext,
  { to }: Route,
  at: TopicPartition,
  tail: bigint,
  expected: KafkaRecord[],
): Promise<KafkaRecord[]> {
  const topic = { topic: at.topic, scope: "own" as const, partitions: at.partition + 1 };
  const ends = await listOffsets(context, to, [topic], "written");
  const end = ends.get(at.topic)![at.partition]!;
  const digests = expected.map((record) => digestOf(record));
  let found = 0;
  // By digests with the keys in them: another tenant's record is none of these.
  for await (const record of readRecords(context, to, at, tail, end, READ_UNCOMMITTED)) {
    if (found === digests.length) break;
    if (digestOf(record).equals(digests[found]!)) found += 1;
  }
  return expected.slice(found);
}

/** Batches that a broker takes, in order; no empty one. */
export function planBatches(records: KafkaRecord[]): KafkaRecord[][] {
  const batches: KafkaRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = sizeOf(record);
    if (bytes + size > BATCH_BYTES || batches.at(-1)!.length === BATCH_RECORDS) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)!.push(record);
    bytes += size;
  }
  return batches;
}

async function collect(records: AsyncIterable<KafkaRecord>): Promise<KafkaRecord[]> {
  const found: KafkaRecord[] = [];
  for await (const record of records) found.push(record);
  return found;
}

export function planReports(
  topics: MovedTopic[],
  checkpoints: Map<string, Checkpoint>,
): KafkaCopyReport["topics"] {
  return topics.map(({ topic, scope, partitions }) => ({
    topic,
    scope,
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      partition,
      records: checkpoints.get(keyOf({ topic, partition }))?.moved ?? 0,
    })),
  }));
}

/** Told of every batch, it says now and then how far a run is. */
export function createTeller({ progress }: KafkaContext, verb: string, tally: Move["tally"]): () => void {
  let toldMs = performance.now();
  return () => {
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    progress({ event: `${verb}: records so far`, records: tally.copied, bytes: tally.bytes });
  };
}

/** `verify`: what was moved is read on both sides and compared; a difference is named with both digests, and not healed. */
import { inParallel } from "../in-parallel.ts";
import { secondsSince } from "../progress.ts";
import { keyOf, readCheckpoints } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { KafkaContext } from "./cluster.ts";
import { comparePartition, planRange } from "./compare.ts";
import type { Comparison } from "./compare.ts";
import { readRecords } from "./read.ts";
import type { TopicPartition } from "./read.ts";
import type { KafkaVerifyReport } from "./report.ts";
import { routeOver } from "./route.ts";
import type { Route } from "./route.ts";
import { filterOf, listOffsets, listTopics, partitionsOf } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";

const PARTITIONS_AT_ONCE = 4;

export async function verifyRecords(context: KafkaContext): Promise<KafkaVerifyReport> {
  const startedMs = performance.now();
  const topics = await listTopics(context);
  const route = routeOver(context);
  const checkpoints = await readCheckpoints(context, route);
  const report: Omit<KafkaVerifyReport, "seconds" | "ok"> = {
    store: "kafka",
    verb: "verify",
    verified: 0,
    partitions: [],
    others: 0,
    pending: 0,
    expired: 0,
    differences: [],
  };
  await compareAll(context, route, topics, checkpoints, (at, comparison) => {
    const { matched, others, expired, digest, difference } = comparison;
    report.verified += matched;
    report.others += others;
    report.expired += expired;
    if (matched > 0) report.partitions.push({ ...at, records: matched, digest });
    if (difference !== undefined) report.differences.push(difference);
  });
  const ends = await listOffsets(context, context.source, topics, "end");
  const first = await listOffsets(context, context.source, topics, "earliest");
  await inParallel(partitionsOf(topics), PARTITIONS_AT_ONCE, async ({ of, ...at }) => {
    const [from, end] = [first, ends].map((offsets) => offsets.get(at.topic)?.[at.partition] ?? 0n);
    const checkpoint = checkpoints.get(keyOf(at));
    const left = await count(context, of, at, checkpoint?.offset ?? from!, end!);
    // A topic of the tenant's own may be new; the common ones are all begun with the first copy.
    if (checkpoint || of.scope === "own") report.pending += left;
    else if (left > 0) report.differences.push(planNeverMoved(at, left));
  });
  report.differences.sort();
  report.partitions.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
  return { ...report, ok: report.differences.length === 0, seconds: secondsSince(startedMs) };
}

function planNeverMoved(at: TopicPartition, records: number): string {
  return `kafka / ${keyOf(at)}: ${records} records of the shared namespace were never moved, or are gone with their topic`;
}

/** Compares every partition that was moved. */
export async function compareAll(
  context: KafkaContext,
  route: Route,
  topics: MovedTopic[],
  checkpoints: Map<string, Checkpoint>,
  onCompared: (at: TopicPartition, comparison: Comparison) => void,
): Promise<void> {
  const moved = partitionsOf(topics).filter((at) => checkpoints.has(keyOf(at)));
  const known = topics.filter(({ topic }) => moved.some((at) => at.topic === topic));
  const [first, firstThere, ends] = await Promise.all([
    listOffsets(context, route.from, known, "earliest"),
    listOffsets(context, route.to, known, "earliest"),
    listOffsets(context, route.to, known, "written"),
  ]);
  await inParallel(moved, PARTITIONS_AT_ONCE, async ({ of, ...at }) => {
    const offsetAt = (offsets: Map<string, bigint[]>) => offsets.get(at.topic)?.[at.partition] ?? 0n;
    const earliest = { from: offsetAt(first), to: offsetAt(firstThere) };
    const range = planRange(checkpoints.get(keyOf(at))!, earliest, offsetAt(ends));
    onCompared(at, await comparePartition(context, route, of, at, range));
  });
}

async function count(
  context: KafkaContext,
  topic: MovedTopic,
  at: TopicPartition,
  from: bigint,
  to: bigint,
): Promise<number> {
  const isMoved = filterOf(context, topic);
  let records = 0;
  for await (const record of readRecords(context, context.source, at, from, to))
    if (isMoved(record)) records += 1;
  return records;
}

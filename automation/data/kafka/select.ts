/** Which of the records that are read of a partition are moved. Asked in their order, page by page. */
import { filterRecords, take } from "./compare.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { KafkaContext } from "./cluster.ts";
import { readPages, readRecords } from "./read.ts";
import type { TopicPartition } from "./read.ts";
import { digestOf } from "./records.ts";
import type { KafkaRecord } from "./records.ts";
import { filtersOf } from "./route.ts";
import type { Route } from "./route.ts";
import { filterOf, listOffsets } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";

export type Select = (records: KafkaRecord[]) => Promise<KafkaRecord[]>;

interface Begun {
  /** The first record that may be moved. */
  first: bigint;
  begun: Checkpoint;
  /** What was brought back of the partition in the meantime, if anything was. */
  back: Checkpoint | undefined;
}

/**
 * What was brought back is in the shared topics among what old services have written late, and does not go over again:
 * it is found there by what it is, in the order in which it lies in the tenant's own.
 */
export async function createSelect(
  context: KafkaContext,
  route: Route,
  { of, ...at }: TopicPartition & { of: MovedTopic },
  { first, begun, back }: Begun,
): Promise<Select> {
  const { isMoved } = filtersOf(context, route, of);
  const select: Select = (records) => Promise.resolve(records.filter(isMoved));
  if (!back || (back.open ?? back.offset) === back.from) return select;
  const [earliest, end] = await Promise.all([
    listOffsets(context, route.to, [of], "earliest"),
    listOffsets(context, route.to, [of], "end"),
  ]);
  const offsetAt = (offsets: Map<string, bigint[]>) => offsets.get(at.topic)?.[at.partition] ?? 0n;
  const from = later(back.from, offsetAt(earliest));
  // What is left of the way back from another namespace, which this one replaces, may be beyond its end.
  const until = earlier(back.open ?? back.offset, offsetAt(end));
  const brought = filterRecords(readRecords(context, route.to, at, from, until), filterOf(context, of));
  let next = await take(brought);
  const pass: Select = async (records) => {
    const kept: KafkaRecord[] = [];
    for (const record of await select(records)) {
      if (next && record.offset >= back.start && digestOf(record).equals(next.digest))
        next = await take(brought);
      else kept.push(record);
    }
    return kept;
  };
  // A run before this one has gone by some of them.
  const gone = readPages(context, route.from, at, later(back.start, first), begun.offset);
  for await (const { records } of gone) await pass(records);
  return pass;
}

const earlier = (a: bigint, b: bigint) => (a < b ? a : b);
const later = (a: bigint, b: bigint) => (a > b ? a : b);

/** Where the tenant's consumer groups begin in its own namespace. */
import { call, ask } from "./cluster.ts";
import type { KafkaContext } from "./cluster.ts";
import { keyOf } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { comparePartition, planRange } from "./compare.ts";
import type { TopicPartition } from "./read.ts";
import type { GroupReport } from "./report.ts";
import { isBackGroup, routeOver } from "./route.ts";
import { listOffsets, partitionsOf, planOwnPrefix } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";

/** Kept with an offset that the mover has set: one without it is the tenant's own doing, and stays. */
const MARK = "tierlift";

interface Committed {
  offset: bigint;
  isMoved: boolean;
}

/** The tenant's groups of one side. */
export async function listGroups(context: KafkaContext, side = context.source): Promise<string[]> {
  const groups = await call(context, { side: side.name }, () => side.admin.listGroups({}));
  const prefix = planOwnPrefix(context.tenant.slug);
  return [...groups.keys()].filter((group) => group.startsWith(prefix) && !isBackGroup(group)).sort();
}

/** Sets the groups' offsets where the tenant has not read on since. Repeatable. */
export async function placeGroups(
  context: KafkaContext,
  topics: MovedTopic[],
  checkpoints: Map<string, Checkpoint>,
): Promise<GroupReport[]> {
  const groups = await listGroups(context);
  const moved = partitionsOf(topics).filter((at) => checkpoints.has(keyOf(at)));
  const committed = new Map<string, Map<string, Committed>>();
  for (const group of groups) committed.set(group, await readCommitted(context, context.source, group));
  const wanted = await planOffsets(context, moved, checkpoints, [...committed.values()]);
  const reports: GroupReport[] = [];
  for (const group of groups) {
    const present = await readCommitted(context, context.target(), group);
    const due = moved.flatMap((at) => {
      const key = keyOf(at);
      const read = committed.get(group)!.get(key);
      const offset = read && wanted(at, read.offset);
      if (offset === undefined || present.get(key)?.offset === offset) return [];
      return [{ at, offset, isFree: present.get(key)?.isMoved ?? true }];
    });
    const free = due.filter(({ isFree }) => isFree);
    const isSet = free.length === 0 || (await setOffsets(context, group, free));
    reports.push({
      group,
      set: isSet ? free.length : 0,
      left: due.length - (isSet ? free.length : 0),
    });
  }
  return reports;
}

type Wanted = (at: TopicPartition, committed: bigint) => bigint;

async function planOffsets(
  context: KafkaContext,
  moved: (TopicPartition & { of: MovedTopic })[],
  checkpoints: Map<string, Checkpoint>,
  committed: Map<string, Committed>[],
): Promise<Wanted> {
  if (context.settings.offsets === "earliest") return (at) => checkpoints.get(keyOf(at))!.start;
  const read = moved.filter((at) => committed.some((offsets) => offsets.has(keyOf(at))));
  const topics = [...new Set(read.map(({ of }) => of))];
  const [source, target, ends] = await Promise.all([
    listOffsets(context, context.source, topics, "earliest"),
    listOffsets(context, context.target(), topics, "earliest"),
    listOffsets(context, context.target(), topics, "written"),
  ]);
  const found = new Map<string, bigint>();
  for (const { of, ...at } of read) {
    const key = keyOf(at);
    const due = [...new Set(committed.flatMap((offsets) => offsets.get(key)?.offset ?? []))];
    const offsetAt = (offsets: Map<string, bigint[]>) => offsets.get(at.topic)?.[at.partition] ?? 0n;
    const earliest = { from: offsetAt(source), to: offsetAt(target) };
    const range = planRange(checkpoints.get(key)!, earliest, offsetAt(ends));
    const { tail } = await comparePartition(context, routeOver(context), of, at, range, (from, to) => {
      for (const offset of due) if (from >= offset) setOnce(found, `${key} ${offset}`, to);
    });
    // All that was moved is read: the next record to come is the first that is not.
    for (const offset of due) setOnce(found, `${key} ${offset}`, tail);
  }
  return (at, offset) => found.get(`${keyOf(at)} ${offset}`) ?? checkpoints.get(keyOf(at))!.start;
}

function setOnce(map: Map<string, bigint>, key: string, value: bigint): void {
  if (!map.has(key)) map.set(key, value);
}

async function readCommitted(
  context: KafkaContext,
  { name: side, admin }: KafkaContext["source"],
  group: string,
): Promise<Map<string, Committed>> {
  const found = await call(context, { side, group }, () =>
    admin.listConsumerGroupOffsets({ groups: [group] }),
  );
  return new Map(
    found.flatMap(({ topics }) =>
      topics.flatMap(({ name: topic, partitions }) =>
        partitions
          .filter(({ committedOffset }) => committedOffset >= 0n)
          .map(({ partitionIndex: partition, committedOffset: offset, metadata }) => {
            return [keyOf({ topic, partition }), { offset, isMoved: metadata === MARK }] as const;
          }),
      ),
    ),
  );
}

/** False where the group has members, whose doing the offsets are then. */
async function setOffsets(
  context: KafkaContext,
  group: string,
  due: { at: TopicPartition; offset: bigint }[],
): Promise<boolean> {
  const target = context.target();
  const place = { side: "target", group } as const;
  const groups = await call(context, place, () => target.admin.listGroups({}));
  if (groups.get(group)?.state !== undefined && groups.get(group)?.state !== "EMPTY") return false;
  const topics = due.map(({ at: { topic, partition }, offset }) => ({
    name: topic,
    partitions: [
      {
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: MARK,
      },
    ],
  }));
  const [coordinator] = await call(context, place, () =>
    target.admin.findCoordinator({ keyType: 0, keys: [group] }),
  );
  await call(context, place, () =>
    ask<void>(target, "OffsetCommit", coordinator!, group, -1, "", null, topics),
  );
  return true;
}

/** `purge`: the tenant's topics and groups leave the shared namespace; its records in common topics leave by their age. */
import { setTimeout as delay } from "node:timers/promises";
import { DataError } from "../errors.ts";
import { secondsSince } from "../progress.ts";
import { removeKept } from "./checkpoint.ts";
import { call, isAnswer } from "./cluster.ts";
import type { KafkaContext } from "./cluster.ts";
import { filterRecords } from "./compare.ts";
import { listGroups } from "./groups.ts";
import { readRecords } from "./read.ts";
import type { KafkaPurgeReport } from "./report.ts";
import { keeperBack } from "./route.ts";
import { filterOf, listOffsets, listTopics, partitionsOf } from "./topics.ts";
import type { MovedTopic } from "./topics.ts";

/** A service that was ended leaves its group at the latest with its session. */
const EMPTY_WITHIN_MS = 90_000;
const AGAIN_MS = 1_000;

/** Repeatable: what is gone stays gone. Only names that begin with the tenant's slug and a dot are in any call. */
export async function purgeRecords(context: KafkaContext): Promise<KafkaPurgeReport> {
  const startedMs = performance.now();
  const { admin } = context.source;
  const groups = await listGroups(context);
  for (const group of groups) await deleteGroup(context, group);
  await removeKept(context, keeperBack(context));
  const topics = await listTopics(context);
  const own = topics.filter(({ scope }) => scope === "own").map(({ topic }) => topic);
  if (own.length > 0) await call(context, { side: "source" }, () => admin.deleteTopics({ topics: own }));
  const remaining = await countRemaining(
    context,
    topics.filter(({ scope }) => scope === "tenant"),
  );
  return { store: "kafka", verb: "purge", topics: own, groups, remaining, seconds: secondsSince(startedMs) };
}

async function deleteGroup(context: KafkaContext, group: string): Promise<void> {
  const { admin } = context.source;
  const place = { side: "source", group } as const;
  const deadline = Date.now() + EMPTY_WITHIN_MS;
  for (;;) {
    try {
      await call(context, place, () => admin.deleteGroups({ groups: [group] }));
      return;
    } catch (error) {
      if (isAnswer(error, "GROUP_ID_NOT_FOUND")) return;
      if (!isAnswer(error, "NON_EMPTY_GROUP")) throw error;
      if (Date.now() > deadline)
        throw new DataError("REFUSED", "it still has members: end the tenant's old services", place, {
          cause: error,
        });
    }
    await delay(AGAIN_MS, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
  }
}

async function countRemaining(
  context: KafkaContext,
  topics: MovedTopic[],
): Promise<KafkaPurgeReport["remaining"]> {
  const [from, to] = await Promise.all([
    listOffsets(context, context.source, topics, "earliest"),
    listOffsets(context, context.source, topics, "end"),
  ]);
  let records = 0;
  let newest = -1n;
  for (const { of, ...at } of partitionsOf(topics)) {
    const [first, last] = [from.get(at.topic)![at.partition]!, to.get(at.topic)![at.partition]!];
    const all = readRecords(context, context.source, at, first, last);
    for await (const { timestamp } of filterRecords(all, filterOf(context, of))) {
      records += 1;
      if (timestamp > newest) newest = timestamp;
    }
  }
  const untilMs = Number(newest) + context.settings.retentionHours * 3_600_000;
  return { records, until: records > 0 ? new Date(untilMs).toISOString() : null };
}

/** The topics of a move: the common ones, where the tenant's records lie among others', and those of the tenant's own. */
import { ConfigResourceTypes } from "@platformatic/kafka";
import { DataError } from "../errors.ts";
import { call } from "./cluster.ts";
import type { KafkaContext, Side } from "./cluster.ts";
import type { KafkaRecord } from "./records.ts";
import { READ_COMMITTED, READ_UNCOMMITTED } from "./read.ts";
import type { TopicPartition } from "./read.ts";
import type { Route } from "./route.ts";

export interface MovedTopic {
  topic: string;
  scope: "tenant" | "own";
  partitions: number;
}

/** Where a topic's setting comes from when it is the topic's own: DescribeConfigs, `config_source`. */
const TOPIC_CONFIG = 1;

/** The dot keeps `acme-corp.orders` from being acme's. */
export function planOwnPrefix(slug: string): string {
  return `${slug}.`;
}

/** Common topics first. Throws `REFUSED` when one of the document's is not there, or has other partitions. */
export async function listTopics(context: KafkaContext, side = context.source): Promise<MovedTopic[]> {
  const { settings } = context;
  const names = await call(context, { side: side.name }, () => side.admin.listTopics());
  const own = names.filter((name) => name.startsWith(planOwnPrefix(context.tenant.slug))).sort();
  const counts = await countPartitions(context, side, own);
  const common = Object.entries(settings.topics).map(([topic, partitions]) => ({ topic, partitions }));
  await requirePartitions(context, side, common);
  return [
    ...common.map((topic) => ({ ...topic, scope: "tenant" as const })),
    ...own.map((topic) => ({ topic, scope: "own" as const, partitions: counts.get(topic) ?? 0 })),
  ];
}

/** Whether a record of a topic of the shared namespace is the tenant's. */
export function filterOf(context: KafkaContext, { scope }: MovedTopic): (record: KafkaRecord) => boolean {
  return scope === "own" ? () => true : context.isOwn;
}

export function partitionsOf<T extends MovedTopic>(topics: T[]): (TopicPartition & { of: T })[] {
  return topics.flatMap((of) =>
    Array.from({ length: of.partitions }, (_, partition) => ({ topic: of.topic, partition, of })),
  );
}

/** Makes the tenant's own topics where records go to, and sees to the common ones being there. */
export async function prepareTopics(
  context: KafkaContext,
  { from, to }: Pick<Route, "from" | "to">,
  topics: MovedTopic[],
): Promise<void> {
  const common = topics.filter(({ scope }) => scope === "tenant");
  await requirePartitions(context, to, common);
  const own = topics.filter(({ scope }) => scope === "own");
  const names = await call(context, { side: to.name }, () => to.admin.listTopics());
  for (const topic of own) if (!names.includes(topic.topic)) await createLike(context, { from, to }, topic);
  await requirePartitions(context, to, own);
}

async function createLike(
  context: KafkaContext,
  { from, to }: Pick<Route, "from" | "to">,
  { topic, partitions }: MovedTopic,
): Promise<void> {
  const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }];
  const [described] = await call(context, { side: from.name, topic }, () =>
    from.admin.describeConfigs({ resources }),
  );
  const configs = (described?.configs ?? [])
    .filter(({ configSource, isSensitive }) => configSource === TOPIC_CONFIG && !isSensitive)
    .map(({ name, value }) => ({ name, value }));
  // As many copies as the namespace makes of any topic.
  const options = { topics: [topic], partitions, replicas: -1, configs };
  await call(context, { side: to.name, topic }, () => to.admin.createTopics(options));
}

async function requirePartitions(
  context: KafkaContext,
  side: Side,
  topics: { topic: string; partitions: number }[],
): Promise<void> {
  const counts = await countPartitions(
    context,
    side,
    topics.map(({ topic }) => topic),
  );
  for (const { topic, partitions } of topics) {
    const found = counts.get(topic) ?? 0;
    if (found === partitions) continue;
    throw new DataError(
      "REFUSED",
      `it has ${found} partitions, and ${partitions} are expected: records would not stay in the order of their keys`,
      { side: side.name, topic },
    );
  }
}

async function countPartitions(
  context: KafkaContext,
  { name: side, admin }: Side,
  topics: string[],
): Promise<Map<string, number>> {
  if (topics.length === 0) return new Map();
  const read = () => admin.metadata({ topics: [...topics], forceUpdate: true });
  const found = await call(context, { side }, read);
  return new Map([...found.topics].map(([topic, { partitionsCount }]) => [topic, partitionsCount]));
}

/**
 * Offsets of all partitions by topic: behind the last committed record (`end`), behind all that were written, whatever
 * becomes of them (`written`), or what Kafka gives for a time.
 */
export async function listOffsets(
  context: KafkaContext,
  { name: side, admin }: Side,
  topics: MovedTopic[],
  which: "end" | "written" | "earliest" | { sinceMs: number },
): Promise<Map<string, bigint[]>> {
  if (topics.length === 0) return new Map();
  const timestamp = typeof which === "object" ? BigInt(which.sinceMs) : which === "earliest" ? -2n : -1n;
  const isolationLevel = which === "written" ? READ_UNCOMMITTED : READ_COMMITTED;
  const found = await call(context, { side }, () =>
    admin.listOffsets({
      topics: topics.map(({ topic, partitions }) => ({
        name: topic,
        partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
          partitionIndex,
          timestamp,
        })),
      })),
      isolationLevel,
    }),
  );
  const offsets = new Map<string, bigint[]>();
  for (const { name, partitions } of found) {
    const known = offsets.get(name) ?? [];
    for (const { partitionIndex, offset } of partitions) known[partitionIndex] = offset;
    offsets.set(name, known);
  }
  return offsets;
}

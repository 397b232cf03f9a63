/** Records of tenants in the topics of the shared namespace, as the services would have produced them. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Admin, Producer } from "@platformatic/kafka";
import type { BaseOptions } from "@platformatic/kafka";
import { readRecords } from "../../automation/data/kafka/read.ts";
import { createOwnership, digestOf } from "../../automation/data/kafka/records.ts";
import type { KafkaRecord } from "../../automation/data/kafka/records.ts";
import { TOPICS } from "../../stacks/stores/plan.ts";
import type { TopicName } from "../../stacks/stores/plan.ts";
import type { Endpoints } from "../endpoints.ts";
import type { Whose } from "./sign-in.ts";
import type { Stage } from "./stage.ts";

/** Where the demo's tenants have records. */
const USED: TopicName[] = ["query.execution.events", "pipeline.job.events", "billing.usage.events"];
const RETRIES = 20;
const READ_WITHIN_MS = 60_000;

export type Namespace = NonNullable<Endpoints["kafka"]>[number];

export interface RecordCounts {
  records: number;
  /** Over the records in order, partition by partition. */
  digest: string;
}

export type Reach = Pick<Stage, "endpoints" | "eventsToken">;

/** A client's options for a namespace, as the platform's principal or the tenant's. */
export async function planOptions(
  { endpoints, eventsToken }: Reach,
  { resourceId, bootstrapServers }: Namespace,
  whose: Whose,
): Promise<BaseOptions> {
  const name = resourceId.split("/").at(-1)!;
  return {
    clientId: "demo",
    bootstrapBrokers: [bootstrapServers],
    tls: { ca: await readFile((await endpoints()).ca, "utf8") },
    sasl: { mechanism: "OAUTHBEARER", token: () => eventsToken(whose, name) },
    retries: RETRIES,
    retryDelay: 250,
  };
}

/** Writes that many records of a tenant, one after the other over topics and partitions; answers how many. */
export async function writeRecords(
  reach: Reach,
  namespace: Namespace,
  tenantId: string,
  count: number,
): Promise<number> {
  const producer = new Producer<Buffer, Buffer, Buffer, Buffer>(
    await planOptions(reach, namespace, "platform"),
  );
  try {
    const now = Date.now();
    const messages = Array.from({ length: count }, (_, index) => {
      const topic = USED[index % USED.length]!;
      return {
        topic,
        partition: index % TOPICS[topic].partitions,
        key: Buffer.from(`${tenantId}:${index % 50}`),
        value: Buffer.from(JSON.stringify({ event: index, state: "done", rows: index * 37 })),
        headers: new Map([[Buffer.from("source"), Buffer.from(`service-${index % 13}`)]]),
        // Over the last days.
        timestamp: BigInt(now - (count - index) * 60_000),
      };
    });
    if (messages.length > 0) await producer.send({ messages, acks: -1 });
    return messages.length;
  } finally {
    await Promise.resolve(producer.close(true));
  }
}

/** A tenant's records in a namespace. */
export async function countRecords(
  reach: Reach,
  namespace: Namespace,
  whose: Whose,
  tenantId: string,
): Promise<RecordCounts> {
  const hash = createHash("sha256");
  const isOwn = createOwnership(tenantId);
  let records = 0;
  for await (const record of eachRecord(await planOptions(reach, namespace, whose), USED)) {
    if (!isOwn(record)) continue;
    records += 1;
    hash.update(digestOf(record));
  }
  return { records, digest: hash.digest("hex") };
}

/** Every record of these topics that is there now, partition by partition. */
export async function* eachRecord(
  options: BaseOptions,
  topics: readonly TopicName[],
): AsyncGenerator<KafkaRecord> {
  const admin = new Admin(options);
  const side = { name: "source" as const, admin, options, producer: () => new Producer(options) };
  const signal = AbortSignal.timeout(READ_WITHIN_MS);
  try {
    for (const topic of topics)
      for (let partition = 0; partition < TOPICS[topic].partitions; partition += 1) {
        const asked = [{ partitionIndex: partition, timestamp: -1n }];
        const [found] = await admin.listOffsets({ topics: [{ name: topic, partitions: asked }] });
        const end = found!.partitions[0]!.offset;
        yield* readRecords({ signal }, side, { topic, partition }, 0n, end);
      }
  } finally {
    await admin.close();
  }
}

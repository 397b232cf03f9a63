/**
 * A tenant's services as their topics see them: records are produced all the time, where the tenant's name led to a
 * moment ago. Nothing refuses a late one there, so that some are produced after the switch.
 */
import { randomUUID } from "node:crypto";
import { Producer } from "@platformatic/kafka";
import type { BaseOptions } from "@platformatic/kafka";
import { eachRecord } from "../../commands/demo/records.ts";
import { createOwnership } from "../../automation/data/kafka/records.ts";
import { TOPICS } from "../../stacks/stores/plan.ts";
import type { Found } from "./ledger.ts";
import { Writer } from "./writer.ts";

export interface RecordWriterOptions {
  tenantId: string;
  /** How a client gets to the namespace. Looked up again and again; between two looks records go where the one before led. */
  look: () => Promise<BaseOptions>;
  /** From 0 up to, but not including, 1. */
  random: () => number;
}

/** One that nobody else of the chaos run writes to. */
const TOPIC = "ai.agent.events";
const PAUSE_MS = 50;
const LOOK_EVERY_MS = 2_000;
/** A broker that was killed while it worked never answers. */
const ANSWER_MS = 10_000;

export class RecordWriter extends Writer {
  private readonly options: RecordWriterOptions;

  constructor(options: RecordWriterOptions) {
    super(PAUSE_MS);
    this.options = options;
  }

  /** Over one producer, until its place has to be looked for again. */
  protected async session(changes: (change: () => Promise<void>) => Promise<void>): Promise<void> {
    const options = await this.options.look();
    // It numbers what it sends, so that a record whose answer was lost is not there twice when it is sent again.
    const producer = new Producer<Buffer, Buffer>({ ...options, idempotent: true, timeout: ANSWER_MS });
    const until = performance.now() + LOOK_EVERY_MS;
    try {
      await changes(async () => {
        if (performance.now() > until) throw new Error("to be looked for again");
        await this.produce(producer);
      });
    } finally {
      await Promise.resolve(producer.close(true)).catch(() => undefined);
    }
  }

  private async produce(producer: Producer<Buffer, Buffer>): Promise<void> {
    const { tenantId, random } = this.options;
    const id = randomUUID();
    const partition = Math.floor(random() * TOPICS[TOPIC].partitions);
    const key = Buffer.from(`${tenantId}:${partition}`);
    try {
      await producer.send({ messages: [{ topic: TOPIC, partition, key, value: Buffer.from(id) }], acks: -1 });
    } catch (error) {
      this.ledger.cutOff(id, { version: 0 });
      throw error;
    }
    this.ledger.wrote(id, 0);
    this.confirmed();
  }
}

/** A tenant's records in the writer's topic, and how many there are of others. */
export async function findRecords(
  options: BaseOptions,
  tenantId: string,
): Promise<{ own: Found[]; others: number }> {
  const isOwn = createOwnership(tenantId);
  const own = new Map<string, Found>();
  let others = 0;
  for await (const record of eachRecord(options, [TOPIC])) {
    if (!isOwn(record)) {
      others += 1;
      continue;
    }
    const id = record.value?.toString() ?? "";
    own.set(id, { id, version: 0, copies: (own.get(id)?.copies ?? 0) + 1 });
  }
  return { own: [...own.values()], others };
}

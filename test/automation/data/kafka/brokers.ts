/** Two real brokers, a shared namespace and a tenant's own, and a directory that signs the mover in. */
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Admin, Producer } from "@platformatic/kafka";
import type { MessageToProduce } from "@platformatic/kafka";
import type { Side } from "../../../../automation/data/kafka/cluster.ts";
import { readRecords } from "../../../../automation/data/kafka/read.ts";
import type { KafkaRecord } from "../../../../automation/data/kafka/records.ts";
import { planIssuer } from "../../../../local/arm/identity/oauth.ts";
import { PUBLIC_KEYS_FILE } from "../../../../local/arm/identity/tokens.ts";
import { startKafka } from "../../../../local/kafka/server.ts";
import type { KafkaPart, KafkaServer } from "../../../../local/kafka/server.ts";
import { ensureTopic } from "../../../../local/kafka/topics.ts";
import { openArm } from "../../../local/arm/support/arm.ts";
import { ACME, endOf, loginOf, startAlongside, startMover } from "../mover.ts";
import type { Ended } from "../mover.ts";

export const GLOBEX = { id: "8c6d1d4a-9f0e-4f44-8f1e-7b7a0c1d2e02", slug: "globex" };

export type Message = MessageToProduce<Buffer, Buffer, Buffer, Buffer>;

export interface Brokers {
  shared: Broker;
  own: Broker;
  /** Makes a common topic on both. */
  makeTopic(name: string, partitions: number, configs?: Record<string, string>): Promise<void>;
  /** What the mover is told; the secrets are in it. */
  document(kafka?: Record<string, unknown>): { tenant: typeof ACME; kafka: Record<string, unknown> };
  secret: string;
  /** The data command as a process of its own that trusts the authority. */
  start(verb: string, document?: unknown, store?: "kafka" | "postgres"): ChildProcess;
  run(verb: string, document?: unknown, store?: "kafka" | "postgres"): Promise<Ended>;
  /** What is settled beside the rows: over, with the beginning of the way back, or back. */
  settle(way: "over" | "return", document: unknown): Promise<Ended>;
  stop(): Promise<void>;
}

export interface Broker {
  server: KafkaServer;
  admin: Admin;
  side: Side;
  produce(messages: Message[]): Promise<void>;
  /** All of a partition. */
  read(topic: string, partition?: number): Promise<KafkaRecord[]>;
}

export async function startBrokers(part: KafkaPart): Promise<Brokers> {
  const dir = await mkdtemp(path.join(tmpdir(), "tierlift-kafka-"));
  const arm = await openArm();
  const { authority } = arm;
  const keysFile = path.join(arm.home, "cloud", "arm", PUBLIC_KEYS_FILE);
  const login = (name: string) => loginOf(arm, name);
  const startOne = async (name: string, principal: string): Promise<KafkaServer> =>
    startKafka({
      ...part,
      dir: path.join(dir, name),
      name,
      authority,
      keysFile,
      issuer: planIssuer(login(principal).azureTenantId),
    });
  const [source, target] = await Promise.all([
    startOne("shared-events", "tierlift-platform"),
    startOne("acme-events", "sp-tenant"),
  ]);
  const [shared, own] = [openBroker("source", source), openBroker("target", target)];
  const topics: Record<string, number> = {};
  const document: Brokers["document"] = (kafka = {}) => ({
    tenant: ACME,
    kafka: {
      metadataHost: new URL(arm.running.url).host,
      source: {
        bootstrapServers: `127.0.0.1:${source.port}`,
        namespace: "shared-events",
        login: login("tierlift-platform"),
      },
      target: {
        bootstrapServers: `127.0.0.1:${target.port}`,
        namespace: "acme-events",
        login: login("sp-tenant"),
      },
      topics,
      retentionHours: 720,
      ...kafka,
    },
  });
  const start: Brokers["start"] = (verb, given = document(), store = "kafka") =>
    startMover(store, verb, given, authority.certificateFile);
  return {
    shared,
    own,
    makeTopic: async (name, partitions, configs = {}) => {
      topics[name] = partitions;
      const settings = { "retention.ms": "-1", ...configs };
      await Promise.all(
        [source, target].map(({ admin }) => ensureTopic(admin, { name, partitions, configs: settings })),
      );
    },
    document,
    secret: login("tierlift-platform").clientSecret,
    start,
    run: (verb, given, store) => endOf(start(verb, given, store)),
    settle: (way, given) => endOf(startAlongside(`kafka-${way}`, given, authority.certificateFile)),
    async stop() {
      await Promise.all([shared.close(), own.close()]);
      await Promise.all([source.stop(), target.stop()]);
      await arm.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function openBroker(name: "source" | "target", server: KafkaServer): Broker & { close(): Promise<void> } {
  const options = { ...server.clientOptions, retries: 20 };
  const admin = new Admin(options);
  const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
    ...options,
    retries: 5,
    // What is sent again because its answer was late is there once.
    idempotent: true,
  });
  const side: Side = { name, admin, options, producer: () => producer };
  return {
    server,
    admin,
    side,
    produce: async (messages) => void (await producer.send({ messages, acks: -1 })),
    async read(topic, partition = 0) {
      const [found] = await admin.listOffsets({
        topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -1n }] }],
      });
      const records: KafkaRecord[] = [];
      const signal = new AbortController().signal;
      const end = found!.partitions[0]!.offset;
      for await (const record of readRecords({ signal }, side, { topic, partition }, 0n, end))
        records.push(record);
      return records;
    },
    close: async () => {
      await Promise.all([admin.close(), Promise.resolve(producer.close(true))]);
    },
  };
}

/** How fast a tenant's records move between two brokers, beside a loop of the same client that checks nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Consumer, Producer } from "@platformatic/kafka";
import type { MessageToProduce } from "@platformatic/kafka";
import type { KafkaCopyReport } from "../../automation/data/kafka/report.ts";
import { planIssuer } from "../../local/arm/identity/oauth.ts";
import { PUBLIC_KEYS_FILE } from "../../local/arm/identity/tokens.ts";
import { startArm } from "../../local/arm/server.ts";
import { startKafka } from "../../local/kafka/server.ts";
import type { KafkaPart, KafkaServer } from "../../local/kafka/server.ts";
import { ensureTopic } from "../../local/kafka/topics.ts";
import { ensureAuthority } from "../../local/pki/authority.ts";
import type { Parts } from "../../setup/parts.ts";
import type { Finding, Measure } from "../report.ts";
import { rounded } from "../statistics.ts";
import { runMover } from "./mover.ts";
import type { Mover } from "./mover.ts";

const TENANT = { id: "5b1f7a4e-0d44-4c5b-9a53-6e0f2f6f1a01", slug: "bench" };
const TOPIC = "events";
const PARTITIONS = 3;
const RECORDS = 300_000;
/** Of three records two are the tenant's. */
const OTHERS_EVERY = 3;
const VALUE_BYTES = 240;
const BATCH = 2_000;

type Message = MessageToProduce<Buffer, Buffer, Buffer, Buffer>;

interface Brokers {
  source: KafkaServer;
  target: KafkaServer;
  document: object;
  caFile: string;
}

export async function measureRecords(
  parts: Parts,
  mover: Mover,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal },
): Promise<(Finding | Measure)[]> {
  if ("absent" in parts.kafka) return [{ name: "dataRecords", notMeasured: parts.kafka.absent }];
  log(`bench: data: ${RECORDS} records`);
  return await withBrokers(parts.kafka, async ({ source, target, document, caFile }) => {
    await seedRecords(source);
    const bareSeconds = await loopBare(source, target);
    const { report, seconds, peakMb } = await runMover<KafkaCopyReport>(mover, "copy", document, {
      caFile,
      signal,
      store: "kafka",
    });
    return [
      {
        name: "dataRecords",
        what: "Records a second of the data command's copy against a loop of the same client that consumes and produces.",
        value: bareSeconds / report.seconds,
        unit: "ratio",
        goal: null,
        figures: {
          records: report.copied,
          copySeconds: rounded(report.seconds, 2),
          withStartSeconds: rounded(seconds, 2),
          bareSeconds: rounded(bareSeconds, 2),
          recordsPerSecond: report.recordsPerSecond,
        },
      },
      {
        name: "dataRecordsMemory",
        what: "The most memory that the data command had at once while it copied records.",
        value: peakMb,
        unit: "MB",
        goal: { atMost: 150 },
        figures: {},
      },
    ];
  });
}

async function withBrokers<T>(part: KafkaPart, work: (brokers: Brokers) => Promise<T>): Promise<T> {
  const home = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-kafka-"));
  const authority = await ensureAuthority(path.join(home, "pki"));
  const arm = await startArm({ home, authority, log: () => undefined });
  const running: KafkaServer[] = [];
  const open = async (name: string, principal: string) => {
    const { tenantId, clientId, secret } = arm.cloud.directory.principal(principal);
    const keysFile = path.join(home, "cloud", "arm", PUBLIC_KEYS_FILE);
    const dir = path.join(home, name);
    const server = await startKafka({
      ...part,
      dir,
      name,
      authority,
      keysFile,
      issuer: planIssuer(tenantId),
    });
    running.push(server);
    for (const topic of [TOPIC, "bare"])
      await ensureTopic(server.admin, { name: topic, partitions: PARTITIONS, configs: {} });
    const login = { azureTenantId: tenantId, clientId, clientSecret: secret.value };
    return { server, namespace: { bootstrapServers: `127.0.0.1:${server.port}`, namespace: name, login } };
  };
  try {
    const source = await open("shared", "tierlift-platform");
    const target = await open("own", "sp-tenant");
    const kafka = {
      metadataHost: new URL(arm.url).host,
      source: source.namespace,
      target: target.namespace,
      topics: { [TOPIC]: PARTITIONS },
      retentionHours: 720,
    };
    const document = { tenant: TENANT, kafka };
    return await work({
      source: source.server,
      target: target.server,
      document,
      caFile: authority.certificateFile,
    });
  } finally {
    await Promise.all(running.map((server) => server.stop()));
    await arm.close();
    await rm(home, { recursive: true, force: true });
  }
}

async function seedRecords(server: KafkaServer): Promise<void> {
  const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({ ...server.clientOptions, retries: 5 });
  const value = Buffer.alloc(VALUE_BYTES, "x");
  for (let at = 0; at < RECORDS; at += BATCH) {
    const messages = Array.from({ length: BATCH }, (_, index): Message => {
      const isOther = (at + index) % OTHERS_EVERY === 0;
      const key = Buffer.from(isOther ? "somebody-else" : `${TENANT.id}:${index}`);
      return { topic: TOPIC, partition: (at / BATCH) % PARTITIONS, key, value };
    });
    await producer.send({ messages, acks: -1 });
  }
  await Promise.resolve(producer.close(true));
}

/** What a script would do: consume everything, keep the tenant's, produce it again. */
async function loopBare(source: KafkaServer, target: KafkaServer): Promise<number> {
  const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
    ...source.clientOptions,
    retries: 20,
    groupId: "bare",
  });
  const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
    ...target.clientOptions,
    retries: 5,
    idempotent: true,
  });
  const startedMs = performance.now();
  const stream = await consumer.consume({ topics: [TOPIC], mode: "earliest", autocommit: false });
  let seen = 0;
  let batch: Message[] = [];
  for await (const { key, value, headers, timestamp, partition } of stream) {
    seen += 1;
    if (key.toString().startsWith(TENANT.id))
      batch.push({ topic: "bare", partition, key, value, headers, timestamp });
    if (batch.length === BATCH || seen === RECORDS) {
      await producer.send({ messages: batch });
      batch = [];
    }
    if (seen === RECORDS) break;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  await Promise.resolve(consumer.close(true));
  await Promise.resolve(producer.close(true));
  return seconds;
}

import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import tls from "node:tls";
import { Admin, Consumer, Producer, type Message } from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ArmResource, Backend } from "../../../local/arm/backend.ts";
import { planIssuer } from "../../../local/arm/identity/oauth.ts";
import { createTokens, PUBLIC_KEYS_FILE, type Tokens } from "../../../local/arm/identity/tokens.ts";
import { createKafkaBackends, type KafkaBackends } from "../../../local/kafka/namespaces.ts";
import { ensureAuthority, type Authority } from "../../../local/pki/authority.ts";
import { isPortFree } from "../../../local/ports.ts";
import { resource, viewOf } from "../../support/arm-resources.ts";
import { principalOf } from "../../support/directory.ts";
import { kafkaPart } from "../../support/local-parts.ts";

const part = kafkaPart();
const tenantId = "11111111-2222-3333-4444-555555555555";
const namespaceId = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.EventHub/namespaces/acme-events";
const audience = "https://acme-events.servicebus.windows.net";
const namespace = resource(namespaceId, { properties: {}, private: { tenantId } });
const hub = (name: string, properties: Record<string, unknown>) =>
  resource(`${namespaceId}/eventhubs/${name}`, { properties });
const orders = hub("orders", { partitionCount: 2, retentionDescription: { retentionTimeInHours: 24 } });

let dir: string;
let authority: Authority;
let tokens: Tokens;
let group: KafkaBackends;
const resources: ArmResource[] = [namespace, orders];
const view = viewOf(resources);

const backend = (type: string): Backend => group.backends.find((candidate) => candidate.type.endsWith(type))!;
const bootstrap = () => group.namespaces()[0]!.bootstrapServers;

function createGroup(): KafkaBackends {
  const keysFile = path.join(dir, PUBLIC_KEYS_FILE);
  return createKafkaBackends({
    dir: path.join(dir, "kafka"),
    part: part!,
    authority,
    keysFile,
    onChange: () => undefined,
  });
}

const tokenOf = (given = audience, issuer = planIssuer(tenantId), signer = tokens) =>
  signer.issue(principalOf(tenantId), given, issuer);

const connection = (token: () => string | Promise<string> = () => tokenOf()) => ({
  clientId: "test",
  bootstrapBrokers: [bootstrap()],
  tls: { ca: authority.certificate },
  sasl: { mechanism: "OAUTHBEARER" as const, token },
  retries: 0,
  connectTimeout: 5_000,
});

async function withAdmin<T>(
  work: (admin: Admin) => Promise<T>,
  token?: () => string | Promise<string>,
): Promise<T> {
  const admin = new Admin(connection(token));
  try {
    return await work(admin);
  } finally {
    await admin.close();
  }
}

const topics = () => withAdmin((admin) => admin.listTopics());
const partitionsOf = (topic: string) =>
  withAdmin(async (admin) => (await admin.metadata({ topics: [topic] })).topics.get(topic)?.partitionsCount);
const configOf = (topic: string, name: string) =>
  withAdmin(async (admin) => {
    const found = await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: topic }] });
    return found[0]?.configs.find((config) => config.name === name)?.value;
  });

async function produce(topic: string, value: string): Promise<void> {
  const producer = new Producer(connection());
  try {
    const message = { topic, partition: 0, key: Buffer.from("k"), value: Buffer.from(value) };
    await producer.send({ messages: [message], acks: -1 });
  } finally {
    await producer.close();
  }
}

async function readFirst(topic: string): Promise<string> {
  const consumer = new Consumer({ ...connection(), retries: 20, retryDelay: 250, groupId: "readers" });
  try {
    const stream = await consumer.consume({ topics: [topic], mode: "earliest" });
    const [message] = (await once(stream, "data")) as [Message];
    return message.value.toString();
  } finally {
    await Promise.resolve(consumer.close(true));
  }
}

async function fileOf(name: string): Promise<string> {
  const folder = (await readdir(path.join(dir, "kafka"))).find((one) => one.startsWith("acme-events-"));
  return path.join(dir, "kafka", folder!, name);
}

const pidNow = async (): Promise<number> =>
  (JSON.parse(await readFile(await fileOf("kafka.pid"), "utf8")) as { pid: number }).pid;

describe.skipIf(!part)("an event namespace's Kafka broker", () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "tierlift-kafka-"));
    authority = await ensureAuthority(path.join(dir, "pki"));
    tokens = await createTokens(dir);
    group = createGroup();
  });

  afterAll(async () => {
    await group.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is answered as the namespace's endpoint", async () => {
    const answered = await backend("/namespaces").ensure(namespace, view);
    expect(answered).toEqual({ serviceBusEndpoint: `https://${bootstrap()}/` });
    expect(bootstrap()).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it("has a topic as soon as there is an event hub, with its partitions and retention", async () => {
    expect(await topics()).toEqual([]);
    await backend("/eventhubs").ensure(orders, view);
    await backend("/eventhubs").ensure(orders, view);
    expect(await partitionsOf("orders")).toBe(2);
    expect(await configOf("orders", "retention.ms")).toBe(String(24 * 3600 * 1000));
    expect(await configOf("orders", "cleanup.policy")).toBe("delete");
  });

  it("enlarges a topic and changes its retention with its event hub", async () => {
    const larger = hub("orders", { partitionCount: 3, retentionDescription: { retentionTimeInHours: 48 } });
    await backend("/eventhubs").ensure(larger, view);
    expect(await partitionsOf("orders")).toBe(3);
    expect(await configOf("orders", "retention.ms")).toBe(String(48 * 3600 * 1000));
  });

  it("deletes a topic with its event hub", async () => {
    const compacted = hub("states", {
      partitionCount: 1,
      retentionDescription: { cleanupPolicy: "Compact", tombstoneRetentionTimeInHours: 1 },
    });
    resources.push(compacted);
    await backend("/eventhubs").ensure(compacted, view);
    expect(await configOf("states", "cleanup.policy")).toBe("compact");
    await backend("/eventhubs").remove(compacted, view);
    await backend("/eventhubs").remove(compacted, view);
    expect(await topics()).toEqual(["orders"]);
  });

  it("makes no topic for being written to", async () => {
    await expect(produce("unknown", "x")).rejects.toThrow();
    expect(await topics()).toEqual(["orders"]);
  });

  it.each([
    ["for another namespace", () => tokenOf("https://other.servicebus.windows.net")],
    ["of another directory", () => tokenOf(audience, planIssuer("other"))],
    ["that is none", () => "not-a-token"],
    [
      "signed by somebody else",
      async () => tokenOf(audience, planIssuer(tenantId), await createTokens(path.join(dir, "others"))),
    ],
  ])("refuses a token %s", async (_, token) => {
    await expect(withAdmin((admin) => admin.listTopics(), token)).rejects.toThrow();
  });

  it("refuses who comes without a token", async () => {
    const admin = new Admin({
      clientId: "test",
      bootstrapBrokers: [bootstrap()],
      tls: { ca: authority.certificate },
      retries: 0,
      requestTimeout: 3_000,
    });
    await expect(admin.listTopics()).rejects.toThrow();
    await admin.close();
  });

  it("lets nobody in by its inner listeners, not even with a certificate of the local authority", async () => {
    const { inner, controller } = JSON.parse(await readFile(await fileOf("ports.json"), "utf8")) as Record<
      string,
      number
    >;
    const { certificate, key } = await authority.issue({ commonName: "x", hosts: [], usages: ["client"] });
    for (const port of [inner!, controller!])
      for (const pair of [{}, { cert: certificate, key }])
        await expect(greet(port, pair)).rejects.toThrow(/alert|ECONNRESET|closed/i);
  });

  it("keeps its records and its port over a stop and a start", async () => {
    await produce("orders", "kept");
    const before = bootstrap();
    await group.stop();
    group = createGroup();
    await backend("/namespaces").ensure(namespace, view);
    expect(bootstrap()).toBe(before);
    expect(await readFirst("orders")).toBe("kept");
  });

  it("is brought back when it is killed, with its records", async () => {
    const pid = await pidNow();
    process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => expect(await pidNow()).not.toBe(pid), 20_000);
    await vi.waitFor(async () => expect(await topics()).toEqual(["orders"]), 20_000);
    expect(await readFirst("orders")).toBe("kept");
  });

  it("goes with its resource: process, port and folder", async () => {
    const [pid, port] = [await pidNow(), Number(bootstrap().split(":")[1])];
    await backend("/namespaces").remove(namespace, view);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(await isPortFree(port)).toBe(true);
    expect(await readdir(path.join(dir, "kafka"))).toEqual([]);
    expect(group.namespaces()).toEqual([]);
  });
});

/** Greets a broker by TLS and asks for its versions; rejects when it does not let the client in. */
function greet(port: number, pair: { cert?: string; key?: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...pair });
    socket.setTimeout(5_000, () => reject(new Error("no answer")));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
    socket.once("data", () => resolve());
    // ApiVersions, version 0, with an empty client id.
    socket.once("secureConnect", () => socket.write(Buffer.from("0000000a00120000000000010000", "hex")));
  });
}

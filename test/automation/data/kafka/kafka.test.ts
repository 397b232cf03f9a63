import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { claimMove } from "../../../../automation/data/kafka/checkpoint.ts";
import type { Checkpoint } from "../../../../automation/data/kafka/checkpoint.ts";
import { digestOf } from "../../../../automation/data/kafka/records.ts";
import type { KafkaRecord } from "../../../../automation/data/kafka/records.ts";
import { planGroup } from "../../../../automation/data/kafka/route.ts";
import { kafkaPart } from "../../../support/local-parts.ts";
import { GLOBEX, startBrokers } from "./brokers.ts";
import { ACME, endOf } from "../mover.ts";
import type { Brokers, Message } from "./brokers.ts";

const part = kafkaPart();
let brokers: Brokers;

const bytes = (text: string) => Buffer.from(text);
const message = (
  topic: string,
  key: string | null,
  value: string | null,
  more: Partial<Message> = {},
): Message => ({
  topic,
  partition: 0,
  key: (key === null ? null : bytes(key)) as Buffer,
  value: (value === null ? null : bytes(value)) as Buffer,
  ...more,
});
/** What can be seen of a record by its reader, but for its offset. */
const seen = ({ key, value, headers, timestamp }: KafkaRecord) => ({
  key: key?.toString() ?? null,
  value: value?.toString() ?? null,
  headers: headers.map(([name, content]) => [name?.toString() ?? null, content?.toString() ?? null]),
  timestamp,
});
const digests = (records: KafkaRecord[]) => records.map((record) => digestOf(record).toString("hex"));
const isAcmes = ({ key }: KafkaRecord) => key !== null && key.toString().startsWith(ACME.id);
const without = (topics: string[]) => {
  const all = brokers.document().kafka.topics as Record<string, number>;
  return Object.fromEntries(Object.entries(all).filter(([name]) => topics.includes(name)));
};
/** A move of some topics only, under a tenant of its own slug: each test has its own checkpoints. */
const documentOf = (slug: string, topics: string[], kafka: Record<string, unknown> = {}) => ({
  ...brokers.document({ topics: without(topics), ...kafka }),
  tenant: { ...ACME, slug },
});
const commit = async (group: string, topic: string, offset: bigint, side = brokers.shared) => {
  const topics = [{ name: topic, partitionOffsets: [{ partition: 0, offset }] }];
  await side.admin.alterConsumerGroupOffsets({ groupId: group, topics });
};
const committed = async (group: string, topic: string) => {
  const [found] = await brokers.own.admin.listConsumerGroupOffsets({ groups: [group] });
  return found?.topics.find(({ name }) => name === topic)?.partitions[0]?.committedOffset;
};
const countOwn = async (topic: string, partitions: number) => {
  const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: -1n,
  }));
  const [found] = await brokers.own.admin.listOffsets({ topics: [{ name: topic, partitions: asked }] });
  return found!.partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
};
/** Puts a checkpoint of the mover's where a killed run would have left it. */
const leaveCheckpoint = async (slug: string, topic: string, checkpoint: Checkpoint) => {
  const keeper = { to: brokers.own.side, group: planGroup(slug) };
  const claim = await claimMove({ signal: new AbortController().signal }, keeper);
  await claim.commit({ topic, partition: 0 }, checkpoint);
  await claim.release();
};
const groupsOf = async (side = brokers.own) => [...(await side.admin.listGroups({})).keys()].sort();

describe.skipIf(!part)("the mover of records", () => {
  beforeAll(async () => {
    brokers = await startBrokers(part!);
  });
  afterAll(() => brokers?.stop());

  it("brings the tenant's records over, with order, partition, key, headers, nulls and timestamp", async () => {
    await brokers.makeTopic("basic", 3);
    const header = new Map([
      [bytes("a"), bytes("1")],
      [bytes("a"), bytes("2")],
      [bytes("none"), null as unknown as Buffer],
    ]);
    const old = BigInt(Date.now() - 86_400_000);
    await brokers.shared.produce([
      message("basic", ACME.id, "first", { headers: header, timestamp: old }),
      message("basic", GLOBEX.id, "another tenant's"),
      message("basic", `${ACME.id}:42`, null, { timestamp: old - 5n }),
      message("basic", `${ACME.id}0`, "another tenant's with a key that begins alike"),
      message("basic", null, "nobody's"),
      message("basic", ACME.id, "third"),
      message("basic", ACME.id, "elsewhere", { partition: 2 }),
    ]);
    const before = digests(await brokers.shared.read("basic"));
    const { code, report, stderr } = await brokers.run("copy", documentOf("basics", ["basic"]));
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(report).toMatchObject({ store: "kafka", verb: "copy", found: 4, copied: 4 });
    const source = (await brokers.shared.read("basic"))
      .filter(isAcmes)
      .slice(0, 4)
      .filter(({ key }) => key!.length !== 37);
    const target = await brokers.own.read("basic");
    expect(target.map(seen)).toEqual(source.map(seen));
    expect(target.map(seen)[0]!.headers).toEqual([
      ["a", "1"],
      ["a", "2"],
      ["none", null],
    ]);
    expect(target.map(seen)[1]).toMatchObject({ value: null, timestamp: old - 5n });
    expect((await brokers.own.read("basic", 1)).length).toBe(0);
    expect((await brokers.own.read("basic", 2)).map(seen)).toMatchObject([{ value: "elsewhere" }]);
    expect(digests(await brokers.shared.read("basic"))).toEqual(before);
  });

  it("brings nothing twice when it is run again, and by a catch-up only what came since", async () => {
    const document = documentOf("basics", ["basic"]);
    expect((await brokers.run("copy", document)).report).toMatchObject({ found: 0, copied: 0 });
    await brokers.shared.produce([message("basic", ACME.id, "later"), message("basic", GLOBEX.id, "not")]);
    expect((await brokers.run("catch-up", document)).report).toMatchObject({ verb: "catch-up", copied: 1 });
    expect((await brokers.own.read("basic")).map(seen).at(-1)).toMatchObject({ value: "later" });
  });

  it("says by verify that both sides are the same, and counts what the tenant has written itself", async () => {
    const document = documentOf("basics", ["basic"]);
    await brokers.own.produce([message("basic", ACME.id, "a trial")]);
    const { report } = await brokers.run("verify", document);
    expect(report).toMatchObject({ ok: true, verified: 5, others: 1, pending: 0, differences: [] });
    await brokers.shared.produce([message("basic", ACME.id, "pending")]);
    expect((await brokers.run("verify", document)).report).toMatchObject({ ok: true, pending: 1 });
    await brokers.run("catch-up", document);
    const after = (await brokers.run("verify", document)).report;
    expect(after).toMatchObject({ ok: true, verified: 6, others: 1, pending: 0 });
  });

  it("names a record that is missing or changed in the tenant's own namespace", async () => {
    await brokers.makeTopic("harmed", 1);
    const messages = ["one", "two", "three"].map((value) => message("harmed", ACME.id, value));
    await brokers.shared.produce(messages);
    const document = documentOf("harmed", ["harmed"]);
    await brokers.run("copy", document);
    const [one, two, three] = await brokers.own.read("harmed");
    // The same copies but one, with the checkpoint of the whole: what a broker leaves that has lost a record.
    await brokers.own.admin.deleteTopics({ topics: ["harmed"] });
    expect((await brokers.run("verify", document)).report.differences).toEqual([
      "kafka / harmed/0: 3 records of the shared namespace were never moved, or are gone with their topic",
    ]);
    await brokers.makeTopic("harmed", 1);
    const again = ({ value, timestamp }: KafkaRecord, text = value!.toString()) =>
      message("harmed", ACME.id, text, { timestamp });
    await brokers.own.produce([again(one!), again(two!, "other"), again(three!)]);
    await leaveCheckpoint("harmed", "harmed", { offset: 3n, tail: 3n, from: 0n, start: 0n, moved: 3 });
    const { report } = await brokers.run("verify", document);
    const digest = digestOf(two!).toString("hex");
    expect(report).toMatchObject({ ok: false });
    expect(report.differences).toEqual([
      expect.stringContaining(`kafka / harmed/0: the record at offset 1 with the digest ${digest} is not`),
    ]);
    expect(String((report.differences as string[])[0])).toMatch(
      /at offset 1 lies one with the digest [0-9a-f]{64}$/,
    );
  });

  it("names a batch that lies there twice", async () => {
    await brokers.makeTopic("twice", 1);
    await brokers.shared.produce([message("twice", ACME.id, "once")]);
    const document = documentOf("twice", ["twice"]);
    await brokers.run("copy", document);
    const [copy] = await brokers.own.read("twice");
    await brokers.own.produce([message("twice", ACME.id, "once", { timestamp: copy!.timestamp })]);
    expect((await brokers.run("verify", document)).report).toMatchObject({
      ok: false,
      differences: [expect.stringContaining("lies a second time at offset 1")],
    });
  });

  it(
    "is exact after being killed at any moment, while the tenant writes to its own namespace",
    { timeout: 240_000 },
    async () => {
      await brokers.makeTopic("killed", 3);
      const total = 30_000;
      for (let at = 0; at < total; at += 2_000)
        await brokers.shared.produce(
          Array.from({ length: 2_000 }, (_, index) => {
            const number = at + index;
            const key = number % 3 === 0 ? GLOBEX.id : `${ACME.id}:${number}`;
            return message("killed", key, `${number} ${"x".repeat(300)}`, {
              partition: number % 3 === 1 ? 1 : 2,
            });
          }),
        );
      let trials = 0;
      let isWriting = true;
      const writer = (async () => {
        while (isWriting) {
          await brokers.own.produce(
            [1, 2].map((partition) =>
              message("killed", `${ACME.id}:trial`, `trial ${trials++}`, { partition }),
            ),
          );
          await delay(3);
        }
      })();
      const document = documentOf("killed", ["killed"]);
      let partly = 0;
      for (let round = 1; round <= 8; round += 1) {
        const mover = brokers.start("copy", document);
        const ended = endOf(mover);
        let isOver = false;
        void ended.then(() => (isOver = true));
        while (!isOver && (await countOwn("killed", 3)) - trials < round * 2_100) await delay(2);
        mover.kill("SIGKILL");
        await ended;
        const moved = (await countOwn("killed", 3)) - trials;
        if (moved > 0 && moved < 19_000) partly += 1;
      }
      expect(partly).toBeGreaterThan(2);
      const last = await brokers.run("catch-up", document);
      expect({ code: last.code, stderr: last.code === 0 ? "" : last.stderr }).toEqual({
        code: 0,
        stderr: "",
      });
      isWriting = false;
      await writer;
      for (const partition of [0, 1, 2]) {
        const source = (await brokers.shared.read("killed", partition)).filter(isAcmes);
        const target = await brokers.own.read("killed", partition);
        const moved = target.filter(({ value }) => !value!.toString().startsWith("trial"));
        expect(digests(moved)).toEqual(digests(source));
      }
      expect((await brokers.run("verify", document)).report).toMatchObject({
        ok: true,
        verified: 20_000,
        pending: 0,
      });
    },
  );

  it("sends of an interrupted batch what did not arrive, among what the tenant has written meanwhile", async () => {
    await brokers.makeTopic("halved", 1);
    const timestamp = BigInt(Date.now());
    const made = ["same", "same", "other", "same"].map((value) =>
      message("halved", ACME.id, value, { timestamp }),
    );
    await brokers.shared.produce(made);
    const trial = message("halved", ACME.id, "trial");
    await brokers.own.produce([trial, made[0]!, trial, made[1]!, trial]);
    await leaveCheckpoint("halved", "halved", {
      offset: 0n,
      open: 4n,
      tail: 1n,
      from: 0n,
      start: 0n,
      moved: 0,
    });
    const document = documentOf("halved", ["halved"]);
    expect((await brokers.run("copy", document)).report).toMatchObject({ found: 4, copied: 2 });
    const values = (await brokers.own.read("halved")).map(({ value }) => value!.toString());
    expect(values).toEqual(["trial", "same", "trial", "same", "trial", "other", "same"]);
    expect((await brokers.run("verify", document)).report).toMatchObject({ ok: true, verified: 4 });
  });

  it("stops a run that another one has taken over", async () => {
    await brokers.makeTopic("taken", 1);
    const many = Array.from({ length: 4_000 }, (_, index) =>
      message("taken", ACME.id, `${index} ${"x".repeat(2_000)}`),
    );
    for (let at = 0; at < many.length; at += 400) await brokers.shared.produce(many.slice(at, at + 400));
    const document = documentOf("taken", ["taken"]);
    const runs = await Promise.all([brokers.run("copy", document), brokers.run("copy", document)]);
    for (const { code, stderr } of runs.filter((run) => run.code !== 0)) {
      expect(code).toBe(5);
      expect(stderr).toContain("another run of the mover has taken over");
    }
    await brokers.run("catch-up", document);
    expect(digests(await brokers.own.read("taken"))).toEqual(digests(await brokers.shared.read("taken")));
  });

  it("makes the tenant's own topics with their partitions and settings, and copies them whole", async () => {
    await brokers.shared.admin.createTopics({
      topics: ["owner.orders"],
      partitions: 2,
      replicas: 1,
      configs: [{ name: "cleanup.policy", value: "compact" }],
    });
    await brokers.shared.produce([message("owner.orders", "any key", "a", { partition: 1 })]);
    const { report } = await brokers.run("copy", documentOf("owner", ["basic"]));
    expect(report.topics).toContainEqual({
      topic: "owner.orders",
      scope: "own",
      partitions: [
        { partition: 0, records: 0 },
        { partition: 1, records: 1 },
      ],
    });
    expect((await brokers.own.read("owner.orders", 1)).map(seen)).toMatchObject([
      { key: "any key", value: "a" },
    ]);
    const [described] = await brokers.own.admin.describeConfigs({
      resources: [{ resourceType: 2, resourceName: "owner.orders" }],
    });
    expect(described!.configs.find(({ name }) => name === "cleanup.policy")!.value).toBe("compact");
  });

  it.each([
    ["earliest", { reader: 0n, late: 0n }],
    ["same-record", { reader: 1n, late: 2n }],
  ])("lets the tenant's groups begin at the %s", async (offsets, expected) => {
    const [topic, slug] = [`read-${offsets}`, `reads-${offsets}`];
    await brokers.makeTopic(topic, 1);
    await brokers.shared.produce([
      message(topic, GLOBEX.id, "0"),
      message(topic, ACME.id, "1"),
      message(topic, GLOBEX.id, "2"),
      message(topic, ACME.id, "3"),
    ]);
    await commit(`${slug}.reader`, topic, 2n);
    await commit(`${slug}.late`, topic, 4n);
    await commit(`other.${slug}`, topic, 4n);
    const document = documentOf(slug, [topic], { offsets });
    const { report } = await brokers.run("copy", document);
    expect(report.groups).toEqual([
      { group: `${slug}.late`, set: 1, left: 0 },
      { group: `${slug}.reader`, set: 1, left: 0 },
    ]);
    expect(await committed(`${slug}.reader`, topic)).toBe(expected.reader);
    expect(await committed(`${slug}.late`, topic)).toBe(expected.late);
    expect(await groupsOf()).not.toContain(`other.${slug}`);
    // Where the tenant has read on itself, it stays.
    await commit(`${slug}.reader`, topic, 2n, brokers.own);
    await commit(`${slug}.reader`, topic, 3n);
    const again = await brokers.run("catch-up", document);
    expect(again.report.groups).toContainEqual({
      group: `${slug}.reader`,
      set: 0,
      left: 1,
    });
    expect(await committed(`${slug}.reader`, topic)).toBe(2n);
  });

  it("leaves out what is older than the retention, and passes over empty partitions", async () => {
    await brokers.makeTopic("aged", 2);
    const hoursAgo = (hours: number) => BigInt(Date.now() - hours * 3_600_000);
    await brokers.shared.produce([
      message("aged", ACME.id, "old", { timestamp: hoursAgo(30) }),
      message("aged", ACME.id, "young", { timestamp: hoursAgo(1) }),
    ]);
    const document = documentOf("aged", ["aged"], { retentionHours: 24 });
    expect((await brokers.run("copy", document)).report).toMatchObject({ copied: 1 });
    expect((await brokers.own.read("aged")).map(seen)).toMatchObject([{ value: "young" }]);
    expect((await brokers.run("verify", document)).report).toMatchObject({ ok: true, verified: 1 });
  });

  it("goes on when records that it has moved have left either side by their age", async () => {
    await brokers.makeTopic("leaving", 1);
    const hoursAgo = (hours: number) => BigInt(Date.now() - hours * 3_600_000);
    await brokers.shared.produce(
      [23, 22, 1].map((hours) =>
        message("leaving", ACME.id, `${hours} hours`, { timestamp: hoursAgo(hours) }),
      ),
    );
    const document = documentOf("leaving", ["leaving"], { retentionHours: 24 });
    await brokers.run("copy", document);
    const cut = (side: typeof brokers.own, offset: bigint) =>
      side.admin.deleteRecords({ topics: [{ name: "leaving", partitions: [{ partition: 0, offset }] }] });
    await cut(brokers.shared, 1n);
    const shorter = (await brokers.run("verify", document)).report;
    expect(shorter).toMatchObject({ ok: true, verified: 2 });
    await cut(brokers.own, 2n);
    // 22 hours are beyond a retention of 21: it may be gone.
    const aged = documentOf("leaving", ["leaving"], { retentionHours: 21 });
    expect((await brokers.run("verify", aged)).report).toMatchObject({ ok: true, verified: 1, expired: 1 });
    // Within it, it may not.
    expect((await brokers.run("verify", document)).report).toMatchObject({ ok: false });
  });

  it("reads compressed batches, and leaves out what a transaction has taken back", async () => {
    await brokers.makeTopic("packed", 1);
    const { Producer } = await import("@platformatic/kafka");
    const options = { ...brokers.shared.server.clientOptions, retries: 20 };
    const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
      ...options,
      idempotent: true,
      transactionalId: "t",
    });
    for (const [value, isKept] of [
      ["aborted", false],
      ["committed", true],
    ] as const) {
      const transaction = await producer.beginTransaction({});
      await transaction.send({ messages: [message("packed", ACME.id, value)], compression: "lz4" });
      await (isKept ? transaction.commit() : transaction.abort());
    }
    await Promise.resolve(producer.close(true));
    const document = documentOf("packed", ["packed"]);
    const { report, code, stderr } = await brokers.run("copy", document);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(report).toMatchObject({ copied: 1 });
    expect((await brokers.own.read("packed")).map(seen)).toMatchObject([{ value: "committed" }]);
    expect((await brokers.run("verify", document)).report).toMatchObject({ ok: true, verified: 1 });
  });

  it("inspects and purges: topics and groups go, records in common topics are counted, others' stay", async () => {
    await brokers.makeTopic("purged", 1);
    await brokers.shared.admin.createTopics({
      topics: ["leaver.own", "leavers.own"],
      partitions: 1,
      replicas: 1,
    });
    await brokers.shared.produce([
      message("purged", ACME.id, "left behind"),
      message("purged", GLOBEX.id, "another's"),
      message("leaver.own", "k", "v"),
    ]);
    await commit("leaver.reader", "purged", 1n);
    await commit("leavers.reader", "purged", 1n);
    const document = documentOf("leaver", ["purged"]);
    const inspected = (await brokers.run("inspect", document)).report;
    expect(inspected).toMatchObject({ records: 2, groups: ["leaver.reader"] });
    expect((await brokers.run("inspect", document)).report.digest).toBe(inspected.digest);
    const before = digests(await brokers.shared.read("purged"));
    const { report } = await brokers.run("purge", document);
    expect(report).toMatchObject({
      topics: ["leaver.own"],
      groups: ["leaver.reader"],
      remaining: { records: 1 },
    });
    const days = (Date.parse((report.remaining as { until: string }).until) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThan(30.1);
    expect(digests(await brokers.shared.read("purged"))).toEqual(before);
    const topics = await brokers.shared.admin.listTopics();
    expect(topics).toContain("leavers.own");
    expect(topics).not.toContain("leaver.own");
    expect(await groupsOf(brokers.shared)).toContain("leavers.reader");
    expect((await brokers.run("purge", document)).report).toMatchObject({ topics: [], groups: [] });
  });

  it("removes what it has kept for itself when the move has ended", async () => {
    const document = documentOf("basics", ["basic"]);
    expect(await groupsOf()).toContain("tierlift.basics");
    expect((await brokers.run("finish", document)).code).toBe(0);
    expect(await groupsOf()).not.toContain("tierlift.basics");
    expect((await brokers.run("finish", document)).code).toBe(0);
  });

  it.each([
    [
      "a namespace that does not answer",
      { bootstrapServers: "127.0.0.1:1" },
      9,
      /error BROKER: source: .*ECONNREFUSED/,
    ],
    [
      "a secret that is wrong",
      { login: { azureTenantId: "t", clientId: "c", clientSecret: "wrong" } },
      9,
      /error BROKER: source/,
    ],
  ])("fails with a sentence for %s", async (_, source, code, text) => {
    const whole = brokers.document();
    const ended = await brokers.run("inspect", {
      ...whole,
      kafka: { ...whole.kafka, source: { ...(whole.kafka.source as object), ...source } },
    });
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(text);
    expect(ended.stderr).not.toContain(brokers.secret);
  });

  it("refuses a topic whose partitions differ, as records would leave the order of their keys", async () => {
    await brokers.makeTopic("uneven", 1);
    await brokers.own.admin.createPartitions({ topics: [{ name: "uneven", count: 2 }] });
    const { code, stderr } = await brokers.run("copy", documentOf("uneven", ["uneven"]));
    expect(code).toBe(5);
    expect(stderr).toContain("error REFUSED: target / uneven: it has 2 partitions, and 1 are expected");
  });

  it("ends on SIGTERM, and says so", async () => {
    const mover = brokers.start("copy", documentOf("ended", ["killed"]));
    const ended = endOf(mover);
    // It has begun, and is far from its end.
    await vi.waitFor(async () => expect(await groupsOf()).toContain("tierlift.ended"), 20_000);
    mover.kill("SIGTERM");
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([143, expect.stringContaining("error CANCELLED: cancelled by SIGTERM")]);
  });
});

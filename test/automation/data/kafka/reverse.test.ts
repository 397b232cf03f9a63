import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noteCheckpoints } from "../../../../automation/data/kafka/checkpoint.ts";
import { digestOf } from "../../../../automation/data/kafka/records.ts";
import type { KafkaRecord } from "../../../../automation/data/kafka/records.ts";
import { isBackGroup, planBackGroup } from "../../../../automation/data/kafka/route.ts";
import { kafkaPart } from "../../../support/local-parts.ts";
import { ACME, endOf } from "../mover.ts";
import { GLOBEX, startBrokers } from "./brokers.ts";
import type { Broker, Brokers, Message } from "./brokers.ts";

const part = kafkaPart();
let brokers: Brokers;

const bytes = (text: string) => Buffer.from(text);
const message = (topic: string, key: string | null, value: string, more: Partial<Message> = {}): Message => ({
  topic,
  partition: 0,
  key: (key === null ? null : bytes(key)) as Buffer,
  value: bytes(value),
  ...more,
});
const digests = (records: KafkaRecord[]) => records.map((record) => digestOf(record).toString("hex"));
const isAcmes = ({ key }: KafkaRecord) => key !== null && key.toString().startsWith(ACME.id);
const valuesOf = async (side: Broker, topic: string, partition = 0) =>
  (await side.read(topic, partition)).map(({ value }) => value!.toString());
/** A move of one common topic, under a tenant of its own slug: each test has its own checkpoints. */
const documentOf = (slug: string, topic: string, partitions = 1) => ({
  ...brokers.document({ topics: { [topic]: partitions } }),
  tenant: { ...ACME, slug },
});
const groupsOf = async (side: Broker) => [...(await side.admin.listGroups({})).keys()];
const cut = (side: Broker, topic: string, offset: bigint) =>
  side.admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset }] }] });

/** Both sides are the same, and the tenant works on its own one from now on. */
async function cutOver(document: ReturnType<typeof documentOf>) {
  const { report, stderr } = await brokers.settle("over", document);
  expect({ report, stderr }).toEqual({ report: { differences: [] }, stderr: "" });
}

/** A common topic of a test with one record of the tenant's and one of another's, after the switch. */
async function switched(slug: string, topic = slug, partitions = 1) {
  await brokers.makeTopic(topic, partitions);
  await brokers.shared.produce([message(topic, ACME.id, "before"), message(topic, GLOBEX.id, "another's")]);
  const document = documentOf(slug, topic, partitions);
  await cutOver(document);
  return document;
}

it.each([
  ["tierlift.acme.back", true],
  ["tierlift.orders", false],
  ["acme.back", false],
  ["tierlift.a.b.back", false],
])("the group %s is the mover's: %s", (group, expected) => {
  expect(isBackGroup(group)).toBe(expected);
});

describe.skipIf(!part)("records on their way back", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    brokers = await startBrokers(part!);
  });
  afterAll(() => brokers?.stop());

  it("are those that came since the switch, with order, partition, key, headers and timestamp", async () => {
    const document = await switched("basics", "basics", 2);
    const timestamp = BigInt(Date.now() - 3_600_000);
    const headers = new Map([
      [bytes("a"), bytes("1")],
      [bytes("a"), bytes("2")],
    ]);
    await brokers.own.produce([
      message("basics", ACME.id, "one", { headers, timestamp }),
      message("basics", `${ACME.id}:7`, "two"),
      message("basics", ACME.id, "elsewhere", { partition: 1 }),
      message("basics", null, "without key"),
      message("basics", `${GLOBEX.id}:1`, "with another tenant's key"),
    ]);
    await brokers.shared.produce([
      message("basics", GLOBEX.id, "meanwhile"),
      message("basics", ACME.id, "late"),
    ]);
    const { code, report, stderr } = await brokers.run("reverse", document);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(report).toMatchObject({ store: "kafka", verb: "reverse", found: 4, copied: 4, left: 1 });
    expect(report["topics"]).toEqual([
      {
        topic: "basics",
        scope: "tenant",
        partitions: [
          { partition: 0, records: 3 },
          { partition: 1, records: 1 },
        ],
      },
    ]);
    expect(await valuesOf(brokers.shared, "basics")).toEqual([
      ...["before", "another's", "meanwhile", "late"],
      ...["one", "two", "without key"],
    ]);
    expect(await valuesOf(brokers.shared, "basics", 1)).toEqual(["elsewhere"]);
    const [, ...own] = await brokers.own.read("basics");
    expect(digests((await brokers.shared.read("basics")).slice(4))).toEqual(digests(own.slice(0, 3)));

    expect((await brokers.run("reverse", document)).report).toMatchObject({ found: 0, copied: 0, left: 0 });
    await brokers.own.produce([message("basics", ACME.id, "later")]);
    expect((await brokers.run("reverse", document)).report).toMatchObject({ found: 1, copied: 1 });
    expect((await valuesOf(brokers.shared, "basics")).slice(6)).toEqual(["without key", "later"]);
  });

  it("are those of topics as well that the tenant has made for itself, before the switch and after", async () => {
    await brokers.shared.admin.createTopics({ topics: ["maker.old"], partitions: 1, replicas: 1 });
    await brokers.shared.produce([message("maker.old", "k", "before")]);
    const document = await switched("maker");
    await brokers.own.admin.createTopics({
      topics: ["maker.new"],
      partitions: 2,
      replicas: 1,
      configs: [{ name: "cleanup.policy", value: "compact" }],
    });
    await brokers.own.produce([
      message("maker.old", GLOBEX.id, "any key is the tenant's here"),
      message("maker.new", "k", "new", { partition: 1 }),
    ]);
    expect((await brokers.run("reverse", document)).report).toMatchObject({ copied: 2, left: 0 });
    expect(await valuesOf(brokers.shared, "maker.old")).toEqual(["before", "any key is the tenant's here"]);
    expect(await valuesOf(brokers.shared, "maker.new", 1)).toEqual(["new"]);
    const [described] = await brokers.shared.admin.describeConfigs({
      resources: [{ resourceType: 2, resourceName: "maker.new" }],
    });
    expect(described!.configs.find(({ name }) => name === "cleanup.policy")!.value).toBe("compact");
    expect((await brokers.run("reverse", document)).report).toMatchObject({ copied: 0 });
  });

  it("are sent of an interrupted batch as far as they did not arrive, among what others have written", async () => {
    await brokers.makeTopic("halved", 1);
    const timestamp = BigInt(Date.now());
    const made = ["same", "same", "other", "same"].map((value) =>
      message("halved", ACME.id, value, { timestamp }),
    );
    await brokers.own.produce(made);
    const other = message("halved", GLOBEX.id, "same", { timestamp });
    const late = message("halved", ACME.id, "late");
    await brokers.shared.produce([late, made[0]!, other, late, made[1]!, other]);
    const keeper = { to: brokers.shared.side, group: planBackGroup("halved") };
    const checkpoint = { offset: 0n, open: 4n, tail: 1n, from: 0n, start: 0n, moved: 0 };
    await noteCheckpoints({ signal: AbortSignal.timeout(20_000) }, keeper, [
      { topic: "halved", partition: 0, checkpoint },
    ]);
    const document = documentOf("halved", "halved");
    expect((await brokers.run("reverse", document)).report).toMatchObject({ found: 4, copied: 2 });
    expect(await valuesOf(brokers.shared, "halved")).toEqual([
      ...["late", "same", "same", "late", "same", "same"],
      ...["other", "same"],
    ]);
    expect((await brokers.settle("return", document)).report).toEqual({ differences: [] });
  });

  it(
    "are exact after a kill at any moment, while others write to the same topic",
    { timeout: 240_000 },
    async () => {
      const document = await switched("killed");
      const total = 20_000;
      for (let at = 0; at < total; at += 2_000)
        await brokers.own.produce(
          Array.from({ length: 2_000 }, (_, index) =>
            message("killed", `${ACME.id}:${at + index}`, `${at + index} ${"x".repeat(300)}`),
          ),
        );
      let others = 0;
      let isWriting = true;
      const writer = (async () => {
        while (isWriting) {
          await brokers.shared.produce([
            message("killed", GLOBEX.id, `another's ${others}`),
            message("killed", `${ACME.id}:late`, `late ${others++}`),
          ]);
          await delay(3);
        }
      })();
      const asked = { name: "killed", partitions: [{ partitionIndex: 0, timestamp: -1n }] };
      const moved = async () => {
        const [found] = await brokers.shared.admin.listOffsets({ topics: [asked] });
        return Number(found!.partitions[0]!.offset) - 2 * others;
      };
      let partly = 0;
      for (let round = 1; round <= 6; round += 1) {
        const mover = brokers.start("reverse", document);
        const ended = endOf(mover);
        let isOver = false;
        void ended.then(() => (isOver = true));
        while (!isOver && (await moved()) < round * 2_100) await delay(2);
        mover.kill("SIGKILL");
        await ended;
        const there = await moved();
        if (there > 100 && there < total - 100) partly += 1;
      }
      expect(partly).toBeGreaterThan(2);
      const last = await brokers.run("reverse", document);
      expect({ code: last.code, stderr: last.code === 0 ? "" : last.stderr }).toEqual({
        code: 0,
        stderr: "",
      });
      isWriting = false;
      await writer;
      const [, ...own] = await brokers.own.read("killed");
      const shared = (await brokers.shared.read("killed")).filter(isAcmes).slice(1);
      const back = shared.filter(({ value }) => !value!.toString().startsWith("late"));
      expect(digests(back)).toEqual(digests(own));
      expect(own).toHaveLength(total);
      expect((await brokers.settle("return", document)).report).toEqual({ differences: [] });
    },
  );

  it("are settled for the switch back: the rest is brought, and what is missing is named", async () => {
    const document = await switched("settled");
    await brokers.own.produce([message("settled", ACME.id, "one")]);
    await brokers.run("reverse", document);
    await brokers.own.produce([message("settled", ACME.id, "two")]);
    expect((await brokers.settle("return", document)).report).toEqual({ differences: [] });
    expect(await valuesOf(brokers.shared, "settled")).toEqual(["before", "another's", "one", "two"]);
    await cut(brokers.shared, "settled", 3n);
    const [, one] = await brokers.own.read("settled");
    expect((await brokers.settle("return", document)).report["differences"]).toEqual([
      expect.stringContaining(
        `kafka / settled/0: the record at offset 1 with the digest ${digestOf(one!).toString("hex")} is not in the shared namespace`,
      ),
    ]);
  });

  it("are brought over by no catch-up, which brings only what came late", async () => {
    const document = await switched("stays");
    const write = (side: Broker, value: string) => side.produce([message("stays", ACME.id, value)]);
    await write(brokers.shared, "late 1");
    await write(brokers.own, "own 1");
    await write(brokers.own, "own 2");
    await brokers.run("reverse", document);
    await write(brokers.shared, "late 2");
    await write(brokers.own, "own 3");
    await brokers.run("reverse", document);
    await write(brokers.own, "own 4");
    expect((await brokers.run("catch-up", document)).report).toMatchObject({ found: 2, copied: 2 });
    const expected = ["before", "own 1", "own 2", "own 3", "own 4", "late 1", "late 2"];
    expect(await valuesOf(brokers.own, "stays")).toEqual(expected);
    await write(brokers.shared, "late 3");
    expect((await brokers.run("catch-up", document)).report).toMatchObject({ found: 1, copied: 1 });
    expect(await valuesOf(brokers.own, "stays")).toEqual([...expected, "late 3"]);
    const { code, stderr } = await brokers.run("reverse", document);
    expect(code).toBe(5);
    expect(stderr).toContain("records were brought over since the switch: the way back has ended");
  });

  it("begin anew with a repeated cutover, and not without one", async () => {
    const document = await switched("again");
    await brokers.own.produce([message("again", ACME.id, "a trial before the switch")]);
    await cutOver(document);
    await brokers.own.produce([message("again", ACME.id, "one")]);
    expect((await brokers.run("reverse", document)).report).toMatchObject({ copied: 1 });
    expect(await valuesOf(brokers.shared, "again")).toEqual(["before", "another's", "one"]);

    expect((await brokers.run("reverse-finish", document)).report).toEqual({
      store: "kafka",
      verb: "reverse-finish",
      group: "tierlift.again.back",
    });
    const { code, stderr } = await brokers.run("reverse", document);
    expect(code).toBe(5);
    expect(stderr).toContain(
      "error REFUSED: source / again / 0: the place where the way back begins is not noted",
    );
  });

  it("move a second time with all that was done, to another namespace", async () => {
    const document = await switched("twice");
    const write = (side: Broker, value: string) => side.produce([message("twice", ACME.id, value)]);
    await write(brokers.shared, "late");
    await write(brokers.own, "one");
    await write(brokers.own, "two");
    expect((await brokers.settle("return", document)).report).toEqual({ differences: [] });
    await write(brokers.shared, "back");
    // As another namespace would be; what was noted of the way back is still there, as after a kill before its end.
    await brokers.run("finish", document);
    await brokers.own.admin.deleteTopics({ topics: ["twice"] });
    await brokers.makeTopic("twice", 1);
    const expected = ["before", "late", "one", "two", "back"];
    expect((await brokers.run("copy", document)).report).toMatchObject({ copied: expected.length });
    expect(await valuesOf(brokers.own, "twice")).toEqual(expected);
    expect((await brokers.run("verify", document)).report).toMatchObject({
      ok: true,
      verified: 5,
      pending: 0,
    });
    await cutOver(document);
    await write(brokers.own, "once more");
    expect((await brokers.run("reverse", document)).report).toMatchObject({ copied: 1 });
    expect((await valuesOf(brokers.shared, "twice")).at(-1)).toBe("once more");
  });

  it("leave no group behind, which is none of a tenant's either", async () => {
    const document = await switched("gone");
    expect(await groupsOf(brokers.shared)).toContain("tierlift.gone.back");
    const namesake = documentOf("tierlift", "gone");
    expect((await brokers.run("inspect", namesake)).report).toMatchObject({ groups: [] });
    expect((await brokers.run("purge", namesake)).report).toMatchObject({ groups: [] });
    expect((await brokers.run("inspect", document)).report).toMatchObject({ groups: [] });
    expect(await groupsOf(brokers.shared)).toContain("tierlift.gone.back");
    await brokers.run("reverse-finish", document);
    expect(await groupsOf(brokers.shared)).not.toContain("tierlift.gone.back");
    expect((await brokers.run("reverse-finish", document)).code).toBe(0);

    await cutOver(document);
    expect(await groupsOf(brokers.shared)).toContain("tierlift.gone.back");
    await brokers.run("purge", document);
    expect(await groupsOf(brokers.shared)).not.toContain("tierlift.gone.back");
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../../automation/data/kafka/records.ts";
import type { InspectReport } from "../../../../automation/data/postgres/report.ts";
import { kafkaPart, postgresPrograms } from "../../../support/local-parts.ts";
import { ACME, createDatabase, requestFor, runData, SEED, startServers } from "../servers.ts";
import type { TestServers } from "../servers.ts";
import { GLOBEX, startBrokers } from "./brokers.ts";
import type { Brokers } from "./brokers.ts";

const binDir = postgresPrograms();
const part = kafkaPart();

describe.skipIf(!binDir || !part)("a cutover with records", { timeout: 90_000 }, () => {
  let servers: TestServers;
  let brokers: Brokers;
  let database: string;
  let topic: string;
  let topics = 0;
  beforeAll(async () => {
    [servers, brokers] = await Promise.all([startServers(binDir!), startBrokers(part!)]);
  }, 90_000);
  afterAll(() => Promise.all([servers.stop(), brokers.stop()]));

  const produce = (values: string[], side = brokers.shared, id = ACME.id) =>
    side.produce(
      values.map((value) => ({ topic, partition: 0, key: Buffer.from(id), value: Buffer.from(value) })),
    );
  const kafka = () => brokers.document({ topics: { [topic]: 1 } }).kafka;
  const cutOver = async (more: object = {}) => {
    const rows = requestFor(servers, [database]);
    return await brokers.run("cutover", { ...rows, kafka: kafka(), ...more }, "postgres");
  };
  const mayWrite = async (): Promise<boolean> =>
    (await runData<InspectReport>("inspect", requestFor(servers, [database]))).role.writes;
  const values = async () => (await brokers.own.read(topic)).map(({ value }) => value!.toString());

  /** Rows and records are copied; a record came since. */
  beforeEach(async () => {
    database = await createDatabase(servers, SEED);
    await runData("provision", requestFor(servers, [database]));
    await runData("copy", requestFor(servers, [database]));
    topic = `events-${(topics += 1)}`;
    await brokers.makeTopic(topic, 1);
    await produce(["one", "two"]);
    await produce(["another's"], brokers.shared, GLOBEX.id);
    await brokers.run("copy", { ...requestFor(servers, [database]), kafka: kafka() });
    await produce(["three"]);
  });

  it("brings them over and shows that they are the same, in the freeze of the rows", async () => {
    const { report, stderr } = await cutOver();
    expect(stderr).not.toMatch(/^error/m);
    expect(report).toMatchObject({ mode: "followed", ok: true, differences: [] });
    expect(await values()).toEqual(["one", "two", "three"]);
    expect(await mayWrite()).toBe(false);
  });

  it("names a record that the tenant's own namespace does not have, and leaves the tenant writing", async () => {
    const [one] = await brokers.shared.read(topic);
    await brokers.own.admin.deleteRecords({
      topics: [{ name: topic, partitions: [{ partition: 0, offset: 1n }] }],
    });
    const { report } = await cutOver();
    expect(report).toMatchObject({
      ok: false,
      differences: [
        expect.stringContaining(
          `kafka / ${topic}/0: the record at offset 0 with the digest ${digestOf(one!).toString("hex")}`,
        ),
      ],
    });
    expect(await mayWrite()).toBe(true);
  });

  it("is not held up by a service that goes on producing: what comes too late is brought over afterwards", async () => {
    let isOver = false;
    const writing = (async () => {
      for (let round = 0; !isOver; round += 1) await produce([`busy ${round}`]);
    })();
    const { report, stderr } = await cutOver();
    isOver = true;
    await writing;
    expect(stderr).not.toMatch(/^error/m);
    expect(report).toMatchObject({ ok: true, differences: [] });
    await brokers.run("catch-up", { ...requestFor(servers, [database]), kafka: kafka() });
    const own = (await brokers.own.read(topic)).map((record) => digestOf(record).toString("hex"));
    const shared = (await brokers.shared.read(topic)).filter(({ key }) => key!.toString() === ACME.id);
    expect(own).toEqual(shared.map((record) => digestOf(record).toString("hex")));
    expect(own.length).toBeGreaterThan(5);
  });
});

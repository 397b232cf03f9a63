import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { InspectReport } from "../../../../automation/data/postgres/report.ts";
import { blobServerProgram, postgresPrograms } from "../../../support/local-parts.ts";
import { ACME, createDatabase, requestFor, runData, SEED, startServers } from "../servers.ts";
import type { TestServers } from "../servers.ts";
import { startAccounts } from "./accounts.ts";
import type { Accounts } from "./accounts.ts";

const binDir = postgresPrograms();
const main = blobServerProgram();
const plain = (body: string) => ({ body: Buffer.from(body), contentType: "text/plain" });

describe.skipIf(!binDir || !main)("a cutover with blobs", { timeout: 60_000 }, () => {
  let servers: TestServers;
  let accounts: Accounts;
  let database: string;
  beforeAll(async () => {
    [servers, accounts] = await Promise.all([startServers(binDir!), startAccounts(main!)]);
  }, 60_000);
  afterAll(() => Promise.all([servers.stop(), accounts.stop()]));

  /** Rows and blobs are copied; on the shared side a blob is added, one changed and one deleted since. */
  beforeEach(async () => {
    database = await createDatabase(servers, SEED);
    await runData("provision", requestFor(servers, [database]));
    await runData("copy", requestFor(servers, [database]));
    for (const name of await accounts.own.list("")) await accounts.own.remove(name);
    for (const name of ["a", "b", "c"]) await accounts.shared.put(`${ACME.slug}/${name}`, plain(name));
    await accounts.run("copy", { ...accounts.document, tenant: ACME });
    await accounts.shared.put(`${ACME.slug}/a`, plain("changed"));
    await accounts.shared.remove(`${ACME.slug}/b`);
    await accounts.shared.put(`${ACME.slug}/d`, plain("added"));
  });

  const cutOver = async (more: object = {}) => {
    const document = { ...accounts.document, ...requestFor(servers, [database]), ...more };
    return await accounts.run("cutover", document, "postgres");
  };
  const mayWrite = async (): Promise<boolean> =>
    (await runData<InspectReport>("inspect", requestFor(servers, [database]))).role.writes;

  it("brings them over and shows that they are the same, in the freeze of the rows", async () => {
    const { report, stderr } = await cutOver();
    expect(stderr).not.toMatch(/^error/m);
    expect(report).toMatchObject({ mode: "followed", ok: true, differences: [] });
    const agoMs = Date.now() - Date.parse(String(report["blobsAsOf"]));
    expect(agoMs).toBeGreaterThanOrEqual(0);
    expect(agoMs).toBeLessThan(20_000);
    expect(await accounts.own.list("")).toEqual(["a", "c", "d"]);
    expect((await accounts.own.read("a")).body.toString()).toBe("changed");
    expect(await mayWrite()).toBe(false);
  });

  it("names one that was changed after its copy, does not heal it, and leaves the tenant writing", async () => {
    const { metadata } = await accounts.own.read("c");
    await accounts.own.put("c", { ...plain("C"), metadata });
    const { report } = await cutOver();
    expect(report).toMatchObject({
      ok: false,
      differences: [
        expect.stringMatching(/^blobs \/ c: MD5 \S+ of 1 bytes in the shared account, \S+ of 1 bytes/),
      ],
    });
    expect((await accounts.own.read("c")).body.toString()).toBe("C");
    expect(await mayWrite()).toBe(true);
  });

  it("is not held up by blobs that go on changing: what comes too late for it is brought over afterwards", async () => {
    const written = new Map<string, string>();
    let isOver = false;
    const write = async () => {
      for (let round = 0; !isOver; round += 1) {
        const [name, body] = [`busy/${round % 20}`, `round ${round}`];
        await accounts.shared.put(`${ACME.slug}/${name}`, plain(body));
        written.set(name, body);
      }
    };
    const writing = write();
    const { report, stderr } = await cutOver();
    isOver = true;
    await writing;
    expect(stderr).not.toMatch(/^error/m);
    expect(report).toMatchObject({ ok: true, differences: [] });
    const { blobs } = accounts.document as { blobs: object };
    const document = { tenant: ACME, blobs: { ...blobs, asOf: report["blobsAsOf"] } };
    expect((await accounts.run("late", document)).report).toMatchObject({ aside: [] });
    const there = [...written].map(async ([name, body]) => {
      expect((await accounts.own.read(name)).body.toString(), name).toBe(body);
    });
    await Promise.all(there);
    expect(there.length).toBeGreaterThan(5);
  });

  it("opens writes again when the blobs alone take longer than the freeze may", async () => {
    const { code, stderr } = await cutOver({ freezeBudgetMs: 1 });
    expect(code).toBe(6);
    expect(stderr).toContain("error FREEZE_BUDGET");
    expect(await mayWrite()).toBe(true);
  });
});

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { planLate } from "../../../../automation/data/blobs/late.ts";
import { parseMark, planMark } from "../../../../automation/data/blobs/mark.ts";
import { planBack } from "../../../../automation/data/blobs/reverse.ts";
import { blobServerProgram } from "../../../support/local-parts.ts";
import { endOf } from "../mover.ts";
import { startAccounts } from "./accounts.ts";
import type { Accounts } from "./accounts.ts";
import { after, AS_OF, blob } from "./states.ts";

const main = blobServerProgram();
const LARGE = 9 * 1024 * 1024 + 17;
const plain = (body: string) => ({ body: Buffer.from(body), contentType: "text/plain" });

describe("what is due on the shared side", () => {
  const late = { changedAt: after, md5: "LATE" };
  it.each([
    ["is new on the own side", undefined, {}, "replace"],
    ["was changed there", {}, { md5: "BBBB" }, "replace"],
    ["got another type there, and kept its bytes", {}, { headers: { blobContentType: "x/y" } }, "replace"],
    ["was brought back and has changed again", { mark: "0x8", changedAt: after }, { md5: "BBBB" }, "replace"],
    ["is the same", {}, { mark: "0x2" }, "nothing"],
    ["was brought back", { mark: "0x9", changedAt: after }, {}, "nothing"],
    ["was brought back of one without MD5", { mark: "0x9" }, { md5: undefined }, "nothing"],
    ["was deleted on the own side", {}, undefined, "delete"],
    ["was brought back and then deleted", { mark: "0x9", changedAt: after }, undefined, "delete"],
    ["is late, and the own side has none", late, undefined, "nothing"],
    ["is late, and the own side's is as it was moved", late, { mark: "0x1" }, "nothing"],
    ["is late, and both have written it", late, {}, "aside"],
  ])("of a blob that %s", (_, source, target, expected) => {
    const there = target && blob({ ...target, etag: "0x9" });
    const pair = { ...(source && { source: blob(source) }), ...(there && { target: there }) };
    expect(planBack(pair, AS_OF)).toBe(expected);
  });

  it("is no late state afterwards: what was brought back does not come over again", () => {
    const back = blob({ mark: "0x9", changedAt: after });
    expect(planLate(back, undefined, AS_OF)).toBeUndefined();
    expect(planLate(back, blob({ etag: "0x9", md5: "newer" }), AS_OF)).toBeUndefined();
    expect(planLate(back, blob({ etag: "0x9", mark: "0x1" }), AS_OF)).toBeUndefined();
  });
});

describe("the mark of a copy", () => {
  const copy = { md5: "AAAA", headers: {}, metadata: { Owner: "x" } };
  const mark = planMark("0x8DE", copy);
  it.each([
    ["as it was made", copy, "0x8DE"],
    ["as its properties tell it", { ...copy, metadata: { owner: "x" } }, "0x8DE"],
    ["with other bytes", { ...copy, md5: "BBBB" }, undefined],
    ["with other metadata", { ...copy, metadata: { Owner: "y" } }, undefined],
    ["with another type", { ...copy, headers: { blobContentType: "text/html" } }, undefined],
  ])("says what it was made of only %s", (_, found, expected) => {
    expect(parseMark(mark, found)).toBe(expected);
  });
  it("is none where there is none", () => {
    expect(parseMark(undefined, copy)).toBeUndefined();
  });
});

describe.skipIf(!main)("blobs on their way back", { timeout: 90_000 }, () => {
  let accounts: Accounts;
  let asOf: string;
  beforeAll(async () => {
    accounts = await startAccounts(main!);
  }, 60_000);
  afterAll(() => accounts.stop());

  const document = () => {
    const { blobs } = accounts.document as { blobs: object };
    return { ...accounts.document, blobs: { ...blobs, asOf } };
  };
  const reverse = () => accounts.run("reverse", document());
  const sharedText = async (name: string) => (await accounts.shared.read(`acme/${name}`)).body.toString();
  const ownText = async (name: string) => (await accounts.own.read(name)).body.toString();
  const empty = async (side: Accounts["own"]) => {
    for (const name of await side.list("")) await side.remove(name);
  };
  const canaries = async () => {
    const names = (await accounts.shared.list("")).filter((name) => !name.startsWith("acme/"));
    return await Promise.all(names.map(async (name) => ({ name, ...(await accounts.shared.read(name)) })));
  };

  /** Both sides are the same, and the tenant works on its own one. */
  beforeEach(async () => {
    await empty(accounts.shared);
    await empty(accounts.own);
    for (const name of ["both", "changed", "dropped", "kept", "typed"])
      await accounts.shared.put(`acme/${name}`, plain(name));
    await accounts.shared.put("acme/large", { body: randomBytes(LARGE), contentType: "application/x-a" });
    await accounts.shared.put("acme-corp/kept", plain("another tenant's"));
    await accounts.shared.put("acme", plain("nobody's"));
    await accounts.run("copy");
    await sleep(1_100);
    asOf = new Date().toISOString();
  });

  it("are brought to what the tenant's own account holds, again and again", async () => {
    const { shared, own } = accounts;
    const others = await canaries();
    const large = randomBytes(LARGE);
    await own.put("changed", { ...plain("changed"), metadata: { owner: "team-1" } });
    await own.put("large", { body: large, contentType: "application/x-b" });
    await own.put("new/ä b?", plain("new"));
    await own.remove("dropped");
    // As a client does that reads metadata, and writes them again: with the mark.
    const typed = await own.read("typed");
    await own.put("typed", { ...typed, contentType: "text/html", metadata: typed.metadata! });

    const { code, report, stderr } = await reverse();
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(report).toMatchObject({
      store: "blobs",
      verb: "reverse",
      copied: { blobs: 4, bytes: 7 + LARGE + 3 + 5 },
      deleted: 1,
      aside: [],
    });
    expect(await shared.list("acme/")).toEqual(
      ["both", "changed", "kept", "large", "new/ä b?", "typed"].map((name) => `acme/${name}`),
    );
    const changed = await shared.read("acme/changed");
    expect(changed).toMatchObject({ contentType: "text/plain", metadata: { owner: "team-1" } });
    const back = await shared.read("acme/large");
    expect(back.body.equals(large)).toBe(true);
    expect([back.contentType, back.md5]).toEqual(["application/x-b", (await own.read("large")).md5]);
    expect((await shared.read("acme/typed")).contentType).toBe("text/html");
    expect(await canaries()).toEqual(others);

    const again = { copied: { blobs: 0, bytes: 0 }, deleted: 0, aside: [] };
    expect((await reverse()).report).toMatchObject(again);
    await own.remove("new/ä b?");
    await own.put("changed", plain("once more"));
    expect((await reverse()).report).toMatchObject({ copied: { blobs: 1 }, deleted: 1 });
    expect(await sharedText("changed")).toBe("once more");
    expect(await shared.list("acme/new")).toEqual([]);
  });

  it("leave what an old service has written late, beside the tenant's own where both have", async () => {
    const { shared, own } = accounts;
    await shared.put("acme/both", plain("late"));
    await shared.put("acme/kept", plain("late alone"));
    await shared.put("acme/new", plain("late and new"));
    await shared.put("acme/dropped", plain("late again"));
    await own.put("both", plain("the own side's"));
    await own.remove("dropped");
    const { report } = await reverse();
    expect(report).toMatchObject({ copied: { blobs: 1 }, deleted: 0, aside: [expect.any(String)] });
    const [aside] = report["aside"] as [string];
    expect(aside).toMatch(/^both\.shared-\d{8}T\d{6}Z$/);
    const texts = async () =>
      await Promise.all(["both", aside, "kept", "new", "dropped"].map((name) => sharedText(name)));
    expect(await texts()).toEqual(["the own side's", "late", "late alone", "late and new", "late again"]);
    expect(await accounts.own.list("")).toEqual(["both", "changed", "kept", "large", "typed"]);

    expect((await reverse()).report).toMatchObject({ copied: { blobs: 0 }, deleted: 0, aside: [] });
    await shared.put("acme/both", plain("later"));
    expect((await reverse()).report["aside"]).toHaveLength(1);
    expect(await texts()).toEqual(["the own side's", "late", "late alone", "late and new", "late again"]);
    const states = (await shared.list("acme/both.shared-")).map((name) => sharedText(name.slice(5)));
    expect((await Promise.all(states)).sort()).toEqual(["late", "later"]);
  });

  it("come late only as far as they were not brought back, when the tenant stays", async () => {
    const { shared, own } = accounts;
    await own.put("both", plain("the own side's"));
    await own.put("changed", plain("changed"));
    await own.put("new", plain("new"));
    await shared.put("acme/both", plain("late"));
    await reverse();
    await own.remove("new");
    await own.put("changed", plain("newer"));
    const { report } = await accounts.run("late", document());
    expect(report).toMatchObject({ copied: { blobs: 1 }, aside: [] });
    const [aside] = await own.list("both.");
    expect(await own.list("")).toEqual(["both", aside, "changed", "dropped", "kept", "large", "typed"]);
    expect([await ownText("both"), await ownText(aside!), await ownText("changed")]).toEqual([
      "the own side's",
      "late",
      "newer",
    ]);
  });

  it("are all there when the run was killed in between", async () => {
    const { shared, own } = accounts;
    const many = Array.from({ length: 200 }, (_, index) => `many/${String(index).padStart(3, "0")}`);
    await Promise.all(many.map((name) => own.put(name, plain(name))));
    await own.put("large", { body: randomBytes(LARGE), contentType: "application/x-b" });
    const child = accounts.start("reverse", document());
    const ended = endOf(child);
    while ((await shared.list("acme/many/")).length === 0);
    child.kill("SIGKILL");
    await ended;
    const there = (await shared.list("acme/many/")).length;
    expect(there).toBeLessThan(200);
    const { report } = await reverse();
    const { blobs } = report["copied"] as { blobs: number };
    expect(blobs).toBeGreaterThanOrEqual(200 - there);
    expect(blobs).toBeLessThan(201);
    expect(await shared.list("acme/many/")).toEqual(many.map((name) => `acme/${name}`));
    expect((await shared.read("acme/large")).md5).toBe((await own.read("large")).md5);
  });

  it("replace a blob beside blocks that a service has left unfinished, with ids of another length", async () => {
    await accounts.stageBlock("acme/large", Buffer.from("a block's id that is longer"));
    await accounts.own.put("large", { body: randomBytes(LARGE), contentType: "application/x-b" });
    expect(await reverse()).toMatchObject({ code: 0, report: { copied: { blobs: 1 } } });
    expect((await accounts.shared.read("acme/large")).md5).toBe((await accounts.own.read("large")).md5);
  });

  it("are settled for the switch back, and move a second time with all that was done", async () => {
    const { shared, own } = accounts;
    await own.put("changed", plain("changed"));
    await own.put("new", plain("new"));
    await own.remove("dropped");
    await shared.put("acme/kept", plain("late alone"));
    const { report, stderr } = await accounts.settleBack(document());
    expect(stderr).toBe("");
    expect(report).toMatchObject({ differences: [] });
    expect(await shared.list("acme/")).toEqual(
      ["both", "changed", "kept", "large", "new", "typed"].map((name) => `acme/${name}`),
    );

    // The tenant works on the shared side again, and the next move is to another account.
    await empty(own);
    await accounts.run("copy");
    const marked = await shared.read("acme/new");
    await shared.put("acme/new", { ...plain("newer"), metadata: marked.metadata! });
    await shared.remove("acme/changed");
    expect((await accounts.run("catch-up")).report).toMatchObject({ copied: { blobs: 1 }, deleted: 1 });
    expect((await accounts.run("verify")).report).toMatchObject({
      ok: true,
      verified: { blobs: 5 },
      pending: 0,
    });
    expect([await ownText("new"), await ownText("kept")]).toEqual(["newer", "late alone"]);

    await sleep(1_100);
    asOf = new Date().toISOString();
    await shared.put("acme/new", { ...plain("late"), metadata: marked.metadata! });
    await own.remove("kept");
    expect((await accounts.run("late", document())).report).toMatchObject({
      copied: { blobs: 1 },
      aside: [],
    });
    expect(await own.list("kept")).toEqual([]);
    expect((await reverse()).report).toMatchObject({ copied: { blobs: 0 }, deleted: 1, aside: [] });
    expect(await shared.list("acme/kept")).toEqual([]);
    expect([await ownText("new"), await sharedText("new")]).toEqual(["late", "late"]);
  });

  it("are brought back when they change while they are settled, which is no difference", async () => {
    let isOver = false;
    const written = new Map<string, string>();
    const writing = (async () => {
      for (let round = 0; !isOver; round += 1) {
        const [name, body] = [`busy/${round % 10}`, `round ${round}`];
        await accounts.own.put(name, plain(body));
        written.set(name, body);
      }
    })();
    const { report } = await accounts.settleBack(document());
    isOver = true;
    await writing;
    expect(report).toMatchObject({ differences: [] });
    await reverse();
    for (const [name, body] of written) expect(await sharedText(name), name).toBe(body);
    expect(written.size).toBeGreaterThan(3);
  });

  it("that clients write to the own side after the switch back come as well, and undo nothing there", async () => {
    const { shared, own } = accounts;
    await own.put("changed", plain("in the grace period"));
    const { report } = await accounts.settleBack(document());
    const left = (report as { blobsAsOf: string }).blobsAsOf;
    await sleep(1_100);
    // By clients that have not heard of the switch back.
    await own.put("late", plain("late"));
    await own.put("changed", plain("late change"));
    await own.put("both", plain("late of two"));
    await own.put("dropped", plain("late of a dropped one"));
    // By the tenant, where it is served now.
    await shared.put("acme/both", plain("home"));
    await shared.put("acme/home", plain("home"));
    await shared.remove("acme/kept");
    const { blobs, ...rest } = document();
    const lateBack = { ...rest, blobs: { ...blobs, asOf: left } };
    const back = (await accounts.run("late-back", lateBack)).report as { aside: string[] };
    expect(back).toMatchObject({ verb: "late-back", copied: { blobs: 4 } });
    expect(back.aside).toEqual([expect.stringMatching(/^both\.own-\d{8}T\d{6}Z$/)]);
    expect(await sharedText(back.aside[0]!)).toBe("late of two");
    const names = ["both", "changed", "dropped", "home", "late"];
    expect(await Promise.all(names.map((name) => sharedText(name)))).toEqual([
      "home",
      "late change",
      "late of a dropped one",
      "home",
      "late",
    ]);
    expect(await shared.list("acme/kept")).toEqual([]);
    expect((await accounts.run("late-back", lateBack)).report).toMatchObject({
      copied: { blobs: 0 },
      aside: [],
    });
  });

  it("need the time at which both sides were the same", async () => {
    const alone = await accounts.run("reverse");
    expect(alone.code).toBe(2);
    expect(alone.stderr).toContain("blobs.asOf is missing");
  });
});

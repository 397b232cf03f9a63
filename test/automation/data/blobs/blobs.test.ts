import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { blobServerProgram } from "../../../support/local-parts.ts";
import { startAccounts } from "./accounts.ts";
import { endOf } from "../mover.ts";
import type { Accounts } from "./accounts.ts";

const main = blobServerProgram();
const LARGE = 9 * 1024 * 1024 + 17;

const plain = (body: string) => ({ body: Buffer.from(body), contentType: "text/plain" });
const md5Of = (body: Buffer) => createHash("md5").update(body).digest("base64");

describe.skipIf(!main)("the data command's blobs", { timeout: 60_000 }, () => {
  let accounts: Accounts;
  beforeAll(async () => {
    accounts = await startAccounts(main!);
  }, 60_000);
  afterAll(() => accounts.stop());

  /** Four blobs of the tenant, one of them in blocks, beside a tenant whose slug begins with the same letters. */
  beforeEach(async () => {
    const { shared, own } = accounts;
    for (const name of await shared.list("")) await shared.remove(name);
    for (const name of await own.list("")) await own.remove(name);
    await shared.put("acme/a.txt", plain("one"));
    await shared.put("acme/empty", plain(""));
    await shared.put("acme/reports/ä b?.csv", {
      body: Buffer.from("1;2"),
      contentType: "text/csv",
      metadata: { owner: "team-1" },
    });
    await shared.put("acme/large.bin", { body: randomBytes(LARGE), contentType: "application/octet-stream" });
    await shared.put("acme-corp/other.txt", plain("another tenant's"));
  });

  describe("copy", () => {
    it("brings bytes, content type, metadata and MD5 to the tenant's own account, without the prefix", async () => {
      const { code, report } = await accounts.run("copy");
      expect(code).toBe(0);
      const bytes = 3 + 0 + 3 + LARGE;
      expect(report).toMatchObject({
        found: { blobs: 4, bytes },
        copied: { blobs: 4, bytes },
        kept: 0,
        deleted: 0,
      });
      expect(await accounts.own.list("")).toEqual(["a.txt", "empty", "large.bin", "reports/ä b?.csv"]);
      const csv = await accounts.own.read("reports/ä b?.csv");
      expect(csv).toMatchObject({ contentType: "text/csv", metadata: { owner: "team-1" } });
      const [before, after] = await Promise.all([
        accounts.shared.read("acme/large.bin"),
        accounts.own.read("large.bin"),
      ]);
      expect(after.body.equals(before.body)).toBe(true);
      expect(after.md5).toBe(md5Of(before.body));
    });

    it("reads nothing again that is there in its present state", async () => {
      await accounts.run("copy");
      await accounts.shared.put("acme/a.txt", plain("two"));
      const { report } = await accounts.run("copy");
      expect(report).toMatchObject({ copied: { blobs: 1, bytes: 3 }, kept: 3 });
    });

    it("goes on where it was when it was cancelled", async () => {
      const many = Array.from({ length: 200 }, (_, index) => `acme/many/${index}`);
      await Promise.all(many.map((name) => accounts.shared.put(name, plain(name))));
      const child = accounts.start("copy");
      const ended = endOf(child);
      await untilSome(() => accounts.own.list("many/"));
      child.kill("SIGTERM");
      const { code, stderr, stdout } = await ended;
      expect({ code, stdout }).toEqual({ code: 143, stdout: "" });
      expect(stderr).toContain("error CANCELLED: cancelled by SIGTERM");
      const { report } = await accounts.run("copy");
      expect(report).toMatchObject({ found: { blobs: 204 } });
      expect(report["kept"]).toBeGreaterThan(0);
      expect(await accounts.own.list("many/")).toHaveLength(200);
    });

    it("tells no secret", async () => {
      const { stdout, stderr } = await accounts.run("copy");
      expect(stdout + stderr).not.toContain(accounts.secret);
    });
  });

  describe("catch-up", () => {
    it("brings what was added, changed and deleted since", async () => {
      await accounts.run("copy");
      await accounts.shared.put("acme/new.txt", plain("new"));
      await accounts.shared.put("acme/a.txt", plain("changed"));
      await accounts.shared.remove("acme/empty");
      const { report } = await accounts.run("catch-up");
      expect(report).toMatchObject({ verb: "catch-up", copied: { blobs: 2 }, kept: 2, deleted: 1 });
      expect(await accounts.own.list("")).toEqual(["a.txt", "large.bin", "new.txt", "reports/ä b?.csv"]);
      expect((await accounts.own.read("a.txt")).body.toString()).toBe("changed");
    });

    it("leaves alone what somebody else has put into the tenant's own account", async () => {
      await accounts.run("copy");
      await accounts.own.put("a.txt", plain("somebody else's"));
      await accounts.own.put("own.txt", plain("somebody else's"));
      await accounts.run("catch-up");
      expect((await accounts.own.read("a.txt")).body.toString()).toBe("somebody else's");
      expect(await accounts.own.list("own")).toEqual(["own.txt"]);
    });
  });

  describe("verify", () => {
    it("reads every copy and finds nothing", async () => {
      await accounts.run("copy");
      const { report } = await accounts.run("verify");
      expect(report).toMatchObject({ ok: true, verified: { blobs: 4 }, pending: 0, differences: [] });
    });

    it("tells what a catch-up would bring as pending", async () => {
      await accounts.run("copy");
      await accounts.shared.put("acme/new.txt", plain("new"));
      await accounts.shared.remove("acme/a.txt");
      const { report } = await accounts.run("verify");
      expect(report).toMatchObject({ ok: true, verified: { blobs: 3 }, pending: 2, differences: [] });
    });

    it("names a blob that was changed after its copy, with both digests, and one that nobody has copied", async () => {
      await accounts.run("copy");
      const { metadata } = await accounts.own.read("a.txt");
      await accounts.own.put("a.txt", { ...plain("ONE"), metadata });
      await accounts.own.put("own.txt", plain("somebody else's"));
      const { report } = await accounts.run("verify");
      const [one, other] = [md5Of(Buffer.from("one")), md5Of(Buffer.from("ONE"))];
      expect(report).toMatchObject({
        ok: false,
        differences: [
          `blobs / a.txt: MD5 ${one} of 3 bytes in the shared account, ${other} of 3 bytes in the tenant's own`,
          "blobs / own.txt: it is only in the tenant's own account, where the move has not put it",
        ],
      });
    });

    it("names a copy whose metadata or content type was changed", async () => {
      await accounts.run("copy");
      const name = "reports/ä b?.csv";
      const { body, metadata } = await accounts.own.read(name);
      await accounts.own.put(name, { body, contentType: "text/csv", metadata: { ...metadata, owner: "x" } });
      await accounts.own.put("a.txt", {
        body: Buffer.from("one"),
        contentType: "text/html",
        metadata: (await accounts.own.read("a.txt")).metadata!,
      });
      const { report } = await accounts.run("verify");
      expect(report["differences"]).toEqual([
        "blobs / a.txt: content type or another header differs",
        `blobs / ${name}: metadata differ`,
      ]);
    });
  });

  describe("purge", () => {
    it("takes the tenant's blobs and leaves those of a tenant whose slug begins alike, again and again", async () => {
      expect((await accounts.run("purge")).report).toMatchObject({ deleted: 4 });
      expect(await accounts.shared.list("")).toEqual(["acme-corp/other.txt"]);
      expect((await accounts.run("purge")).report).toMatchObject({ deleted: 0 });
    });

    it("needs no account of the tenant's own", async () => {
      const { blobs } = accounts.document as { blobs: Record<string, unknown> };
      const alone = { ...accounts.document, blobs: { ...blobs, target: undefined } };
      expect(await accounts.run("purge", alone)).toMatchObject({ code: 0 });
      expect(await accounts.run("copy", alone)).toMatchObject({ code: 2 });
    });
  });

  describe("inspect", () => {
    it("digests names and MD5s, so that the same blobs have the same digest", async () => {
      const first = (await accounts.run("inspect")).report;
      expect(first).toMatchObject({ blobs: 4, bytes: 6 + LARGE });
      await accounts.shared.put("acme-corp/second.txt", plain("not the tenant's"));
      expect((await accounts.run("inspect")).report["digest"]).toBe(first["digest"]);
      await accounts.shared.put("acme/a.txt", plain("two"));
      expect((await accounts.run("inspect")).report["digest"]).not.toBe(first["digest"]);
    });
  });

  describe("a failure", () => {
    it("names the side and the service's answer", async () => {
      const { blobs } = accounts.document as { blobs: { target: Record<string, unknown> } };
      const wrong = { ...blobs, target: { ...blobs.target, container: "nowhere" } };
      const { code, stderr } = await accounts.run("copy", { ...accounts.document, blobs: wrong });
      expect(code).toBe(7);
      expect(stderr).toContain("error STORAGE: target: the storage service answered 404 ContainerNotFound");
    });

    it("of a sign-in has the directory's code and not the secret", async () => {
      const { blobs } = accounts.document as { blobs: { source: { login: object } } };
      const login = { ...blobs.source.login, clientSecret: "hunter2" };
      const wrong = { ...blobs, source: { ...blobs.source, login } };
      const { code, stderr } = await accounts.run("inspect", { ...accounts.document, blobs: wrong });
      expect(code).toBe(7);
      expect(stderr).toContain("AADSTS7000215");
      expect(stderr).not.toContain("hunter2");
    });

    it.each([
      ["an unknown verb", "destroy", {}, /expected one of copy, catch-up/],
      ["missing fields", "copy", {}, /tenant: .*; blobs: /],
    ])("is %s, which exits with 2", async (_, verb, document, reason) => {
      const { code, stderr } = await accounts.run(verb, document);
      expect(code).toBe(2);
      expect(stderr).toMatch(reason);
    });
  });
});

async function untilSome(list: () => Promise<unknown[]>): Promise<void> {
  while ((await list()).length === 0);
}

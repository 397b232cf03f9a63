import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { redisServerProgram } from "../../../support/local-parts.ts";
import { withBytes } from "../../../support/redis.ts";
import { endOf } from "../mover.ts";
import { startCaches } from "./caches.ts";
import type { Caches } from "./caches.ts";

const program = redisServerProgram();
const MANY = 3000;
const hour = { expiration: { type: "EX", value: 3600 } } as const;

describe.skipIf(!program)("the data command's cache", { timeout: 60_000 }, () => {
  let caches: Caches;
  beforeAll(async () => {
    caches = await startCaches(program!);
  }, 60_000);
  afterAll(() => caches.stop());

  /** Keys of every type, beside a tenant whose slug begins with the same letters. */
  beforeEach(async () => {
    const { shared, own } = caches;
    await Promise.all([shared.flushAll(), own.flushAll()]);
    await shared.set("tenant:acme:string", "one", hour);
    await shared.hSet("tenant:acme:hash", { a: "1", b: "2" });
    await shared.rPush("tenant:acme:list", ["x", "y", "x"]);
    await shared.sAdd("tenant:acme:set", ["7", "8"]);
    await shared.zAdd("tenant:acme:zset", [
      { score: 1.5, value: "m" },
      { score: -2, value: "n" },
    ]);
    await shared.xAdd("tenant:acme:stream", "*", { field: "value" });
    await shared.xGroupCreate("tenant:acme:stream", "readers", "0");
    await shared.xReadGroup("readers", "one", { key: "tenant:acme:stream", id: ">" });
    await shared.expire("tenant:acme:stream", 500);
    await shared.set(Buffer.from("tenant:acme:\x00\xff\n", "latin1"), Buffer.from([0, 255, 10, 13]));
    await shared.set("tenant:acme-corp:other", "another tenant's", hour);
    await shared.set("tenant:acme", "nobody's");
  });

  const writeMany = async () => {
    const together = caches.shared.multi();
    for (let at = 0; at < MANY; at += 1) together.set(`tenant:acme:many:${at}`, `value ${at}`, hour);
    await together.execAsPipeline();
  };
  const ownKeys = async () => Object.keys(await caches.contents("own")).sort();

  describe("copy", () => {
    it("brings every type, byte for byte, under the same names, and of this tenant only", async () => {
      const { code, report, stderr } = await caches.run("copy");
      expect({ code, report }).toMatchObject({
        code: 0,
        report: { complete: true, found: 7, copied: 7, expired: 0, removed: 0, failed: 0, failures: [] },
      });
      expect(report["rate"]).toBeGreaterThan(0);
      expect(await caches.contents("own")).toEqual(await caches.contents("shared", "tenant:acme:*"));
      expect(stderr).toContain('"copy: keys copied","keys":7');
      const [group] = await caches.own.xInfoGroups("tenant:acme:stream");
      expect(group).toMatchObject({ name: "readers", pending: 1 });
    });

    it("keeps the remaining time to live, and makes it never longer", async () => {
      await caches.run("copy");
      for (const key of ["tenant:acme:string", "tenant:acme:stream"]) {
        const [before, after] = await Promise.all([
          caches.shared.pExpireTime(key),
          caches.own.pExpireTime(key),
        ]);
        expect(after, key).toBeLessThanOrEqual(before);
        expect(after, key).toBeGreaterThan(before - 2_000);
      }
      expect(await caches.own.ttl("tenant:acme:hash")).toBe(-1);
    });

    it("does not make a key that has ended meanwhile", async () => {
      await caches.shared.set("tenant:acme:short", "soon gone", { expiration: { type: "PX", value: 6_000 } });
      // The second question waits until the first one's share of the rate is over, 8.5 s later.
      const { report } = await caches.run("copy", { keysPerSecond: 20 });
      expect(report).toMatchObject({ complete: true, found: 8, copied: 7, expired: 1 });
      expect(await ownKeys()).not.toContain("tenant:acme:short");
    });

    it("brings a large value whole, and names one that is too large", async () => {
      const large = randomBytes(20 * 1024 * 1024);
      await caches.shared.set("tenant:acme:large", large);
      await caches.shared.setRange("tenant:acme:huge", 70 * 1024 * 1024, "end");
      const { report } = await caches.run("copy");
      expect(report).toMatchObject({
        found: 9,
        copied: 8,
        failed: 1,
        failures: [{ key: "tenant:acme:huge", reason: "its value takes more than 64 MB" }],
      });
      const copy = (await withBytes(caches.own).get("tenant:acme:large")) as unknown as Buffer;
      expect(copy.equals(large)).toBe(true);
    });

    it("counts keys that the tenant's own cache refuses, with its reason", async () => {
      await caches.stopServer("own");
      await caches.startServer("own", 0.001);
      try {
        const { code, report } = await caches.run("copy");
        expect({ code, report }).toMatchObject({
          code: 0,
          report: { complete: true, found: 7, copied: 0, failed: 7 },
        });
        const [first] = report["failures"] as { key: string; reason: string }[];
        expect(first).toMatchObject({
          key: expect.stringMatching(/^tenant:acme:/) as string,
          reason: expect.stringMatching(/^OOM/) as string,
        });
      } finally {
        await caches.stopServer("own");
        await caches.startServer("own");
      }
    });

    it("makes the tenant's own cache the same again, and leaves there what is not below the prefix", async () => {
      await caches.run("copy");
      await caches.shared.set("tenant:acme:string", "two", hour);
      await caches.shared.del("tenant:acme:list");
      await caches.own.set("tenant:acme:tried", "on the new side");
      await caches.own.set("elsewhere", "kept");
      const { report } = await caches.run("copy");
      expect(report).toMatchObject({ found: 6, copied: 6, removed: 2 });
      expect(await caches.own.get("tenant:acme:string")).toBe("two");
      expect(await caches.contents("own", "tenant:*")).toEqual(
        await caches.contents("shared", "tenant:acme:*"),
      );
      expect(await caches.own.get("elsewhere")).toBe("kept");
    });

    it("ends the same when it was killed and is run again", async () => {
      await writeMany();
      const child = caches.start("copy", { keysPerSecond: 1500 });
      await vi.waitFor(async () => expect(await caches.own.dbSize()).toBeGreaterThan(100), 10_000);
      child.kill("SIGKILL");
      await once(child, "close");
      expect(await caches.own.dbSize()).toBeLessThan(MANY);
      const { report } = await caches.run("copy");
      expect(report).toMatchObject({ complete: true, copied: MANY + 7 });
      expect(await caches.contents("own")).toEqual(await caches.contents("shared", "tenant:acme:*"));
    });

    it("reads from the shared server at the rate that it is told", async () => {
      await writeMany();
      const { report } = await caches.run("copy", { keysPerSecond: 2000 });
      expect(report["seconds"]).toBeGreaterThan((MANY - 256) / 2000);
      expect(report["rate"]).toBeLessThan(2000);
    });

    it("begins again when the shared server is lost on the way and comes back", async () => {
      await writeMany();
      const ended = endOf(caches.start("copy", { keysPerSecond: 1500 }));
      await vi.waitFor(async () => expect(await caches.own.dbSize()).toBeGreaterThan(100), 10_000);
      await caches.stopServer("shared");
      await caches.startServer("shared");
      const { code, report } = await ended;
      expect({ code, report }).toMatchObject({ code: 0, report: { complete: true, copied: MANY + 7 } });
      expect(report).not.toHaveProperty("problem");
    });

    it("stops when its time is over, and says so", async () => {
      await writeMany();
      const { code, report } = await caches.run("copy", { keysPerSecond: 500, maxSeconds: 2 });
      expect({ code, report }).toMatchObject({
        code: 0,
        report: { complete: false, problem: "it was stopped, since its time was over", removed: 0 },
      });
      expect(report["copied"]).toBeGreaterThan(0);
    });

    it("reports a cache that it cannot reach, and fails nothing", async () => {
      await caches.stopServer("own");
      try {
        const { code, report, stderr } = await caches.run("copy");
        expect({ code, report }).toMatchObject({
          code: 0,
          report: {
            complete: false,
            copied: 0,
            problem: expect.stringMatching(/^target: .*ECONNREFUSED/) as string,
          },
        });
        expect(stderr).toContain("ECONNREFUSED");
      } finally {
        await caches.startServer("own");
      }
    });

    it("reports a key that is refused, and a server that it does not trust, without its secrets", async () => {
      const { source, target } = caches.document.cache;
      const wrong = await caches.run("copy", { target: { ...target, password: "wrong/secret=" } });
      expect(wrong.report).toMatchObject({ problem: expect.stringMatching(/^target: WRONGPASS/) as string });
      const other = await caches.run("copy", { source: { ...source, host: "localhost.localdomain" } });
      expect(other.report).toMatchObject({ complete: false });
      for (const { stdout, stderr } of [wrong, other]) expect(stdout + stderr).not.toMatch(/secret=/);
    });

    it("refuses a bad request", async () => {
      const { code, stderr } = await caches.run("copy", {
        source: { host: "", port: 1, password: "p/secret=" },
      });
      expect(code).toBe(2);
      expect(stderr).toContain("cache.source.host");
      expect(stderr).not.toContain("secret=");
      expect(await caches.run("copy", { target: undefined })).toMatchObject({ code: 2 });
      expect(await caches.run("freeze")).toMatchObject({ code: 2 });
    });

    it("ends by a signal as the other stores do", async () => {
      await writeMany();
      const child = caches.start("copy", { keysPerSecond: 500 });
      const ended = endOf(child);
      await vi.waitFor(async () => expect(await caches.own.dbSize()).toBeGreaterThan(0), 10_000);
      child.kill("SIGTERM");
      expect(await ended).toMatchObject({ code: 143, stdout: "" });
    });
  });

  describe("verify", () => {
    it("finds nothing after a copy, also where the servers keep a value's parts in another order", async () => {
      const members = Array.from({ length: 2000 }, (_, at) => `member ${at}`);
      await caches.shared.sAdd("tenant:acme:large-set", members);
      await caches.shared.hSet(
        "tenant:acme:large-hash",
        Object.fromEntries(members.map((one) => [one, "v"])),
      );
      await caches.run("copy");
      const { code, report } = await caches.run("verify");
      expect({ code, report }).toMatchObject({
        code: 0,
        report: { ok: true, complete: true, verified: 9, differing: 0, differences: [] },
      });
    });

    it("names keys that differ, with both digests and without their values", async () => {
      await caches.run("copy");
      await caches.own.set("tenant:acme:string", "tampered", { expiration: "KEEPTTL" });
      await caches.own.hSet("tenant:acme:hash", "b", "tampered");
      await caches.own.lSet("tenant:acme:list", 0, "tampered");
      await caches.own.sAdd("tenant:acme:set", "tampered");
      await caches.own.zAdd("tenant:acme:zset", { score: 7, value: "m" });
      await caches.own.xAck(
        "tenant:acme:stream",
        "readers",
        (await caches.own.xRange("tenant:acme:stream", "-", "+"))![0]!.id,
      );
      await caches.own.set(Buffer.from("tenant:acme:\x00\xff\n", "latin1"), "tampered");
      const { code, report, stdout } = await caches.run("verify");
      expect({ code, report }).toMatchObject({ code: 0, report: { ok: false, verified: 0, differing: 7 } });
      const differences = (report["differences"] as string[]).sort();
      expect(differences[0]).toMatch(
        /^cache \/ tenant:acme:\\x00\\xff\\x0a: SHA-256 [0-9a-f]{64} in the shared cache, [0-9a-f]{64} in the tenant's own$/,
      );
      expect(stdout).not.toContain("tampered");
    });

    it("names keys that are missing, on their own, or end at another time", async () => {
      await caches.run("copy");
      await caches.own.del("tenant:acme:list");
      await caches.own.set("tenant:acme:tried", "on the new side");
      await caches.own.expire("tenant:acme:string", 7200);
      await caches.own.persist("tenant:acme:stream");
      const { report } = await caches.run("verify");
      expect((report["differences"] as string[]).sort()).toEqual([
        "cache / tenant:acme:list: it is missing in the tenant's own cache",
        expect.stringMatching(/stream: it ends in \d+ s in the shared cache and stays in the tenant's own$/),
        expect.stringMatching(
          /string: it ends in 3\d+ s in the shared cache and ends in 7\d+ s in the tenant's own$/,
        ),
        "cache / tenant:acme:tried: it is only in the tenant's own cache",
      ]);
    });

    it("does not count keys that are about to end", async () => {
      await caches.shared.set("tenant:acme:short", "soon gone", { expiration: { type: "PX", value: 4000 } });
      const { report } = await caches.run("verify");
      expect(report).toMatchObject({ expired: 1, differing: 7 });
    });

    it("reports a cache that it cannot reach", async () => {
      await caches.stopServer("shared");
      try {
        const { code, report } = await caches.run("verify");
        expect({ code, report }).toMatchObject({
          code: 0,
          report: { ok: false, complete: false, problem: expect.stringMatching(/^source: /) as string },
        });
      } finally {
        await caches.startServer("shared");
      }
    });
  });

  describe("purge", () => {
    const others = async () => {
      const all = await caches.contents("shared");
      return Object.fromEntries(Object.entries(all).filter(([key]) => !key.startsWith("tenant:acme:")));
    };

    it("takes out the tenant's keys and nobody else's, and may be run again", async () => {
      const before = await others();
      expect(Object.keys(before).sort()).toEqual(["tenant:acme", "tenant:acme-corp:other"]);
      expect((await caches.run("purge")).report).toMatchObject({ verb: "purge", deleted: 7 });
      expect(await caches.contents("shared")).toEqual(before);
      expect((await caches.run("purge")).report).toMatchObject({ deleted: 0 });
    });

    it("goes on where it was when it was killed", async () => {
      await writeMany();
      const child = caches.start("purge", { keysPerSecond: 1500 });
      await vi.waitFor(async () => expect(await caches.shared.dbSize()).toBeLessThan(MANY - 100), 10_000);
      child.kill("SIGKILL");
      await once(child, "close");
      const left = await caches.shared.dbSize();
      expect(left).toBeGreaterThan(2);
      expect((await caches.run("purge")).report).toMatchObject({ deleted: left - 2 });
    });

    it("fails where the cache cannot be reached: nothing may stay unsaid", async () => {
      await caches.stopServer("shared");
      try {
        const { code, stderr } = await caches.run("purge");
        expect(code).toBe(10);
        expect(stderr).toMatch(/error CACHE: source: /);
      } finally {
        await caches.startServer("shared");
      }
    });
  });

  describe("inspect", () => {
    it("counts the keys, and digests those that stay", async () => {
      const { report } = await caches.run("inspect");
      expect(report).toMatchObject({ keys: 7, expiring: 2 });
      await caches.shared.set("tenant:acme:string", "another value", hour);
      expect((await caches.run("inspect")).report).toMatchObject({ digest: report["digest"] });
      await caches.shared.hSet("tenant:acme:hash", "b", "3");
      const changed = (await caches.run("inspect")).report;
      expect(changed).toMatchObject({ keys: 7, expiring: 2 });
      expect(changed["digest"]).not.toBe(report["digest"]);
    });

    it("changes nothing", async () => {
      const before = await caches.contents("shared");
      await caches.run("inspect");
      expect(await caches.contents("shared")).toEqual(before);
    });
  });
});

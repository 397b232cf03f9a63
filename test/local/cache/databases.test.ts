import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { ArmResource } from "../../../local/arm/backend.ts";
import { createCacheBackends, type CacheBackends } from "../../../local/cache/databases.ts";
import { planPolicy, startCacheServer } from "../../../local/cache/server.ts";
import { ensureAuthority, type Authority } from "../../../local/pki/authority.ts";
import { isPortFree } from "../../../local/ports.ts";
import { resource, viewOf } from "../../support/arm-resources.ts";
import { redisServerProgram } from "../../support/local-parts.ts";
import { connectRedis, type Redis } from "../../support/redis.ts";

const program = redisServerProgram();
const clusterId = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Cache/redisEnterprise/acme-cache";
const keys = { primaryKey: "primary/secret=", secondaryKey: "secondary/secret=" };
const cluster = resource(clusterId, { sku: { name: "Balanced_B3" } });
const database = (more: object = {}, privately: object = keys): ArmResource =>
  resource(`${clusterId}/databases/default`, {
    properties: { accessKeysAuthentication: "Enabled", evictionPolicy: "VolatileLRU", ...more },
    private: privately,
  });

let dir: string;
let authority: Authority;
let group: CacheBackends;
const resources: ArmResource[] = [cluster, database()];
const view = viewOf(resources);
const clients: Redis[] = [];

const createGroup = () =>
  createCacheBackends({ dir, program: program!, authority, onChange: () => undefined });
const ensureCluster = () => group.backends[0]!.ensure(resources[0]!, view);
const ensureDatabase = () => group.backends[1]!.ensure(resources[1]!, view);
const running = () => group.caches()[0]!;

async function connect(password: string = keys.primaryKey): Promise<Redis> {
  const client = await connectRedis({ port: running().port, password, ca: authority.certificate });
  clients.push(client);
  return client;
}

async function fileOf(name: string): Promise<string> {
  const folder = (await readdir(dir)).find((one) => one.startsWith("acme-cache-"));
  return path.join(dir, folder!, name);
}

const pidNow = async (): Promise<number> =>
  (JSON.parse(await readFile(await fileOf("redis.pid"), "utf8")) as { pid: number }).pid;

describe.skipIf(!program)("a cache's Redis server", () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "tierlift-cache-"));
    authority = await ensureAuthority(path.join(dir, "pki"));
    group = createGroup();
  });

  afterEach(() => clients.splice(0).forEach((client) => client.destroy()));

  afterAll(async () => {
    await group.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is where the cluster's host name leads, and starts with the database", async () => {
    const { hostName } = await ensureCluster();
    expect(group.caches()).toEqual([]);
    expect(await ensureDatabase()).toEqual({});
    expect(hostName).toBe(`127.0.0.1:${running().port}`);
    expect(await ensureCluster()).toEqual({ hostName });
    expect(running().resourceId).toBe(clusterId);
  });

  it("takes both access keys and no other one", async () => {
    for (const key of Object.values(keys)) expect(await (await connect(key)).ping()).toBe("PONG");
    await expect(connect("another")).rejects.toThrow(/WRONGPASS/);
    const file = running().passwordFile;
    expect(await readFile(file, "utf8")).toBe(keys.primaryKey);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("speaks TLS only, on the loopback address only", async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = net.connect(running().port, "127.0.0.1", () => socket.write("PING\r\n"));
      socket.once("data", (data) => resolve(data.toString()));
      socket.once("close", () => resolve("closed"));
      socket.once("error", () => resolve("closed"));
    });
    expect(answer).not.toContain("PONG");
    expect(await readFile(await fileOf("redis.conf"), "utf8")).toMatch(/^bind 127\.0\.0\.1$/m);
  });

  it("tells the keys neither by its arguments nor in its log nor in its configuration", async () => {
    const told = [`/proc/${await pidNow()}/cmdline`, `/proc/${await pidNow()}/environ`];
    const files = await Promise.all(["redis.log", "redis.conf", "users.acl"].map(fileOf));
    for (const file of [...told, ...files])
      expect(await readFile(file, "utf8"), file).not.toContain(keys.primaryKey);
    for (const file of files) expect((await stat(file)).mode & 0o777, file).toBe(0o600);
  });

  it("refuses what Azure keeps to itself", async () => {
    const client = await connect();
    for (const command of [["CONFIG", "GET", "*"], ["SHUTDOWN"], ["ACL", "LIST"], ["SAVE"]])
      await expect(client.sendCommand(command), command[0]).rejects.toThrow(/NOPERM/);
  });

  it("evicts as the database says, within the size of its SKU", async () => {
    const info = await (await connect()).info("memory");
    expect(info).toContain("maxmemory_policy:volatile-lru");
    expect(info).toContain(`maxmemory:${3 * 1024 ** 3}`);
    resources[1] = database({ evictionPolicy: "NoEviction" });
    resources[0] = resource(clusterId, { sku: { name: "Balanced_B10" } });
    await ensureCluster();
    const changed = await (await connect()).info("memory");
    expect(changed).toContain("maxmemory_policy:noeviction");
    expect(changed).toContain(`maxmemory:${12 * 1024 ** 3}`);
  });

  it("keeps its keys and its port over a stop and a start", async () => {
    await (await connect()).set("kept", "value", { expiration: { type: "EX", value: 1000 } });
    const { port } = running();
    await group.stop();
    group = createGroup();
    await ensureCluster();
    await ensureDatabase();
    expect(running().port).toBe(port);
    const client = await connect();
    expect(await client.get("kept")).toBe("value");
    expect(await client.ttl("kept")).toBeGreaterThan(900);
  });

  it("is brought back, with its keys, when it is killed", async () => {
    await (await connect()).set("written", "before");
    // The log is written to disk every second.
    await vi.waitFor(
      async () => expect(await (await connect()).info("persistence")).toMatch(/aof_pending_bio_fsync:0/),
      3_000,
    );
    const pid = await pidNow();
    process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => {
      expect(await pidNow()).not.toBe(pid);
      expect(await (await connect()).get("written")).toBe("before");
    }, 10_000);
  });

  it("ends one that a killed run has left, and takes its port again", async () => {
    const { port } = running();
    await group.stop();
    const settings = { accessKeys: [], evictionPolicy: "NoEviction", maxMemoryGb: 1 };
    const folder = await fileOf("");
    await startCacheServer({ dir: folder, name: "left", port, program: program!, authority, settings });
    const pid = await pidNow();
    group = createGroup();
    await ensureCluster();
    // As a child of this process it is there until this process has heard of its end.
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), 5_000);
    await ensureDatabase();
    expect(running().port).toBe(port);
  });

  it("follows the keys, and lets nobody in while keys are not allowed", async () => {
    resources[1] = database({}, { ...keys, primaryKey: "new/secret=" });
    await ensureDatabase();
    expect(await (await connect("new/secret=")).ping()).toBe("PONG");
    await expect(connect(keys.primaryKey)).rejects.toThrow(/WRONGPASS/);
    resources[1] = database({ accessKeysAuthentication: "Disabled" });
    await ensureDatabase();
    await expect(connect()).rejects.toThrow(/WRONGPASS/);
    resources[1] = database();
    await ensureDatabase();
  });

  it("loses its keys with the database, and process, port and folder with the cluster", async () => {
    await (await connect()).set("gone", "soon");
    await group.backends[1]!.remove(resources[1]!, view);
    expect(group.caches()).toEqual([]);
    await ensureDatabase();
    expect(await (await connect()).get("gone")).toBeNull();
    const [pid, { port }] = [await pidNow(), running()];
    await group.backends[0]!.remove(resources[0]!, view);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(await isPortFree(port)).toBe(true);
    expect((await readdir(dir)).filter((name) => name.startsWith("acme-cache-"))).toEqual([]);
  });

  it("is reported missing where the program is not", async () => {
    const without = createCacheBackends({ dir, program: "/none", authority, onChange: () => undefined });
    await expect(without.backends[1]!.ensure(database(), view)).rejects.toMatchObject({
      code: "PartMissing",
    });
  });
});

it.each([
  ["AllKeysLFU", "allkeys-lfu"],
  ["AllKeysRandom", "allkeys-random"],
  ["VolatileTTL", "volatile-ttl"],
  ["NoEviction", "noeviction"],
])("%s is %s to Redis", (azure, redis) => {
  expect(planPolicy(azure)).toBe(redis);
});

/** Two real Redis servers, the shared cache and a tenant's own, and the data command beside them. */
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startCacheServer } from "../../../../local/cache/server.ts";
import type { CacheServer } from "../../../../local/cache/server.ts";
import { ensureAuthority } from "../../../../local/pki/authority.ts";
import { claimPorts } from "../../../../local/ports.ts";
import { connectRedis, withBytes } from "../../../support/redis.ts";
import type { Redis } from "../../../support/redis.ts";
import { ACME, endOf, startMover } from "../mover.ts";
import type { Ended } from "../mover.ts";

export type SideName = "shared" | "own";

export interface Caches {
  /** As services of tenants would be connected. */
  shared: Redis;
  own: Redis;
  /** What the mover is told; the passwords are in it. */
  document: CacheDocument;
  /** The data command as a process of its own that trusts the authority. */
  start(verb: string, more?: object): ChildProcess;
  run(verb: string, more?: object): Promise<Ended>;
  /** Ends a server; what it is asked meanwhile fails. */
  stopServer(side: SideName): Promise<void>;
  /** Starts it again, with its keys. */
  startServer(side: SideName, maxMemoryGb?: number): Promise<void>;
  /** Names and values with the moment at which each ends, by name. */
  contents(side: SideName, pattern?: string): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

export interface CacheDocument {
  tenant: typeof ACME;
  cache: Record<"source" | "target", { host: string; port: number; password: string }>;
}

/** Starts everything; `program` from `redisServerProgram()`. */
export async function startCaches(program: string): Promise<Caches> {
  const dir = await mkdtemp(path.join(tmpdir(), "tierlift-caches-"));
  const authority = await ensureAuthority(path.join(dir, "pki"));
  const [sharedPort, ownPort] = (await claimPorts(2)) as [number, number];
  const sides = {
    shared: { port: sharedPort, password: "shared/secret=" },
    own: { port: ownPort, password: "own/secret=" },
  };
  const servers = new Map<SideName, CacheServer>();
  const clients = new Map<SideName, Redis>();
  const startServer = async (name: SideName, maxMemoryGb = 1) => {
    const { port, password } = sides[name];
    const settings = { accessKeys: [password], evictionPolicy: "NoEviction", maxMemoryGb };
    servers.set(
      name,
      await startCacheServer({ dir: path.join(dir, name), name, port, program, authority, settings }),
    );
    clients.set(name, await connectRedis({ port, password, ca: authority.certificate }));
  };
  const stopServer = async (name: SideName) => {
    clients.get(name)!.destroy();
    await servers.get(name)!.stop();
  };
  await Promise.all([startServer("shared"), startServer("own")]);
  const document: CacheDocument = {
    tenant: ACME,
    cache: {
      source: { host: "127.0.0.1", ...sides.shared },
      target: { host: "127.0.0.1", ...sides.own },
    },
  };
  const start: Caches["start"] = (verb, more = {}) => {
    const given = { ...document, cache: { ...document.cache, ...more } };
    return startMover("cache", verb, given, authority.certificateFile);
  };
  return {
    get shared() {
      return clients.get("shared")!;
    },
    get own() {
      return clients.get("own")!;
    },
    document,
    start,
    run: (verb, more) => endOf(start(verb, more)),
    startServer,
    stopServer,
    contents: (side, pattern = "*") => contentsOf(clients.get(side)!, pattern),
    async stop() {
      await Promise.all(
        [...servers].map(async ([name, server]) => {
          const client = clients.get(name)!;
          if (client.isOpen) client.destroy();
          await server.stop();
        }),
      );
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The moments by the server's clock, so that those of two servers on one machine can be compared. */
async function contentsOf(client: Redis, pattern: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const keys of withBytes(client).scanIterator({ MATCH: pattern, COUNT: 1000 }))
    for (const key of keys) {
      const dump = await withBytes(client).dump(key);
      if (dump !== null)
        found[key.toString("latin1")] =
          `${dump.toString("base64")} ${(await client.pTTL(key)) < 0 ? "stays" : "ends"}`;
    }
  return found;
}

/** Keys of tenants in a cache, as the services would have written them. */
import { readFile } from "node:fs/promises";
import { createClient } from "@redis/client";
import type { Endpoints } from "../endpoints.ts";

const CONNECT_WITHIN_MS = 10_000;
const DAY_SECONDS = 24 * 3600;

export type Cache = NonNullable<Endpoints["cache"]>[number];

export interface KeyCounts {
  keys: number;
  /** Those that end by themselves. */
  expiring: number;
}

/**
 * Writes a tenant's keys: results of queries and sessions, which end by themselves, and settings, which stay, in every
 * type that services use. `size` is the number of each kind.
 */
export async function writeKeys(cache: Cache, ca: string, slug: string, size: number): Promise<KeyCounts> {
  await connected(cache, ca, async (client) => {
    const together = client.multi();
    const name = (...words: (string | number)[]) => ["tenant", slug, ...words].join(":");
    const ends = (seconds: number) => ({ expiration: { type: "EX", value: seconds } }) as const;
    for (let at = 1; at <= size; at += 1) {
      together.set(name("query", at), JSON.stringify({ id: at, rows: [[at, at * 37]] }), ends(3600 + at));
      together.hSet(name("session", at), { user: `user-${at}`, roles: "viewer" });
      together.expire(name("session", at), DAY_SECONDS);
      together.hSet(name("settings", at), { theme: "dark", pageSize: String(at) });
    }
    together.rPush(name("recent"), ["dashboard-3", "dashboard-1"]);
    together.sAdd(name("features"), ["lineage", "semantic-layer"]);
    together.zAdd(name("usage"), [
      { score: 12.5, value: "bi-service" },
      { score: 40, value: "query-engine" },
    ]);
    together.xAdd(name("notices"), "*", { kind: "welcome", to: slug });
    await together.execAsPipeline();
  });
  return { keys: 3 * size + 4, expiring: 2 * size };
}

/** Counts the keys whose names begin so. */
export async function countKeys(cache: Cache, ca: string, prefix: string): Promise<KeyCounts> {
  return await connected(cache, ca, async (client) => {
    const found = new Set<string>();
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 }))
      for (const key of keys) found.add(key);
    const ends = await Promise.all([...found].map((key) => client.pTTL(key)));
    return { keys: found.size, expiring: ends.filter((left) => left >= 0).length };
  });
}

type Client = ReturnType<typeof createPlainClient>;

function createPlainClient({ host, port }: Cache, password: string, ca: string) {
  return createClient({
    password,
    socket: { host, port, tls: true, ca, connectTimeout: CONNECT_WITHIN_MS, reconnectStrategy: false },
  });
}

/** A connection for the time of `work`; `ca` names the file of the authority that signs the server's certificate. */
export async function connected<T>(
  cache: Cache,
  ca: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const password = (await readFile(cache.passwordFile, "utf8")).trim();
  const client = createPlainClient(cache, password, await readFile(ca, "utf8"));
  // What ends the connection fails the call under way as well.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    if (client.isOpen) client.destroy();
  }
}

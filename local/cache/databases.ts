import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { ArmResource, Backend, BackendGroup } from "../arm/backend.ts";
import { notFound } from "../arm/errors.ts";
import { recordAt, stringAt } from "../arm/http.ts";
import { adopt, ancestorOf, createEntries, halt, requirePart } from "../entries.ts";
import type { Entry, ServersOptions } from "../entries.ts";
import { writeSecretFile } from "../files.ts";
import { keepPort } from "../ports.ts";
import { endLeftOverServer, startCacheServer, type CacheServer, type CacheSettings } from "./server.ts";

export interface CacheBackendsOptions extends ServersOptions {
  /** `redis-server` */
  program: string;
}

export interface RunningCache {
  resourceId: string;
  host: string;
  port: number;
  /** Holds the primary access key; readable by its owner only. */
  passwordFile: string;
}

export interface CacheBackends extends BackendGroup {
  caches(): RunningCache[];
}

interface CacheEntry extends Entry<CacheServer> {
  /** Claimed with the cluster, which answers it before there is a server. */
  port?: number;
  /** What the server was started with. */
  settings?: CacheSettings;
}

const clusterType = "microsoft.cache/redisenterprise";

/** A Redis server behind the database of every cluster. */
export function createCacheBackends(options: CacheBackendsOptions): CacheBackends {
  const entries = createEntries<CacheEntry>(options.dir);

  const clusters: Backend = {
    type: clusterType,
    async ensure(resource, view) {
      const entry = entries.of(resource);
      const port = await entry.serial(async () => {
        const claimed = await claimPort(entry);
        const database = entry.server && view.get(`${resource.id}/databases/default`);
        // Another size has another amount of memory.
        if (database) {
          entries.requireOpen();
          await ensureServer(entry, database, options);
        }
        return claimed;
      });
      // A bare name on Azure, where the port is the database's.
      return { hostName: `127.0.0.1:${port}` };
    },
    async remove(resource) {
      await entries.discard(resource, async (dir) => {
        await endLeftOverServer(dir);
        await rm(dir, { recursive: true, force: true });
      });
      options.onChange();
    },
  };
  const databases: Backend = {
    type: `${clusterType}/databases`,
    async ensure(resource, view) {
      const cluster = ancestorOf(resource, view, 1);
      if (!cluster)
        throw notFound("ParentResourceNotFound", `The cluster of ${resource.name} was not found.`);
      const entry = entries.of(cluster);
      await entry.serial(async () => {
        entries.requireOpen();
        await ensureServer(entry, resource, options);
      });
      return {};
    },
    // A cluster that is gone or going has taken its database along.
    async remove(resource, view) {
      const cluster = ancestorOf(resource, view, 1);
      const entry = cluster && entries.get(cluster.id);
      await entry?.serial(async () => {
        await halt(entry);
        await rm(path.join(entry.dir, "data"), { recursive: true, force: true });
      });
      options.onChange();
    },
  };
  return {
    backends: [clusters, databases],
    caches: () =>
      entries.all().flatMap(({ resource, server, dir }) => {
        if (!server) return [];
        const { port } = server;
        return [{ resourceId: resource.id, host: "127.0.0.1", port, passwordFile: passwordFile(dir) }];
      }),
    stop: () => entries.stop(),
  };
}

async function claimPort(entry: CacheEntry): Promise<number> {
  // A running server's port is not free, and its own.
  if (entry.port !== undefined) return entry.port;
  await mkdir(entry.dir, { recursive: true, mode: 0o700 });
  await endLeftOverServer(entry.dir);
  return (entry.port = await keepPort(entry.dir));
}

async function ensureServer(
  entry: CacheEntry,
  database: ArmResource,
  options: CacheBackendsOptions,
): Promise<void> {
  const { program, authority, log } = options;
  const settings = settingsOf(entry.resource, database);
  if (entry.server?.isRunning() && sameSettings(entry.settings, settings)) return;
  await halt(entry);
  await requirePart("The Redis server's program is not at", program);
  const { dir, resource } = entry;
  const port = await claimPort(entry);
  const server = await startCacheServer({ dir, name: resource.name, port, program, authority, settings });
  await writeSecretFile(passwordFile(dir), settings.accessKeys[0] ?? "");
  entry.settings = settings;
  adopt(entry, server, { again: () => ensureServer(entry, database, options), log });
  options.onChange();
}

/** The keys as ARM answers them; none where the database lets no key in. */
function settingsOf(cluster: ArmResource, { body }: ArmResource): CacheSettings {
  const keys = recordAt(body, "private");
  const isOpen = stringAt(body, "properties.accessKeysAuthentication") === "Enabled";
  return {
    accessKeys: isOpen
      ? [keys["primaryKey"], keys["secondaryKey"]].filter((key) => typeof key === "string")
      : [],
    evictionPolicy: stringAt(body, "properties.evictionPolicy") ?? "VolatileLRU",
    maxMemoryGb: memoryOf(stringAt(cluster.body, "sku.name") ?? ""),
  };
}

/** In GB, from the number in `Balanced_B10`: 12 for it, a fifth more than the number, but for the smallest sizes. */
function memoryOf(sku: string): number {
  const number = Math.max(1, Number(/_[A-Z]+(\d+)$/.exec(sku)?.[1] ?? 1));
  return number < 5 ? number : number * 1.2;
}

function sameSettings(before: CacheSettings | undefined, now: CacheSettings): boolean {
  return JSON.stringify(before) === JSON.stringify(now);
}

function passwordFile(dir: string): string {
  return path.join(dir, "primary-key");
}

import { access, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { ArmResource, Backend, BackendGroup, ResourceView } from "../arm/backend.ts";
import { badRequest, notFound } from "../arm/errors.ts";
import { recordAt, stringAt } from "../arm/http.ts";
import { createEntries, halt, type Entry } from "../entries.ts";
import { writeSecretFile } from "../files.ts";
import type { Authority } from "../pki/authority.ts";
import { keepPort } from "../ports.ts";
import { endLeftOverServer, startCacheServer, type CacheServer, type CacheSettings } from "./server.ts";

export interface CacheBackendsOptions {
  /** A folder per cache is made below it. */
  dir: string;
  /** `redis-server` */
  program: string;
  /** Signs the servers' certificates. */
  authority: Authority;
  /** The list of servers has changed. */
  onChange: () => void;
  /** Told what goes wrong beside the requests. */
  log?: (message: string, error?: unknown) => void;
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
  let stopped = false;

  const clusters: Backend = {
    type: clusterType,
    async ensure(resource, view) {
      const entry = entries.of(resource);
      const port = await entry.serial(async () => {
        const claimed = await claimPort(entry);
        const database = entry.server && view.get(`${resource.id}/databases/default`);
        // Another size has another amount of memory.
        if (database && !stopped) await ensureServer(entry, database, options);
        return claimed;
      });
      // A bare name on Azure, where the port is the database's.
      return { hostName: `127.0.0.1:${port}` };
    },
    async remove(resource) {
      const entry = entries.of(resource);
      await entry.serial(async () => {
        await halt(entry);
        await endLeftOverServer(entry.dir);
        await rm(entry.dir, { recursive: true, force: true });
        entries.delete(resource.id);
      });
      options.onChange();
    },
  };
  const databases: Backend = {
    type: `${clusterType}/databases`,
    async ensure(resource, view) {
      const cluster = clusterOf(resource, view);
      if (!cluster)
        throw notFound("ParentResourceNotFound", `The cluster of ${resource.name} was not found.`);
      const entry = entries.of(cluster);
      await entry.serial(async () => {
        if (stopped) throw new Error("The local cloud is stopping.");
        await ensureServer(entry, resource, options);
      });
      return {};
    },
    // A cluster that is gone or going has taken its database along.
    async remove(resource, view) {
      const cluster = clusterOf(resource, view);
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
    async stop() {
      stopped = true;
      await Promise.all(entries.all().map((entry) => entry.serial(() => halt(entry))));
    },
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
  const { program, authority, log = () => undefined } = options;
  const settings = settingsOf(entry.resource, database);
  if (entry.server?.isRunning() && sameSettings(entry.settings, settings)) return;
  await halt(entry);
  await requireProgram(program);
  const { dir, resource } = entry;
  const port = await claimPort(entry);
  const server = await startCacheServer({ dir, name: resource.name, port, program, authority, settings });
  await writeSecretFile(passwordFile(dir), settings.accessKeys[0] ?? "");
  Object.assign(entry, { server, settings });
  const isWanted = () => entry.server === server;
  entry.revive({
    ended: server.ended,
    isWanted,
    // Asked once more in turn: a stop or a removal may have been waiting before it.
    restart: () => entry.serial(async () => isWanted() && (await ensureServer(entry, database, options))),
    log,
  });
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

async function requireProgram(program: string): Promise<void> {
  await access(program).catch((error: unknown) => {
    throw badRequest(
      "PartMissing",
      `The Redis server's program is not at ${program}: ${error instanceof Error ? error.message : ""}`,
    );
  });
}

/** `…/redisEnterprise/<cluster>/databases/default` belongs to `…/redisEnterprise/<cluster>`. */
function clusterOf(database: ArmResource, view: ResourceView): ArmResource | undefined {
  return view.get(database.id.split("/").slice(0, -2).join("/"));
}

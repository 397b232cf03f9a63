import { access } from "node:fs/promises";
import path from "node:path";
import type { ArmResource, ResourceView } from "./arm/backend.ts";
import { badRequest } from "./arm/errors.ts";
import type { Authority } from "./pki/authority.ts";
import { createReviver } from "./revive.ts";
import { createSerial, type Serial } from "./serial.ts";
import { resourceKey } from "./stable.ts";

/** What the servers of every kind are given. */
export interface ServersOptions {
  /** A folder per server is made below it. */
  dir: string;
  /** Signs the servers' certificates. */
  authority: Authority;
  /** The list of servers has changed. */
  onChange: () => void;
  /** Told what goes wrong beside the requests. */
  log?: (message: string, error?: unknown) => void;
}

/** What is kept of a resource with a server of its own behind it. */
export interface Entry<Server> {
  /** As it was asked for last. */
  resource: ArmResource;
  /** The server's folder. */
  dir: string;
  /** One change of the server after the other. */
  serial: Serial;
  revive: ReturnType<typeof createReviver>;
  /** Absent before the first start and once it was stopped on purpose. */
  server?: Server;
}

type ServerOf<E> = E extends Entry<infer Server> ? Server : never;

export interface Entries<E> {
  /** The resource's entry, made when there is none. */
  of(resource: ArmResource): E;
  /** By a resource's id; case does not count. */
  get(id: string): E | undefined;
  all(): E[];
  /** Ends the resource's server on purpose and forgets it; `clear` removes what it has left in its folder. */
  discard(resource: ArmResource, clear: (dir: string) => Promise<void>): Promise<void>;
  /** Works with a server that runs; for children of a resource that is gone or going nothing is left to do. */
  whileRunning(parent: ArmResource | undefined, work: (server: ServerOf<E>) => Promise<void>): Promise<void>;
  /** Throws once `stop` was called: nothing is started any more. */
  requireOpen(): void;
  /** Ends every server on purpose, when what was asked of it before is done. */
  stop(): Promise<void>;
}

type Stoppable = Entry<{ stop(): Promise<void>; isRunning(): boolean }>;

/** Entries with their folders below `dir`. */
export function createEntries<E extends Stoppable>(dir: string): Entries<E> {
  const entries = new Map<string, E>();
  const get = (id: string) => entries.get(id.toLowerCase());
  let stopped = false;
  const all: Entries<E> = {
    of(resource) {
      const key = resource.id.toLowerCase();
      const present = entries.get(key);
      if (present) return Object.assign(present, { resource });
      const made: Entry<unknown> = {
        resource,
        dir: path.join(dir, resourceKey(resource.name, resource.id)),
        serial: createSerial(),
        revive: createReviver(),
      };
      entries.set(key, made as E);
      return made as E;
    },
    get,
    all: () => [...entries.values()],
    async discard(resource, clear) {
      const entry = all.of(resource);
      await entry.serial(async () => {
        await halt(entry);
        await clear(entry.dir);
        entries.delete(resource.id.toLowerCase());
      });
    },
    async whileRunning(parent, work) {
      const entry = parent && get(parent.id);
      await entry?.serial(async () => {
        if (entry.server?.isRunning()) await work(entry.server as ServerOf<E>);
      });
    },
    requireOpen() {
      if (stopped) throw new Error("The local cloud is stopping.");
    },
    async stop() {
      stopped = true;
      await Promise.all([...entries.values()].map((entry) => entry.serial(() => halt(entry))));
    },
  };
  return all;
}

/** Makes it the entry's server, and has it started `again` when it ends by itself. */
export function adopt<Server extends { ended: Promise<string> }>(
  entry: Entry<Server>,
  server: Server,
  { again, log = () => undefined }: { again: () => Promise<unknown>; log: ServersOptions["log"] },
): void {
  entry.server = server;
  const isWanted = () => entry.server === server;
  entry.revive({
    ended: server.ended,
    isWanted,
    // Asked once more in turn: a stop or a removal may have been waiting before it.
    restart: () => entry.serial(async () => isWanted() && (await again())),
    log,
  });
}

/** `…/<type>/<name>` above a resource: one level up is `…/namespaces/<name>` of `…/namespaces/<name>/eventhubs/<name>`. */
export function ancestorOf(
  resource: ArmResource,
  view: ResourceView,
  levels: number,
): ArmResource | undefined {
  return view.get(
    resource.id
      .split("/")
      .slice(0, -2 * levels)
      .join("/"),
  );
}

/** Throws, for who made the request, when a part of set-up's is not there; `what` begins the sentence. */
export async function requirePart(what: string, file: string): Promise<void> {
  await access(file).catch((error: unknown) => {
    throw badRequest("PartMissing", `${what} ${file}: ${error instanceof Error ? error.message : ""}`);
  });
}

/** Ends the server on purpose: it is not brought back. */
export async function halt(entry: Entry<{ stop(): Promise<void> }>): Promise<void> {
  const { server } = entry;
  delete entry.server;
  await server?.stop();
}

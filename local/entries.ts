import path from "node:path";
import type { ArmResource } from "./arm/backend.ts";
import { createReviver } from "./revive.ts";
import { createSerial, type Serial } from "./serial.ts";
import { resourceKey } from "./stable.ts";

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

export interface Entries<E> {
  /** The resource's entry, made when there is none. */
  of(resource: ArmResource): E;
  /** By a resource's id; case does not count. */
  get(id: string): E | undefined;
  delete(id: string): void;
  all(): E[];
}

/** Entries with their folders below `dir`. */
export function createEntries<E extends Entry<unknown>>(dir: string): Entries<E> {
  const entries = new Map<string, E>();
  return {
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
    get: (id) => entries.get(id.toLowerCase()),
    delete: (id) => void entries.delete(id.toLowerCase()),
    all: () => [...entries.values()],
  };
}

/** Ends the server on purpose: it is not brought back. */
export async function halt(entry: Entry<{ stop(): Promise<void> }>): Promise<void> {
  const { server } = entry;
  delete entry.server;
  await server?.stop();
}

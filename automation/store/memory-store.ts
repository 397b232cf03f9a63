/** A store that lives as long as its process: for tests, and the second implementation of the contract. */
import { createCollection } from "./collection.ts";
import type { Artifacts, Collection, Logs, Store } from "./store.ts";

export function createMemoryStore(): Store {
  return {
    tenants: memoryCollection("tenant"),
    migrations: memoryCollection("migration"),
    operations: memoryCollection("operation"),
    answers: memoryCollection("answer"),
    audit: memoryLogs(),
    events: memoryLogs(),
    artifacts: memoryArtifacts(),
    close: () => Promise.resolve(),
  };
}

function memoryCollection<T extends { id: string }>(kind: string): Collection<T> {
  return createCollection<T>(kind, [], { write: () => Promise.resolve(), erase: () => Promise.resolve() });
}

function memoryLogs<T>(): Logs<T> {
  const logs = new Map<string, T[]>();
  return {
    append: (key, entries) => {
      logs.set(key, [...(logs.get(key) ?? []), ...structuredClone(entries)]);
      return Promise.resolve();
    },
    read: (key) => Promise.resolve(structuredClone(logs.get(key) ?? [])),
    last: (key) => Promise.resolve(structuredClone(logs.get(key)?.at(-1))),
  };
}

function memoryArtifacts(): Artifacts {
  const values = new Map<string, unknown>();
  return {
    put: (key, value) => {
      values.set(key, structuredClone(value));
      return Promise.resolve();
    },
    get: (key) => Promise.resolve(structuredClone(values.get(key))),
  };
}

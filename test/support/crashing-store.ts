import type { Artifacts, Collection, Logs, Store } from "../../automation/store/store.ts";

export interface CrashingStore extends Store {
  /** Writes that were let through. */
  writes(): number;
  crashed(): boolean;
}

/** A store whose process dies at a write: that write and all after it never happen, reads see what memory has. */
export function createCrashingStore(
  store: Store,
  dieAt: number,
  onCrash: () => void = () => undefined,
): CrashingStore {
  let writes = 0;
  let dead = false;

  async function write<T>(work: () => Promise<T>): Promise<T> {
    if (!dead && writes + 1 === dieAt) {
      dead = true;
      onCrash();
    }
    if (dead) throw new Error("the process has died");
    writes += 1;
    return work();
  }

  function collection<T extends { id: string }>(inner: Collection<T>): Collection<T> {
    return {
      get: (id) => inner.get(id),
      peek: (id) => inner.peek(id),
      list: (where) => inner.list(where),
      create: (document) => write(() => inner.create(document)),
      update: (id, change) => write(() => inner.update(id, change)),
      remove: (id) => write(() => inner.remove(id)),
    };
  }

  const logs = <T>(inner: Logs<T>): Logs<T> => ({
    append: (key, entries) => write(() => inner.append(key, entries)),
    read: (key) => inner.read(key),
    last: (key) => inner.last(key),
  });
  const artifacts: Artifacts = {
    put: (key, value) => write(() => store.artifacts.put(key, value)),
    get: (key) => store.artifacts.get(key),
  };

  return {
    tenants: collection(store.tenants),
    migrations: collection(store.migrations),
    operations: collection(store.operations),
    answers: collection(store.answers),
    audit: logs(store.audit),
    events: logs(store.events),
    artifacts,
    close: () => store.close(),
    writes: () => writes,
    crashed: () => dead,
  };
}

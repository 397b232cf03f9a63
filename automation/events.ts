/** What happens to a tenant, as it happens: numbered, kept over restarts, followed from any point without gap or repeat. */
import type { TierliftEvent } from "./model.ts";
import type { Clock } from "./ports.ts";
import type { Logs } from "./store/store.ts";

export type NewEvent = Pick<TierliftEvent, "type" | "data"> & { migrationId?: string };

export interface EventLog {
  /** Resolves when the event is durable and has its number; events of a tenant keep the order of the calls. */
  emit(tenantId: string, event: NewEvent): Promise<TierliftEvent>;
  /**
   * Events after `afterId`, or from now on without it, until the signal is aborted (it then ends without an error).
   * A slow reader holds nothing in memory: what it has not seen is read again from the log. All readers get the same
   * frozen event, so that a thousand of them cost no thousand copies.
   */
  subscribe(
    tenantId: string,
    options: { afterId?: number; signal: AbortSignal },
  ): AsyncIterable<TierliftEvent>;
  /** The newest events, oldest first, at most as many as are kept in memory. */
  recent(tenantId: string): Promise<TierliftEvent[]>;
  /** Calls `listener` with each durable event of any tenant, from now on; it must not throw. Returns how to end it. */
  watch(listener: (event: TierliftEvent) => void): () => void;
}

export interface EventLogOptions {
  logs: Logs<TierliftEvent>;
  clock: Clock;
  /** Events of a tenant that are kept in memory. */
  keep?: number;
}

interface Topic {
  lastId: number;
  recent: TierliftEvent[];
  waiting: {
    event: NewEvent;
    at: string;
    resolve: (event: TierliftEvent) => void;
    reject: (error: unknown) => void;
  }[];
  writing: boolean;
  listeners: Set<() => void>;
}

/** Opens the events of all tenants; a tenant's log is read when it is first asked for. */
export function createEventLog({ logs, clock, keep = 500 }: EventLogOptions): EventLog {
  const topics = new Map<string, Promise<Topic>>();
  const watchers = new Set<(event: TierliftEvent) => void>();

  function topicOf(tenantId: string): Promise<Topic> {
    let topic = topics.get(tenantId);
    if (topic === undefined) {
      topic = logs.read(tenantId).then((events) => ({
        lastId: events.at(-1)?.id ?? 0,
        recent: events.slice(-keep).map(frozen),
        waiting: [],
        writing: false,
        listeners: new Set<() => void>(),
      }));
      topic.catch(() => topics.delete(tenantId));
      topics.set(tenantId, topic);
    }
    return topic;
  }

  /** Writes what has gathered in one go; a reader is told only of what is durable, so no number is given twice. */
  async function write(tenantId: string, topic: Topic): Promise<void> {
    if (topic.writing) return;
    topic.writing = true;
    while (topic.waiting.length > 0) {
      const batch = topic.waiting;
      topic.waiting = [];
      const events = batch.map(({ event, at }, index) =>
        frozen(numbered(tenantId, topic.lastId + index + 1, at, event)),
      );
      try {
        await logs.append(tenantId, events);
        topic.lastId += events.length;
        topic.recent = [...topic.recent, ...events].slice(-keep);
        batch.forEach(({ resolve }, index) => resolve(events[index] as TierliftEvent));
        for (const listener of topic.listeners) listener();
        for (const watcher of watchers) events.forEach(watcher);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    topic.writing = false;
  }

  async function after(tenantId: string, topic: Topic, afterId: number): Promise<TierliftEvent[]> {
    if (afterId >= topic.lastId) return [];
    const oldest = topic.recent[0]?.id ?? Infinity;
    const events = oldest <= afterId + 1 ? topic.recent : await logs.read(tenantId);
    return events.filter(({ id }) => id > afterId);
  }

  return {
    async emit(tenantId, event) {
      const at = clock.now().toISOString();
      // The caller goes on with what it gave; what is told does not change any more.
      const kept = structuredClone(event);
      const topic = await topicOf(tenantId);
      return new Promise<TierliftEvent>((resolve, reject) => {
        topic.waiting.push({ event: kept, at, resolve, reject });
        void write(tenantId, topic);
      });
    },
    async *subscribe(tenantId, { afterId, signal }) {
      const topic = await topicOf(tenantId);
      // A number beyond the last one is from another installation's log: nothing after it would ever come.
      let seen = Math.min(afterId ?? topic.lastId, topic.lastId);
      while (!signal.aborted) {
        const events = await after(tenantId, topic, seen);
        for (const event of events) {
          if (signal.aborted) return;
          seen = event.id;
          yield event;
        }
        if (events.length === 0 && topic.lastId === seen) await news(topic, signal);
      }
    },
    async recent(tenantId) {
      return [...(await topicOf(tenantId)).recent];
    },
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
  };
}

function numbered(tenantId: string, id: number, at: string, event: NewEvent): TierliftEvent {
  const { type, data, migrationId } = event;
  return { id, tenantId, ...(migrationId === undefined ? {} : { migrationId }), at, type, data };
}

/** Deeply. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

/** Resolves at the topic's next event, or when the signal is aborted. */
function news(topic: Topic, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      topic.listeners.delete(done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    topic.listeners.add(done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}

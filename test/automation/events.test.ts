import { beforeEach, expect, test } from "vitest";
import { createEventLog } from "../../automation/events.ts";
import type { EventLog } from "../../automation/events.ts";
import type { TierliftEvent } from "../../automation/model.ts";
import { createMemoryStore } from "../../automation/store/memory-store.ts";
import type { Store } from "../../automation/store/store.ts";
import { createFakeClock } from "../support/fake-clock.ts";

let store: Store;
let events: EventLog;
const open = (keep?: number): EventLog =>
  createEventLog({ logs: store.events, clock: createFakeClock(), ...(keep === undefined ? {} : { keep }) });
beforeEach(() => {
  store = createMemoryStore();
  events = open();
});

const emit = (count: number, log = events): Promise<TierliftEvent[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => log.emit("t", { type: "log", data: { index } })));

async function take(count: number, afterId?: number, log = events): Promise<number[]> {
  const stop = new AbortController();
  const ids: number[] = [];
  const options = { signal: stop.signal, ...(afterId === undefined ? {} : { afterId }) };
  for await (const { id } of log.subscribe("t", options)) {
    ids.push(id);
    if (ids.length === count) stop.abort();
  }
  return ids;
}

test("events are numbered by one from one, apart for each tenant", async () => {
  expect((await emit(3)).map(({ id }) => id)).toEqual([1, 2, 3]);
  expect((await events.emit("other", { type: "log", data: {} })).id).toBe(1);
});

test("numbers go on after a restart", async () => {
  await emit(3);
  expect((await open().emit("t", { type: "log", data: {} })).id).toBe(4);
});

test("a reader that comes back gets what it missed and what follows, without gap or repeat", async () => {
  await emit(5);
  const reading = take(6, 2);
  await emit(3);
  expect(await reading).toEqual([3, 4, 5, 6, 7, 8]);
});

test("a reader gets what was forgotten in memory from the log", async () => {
  events = open(3);
  await emit(20);
  expect(await take(20, 0)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect((await events.recent("t")).map(({ id }) => id)).toEqual([18, 19, 20]);
});

test("a reader slower than the events misses none", async () => {
  events = open(2);
  const stop = new AbortController();
  const ids: number[] = [];
  for await (const { id } of events.subscribe("t", { afterId: 0, signal: start(stop.signal) })) {
    ids.push(id);
    if (id < 30) await emit(3);
    else break;
  }
  stop.abort();
  expect(ids).toEqual(ids.map((_id, index) => index + 1));

  function start(signal: AbortSignal): AbortSignal {
    void emit(1);
    return signal;
  }
});

test("without a number a reader begins with what comes next", async () => {
  await emit(2);
  const reading = take(1);
  // The subscription begins when it is first asked for an event, which takes a turn.
  await new Promise((resolve) => setImmediate(resolve));
  await emit(1);
  expect(await reading).toEqual([3]);
});

test("a number from another installation's log begins with what comes next", async () => {
  await emit(2);
  const reading = take(1, 900);
  await new Promise((resolve) => setImmediate(resolve));
  await emit(1);
  expect(await reading).toEqual([3]);
});

test("a reader that waits ends when its signal is aborted", async () => {
  const stop = new AbortController();
  const reading = (async () => {
    for await (const { id } of events.subscribe("t", { signal: stop.signal }))
      throw new Error(`unexpected ${id}`);
  })();
  stop.abort();
  await reading;
});

test("a number is not given twice when the log could not be written", async () => {
  const append = store.events.append.bind(store.events);
  let failing = true;
  store.events.append = (key, entries) =>
    failing ? Promise.reject(new Error("disk full")) : append(key, entries);
  await expect(emit(1)).rejects.toThrow("disk full");
  failing = false;
  expect((await emit(1))[0]?.id).toBe(1);
  expect(await take(1, 0)).toEqual([1]);
});

import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { TierliftEvent } from "../../automation/model.ts";
import { createClient } from "../../cli/client.ts";
import { RefusedError, UnreachableError } from "../../cli/errors.ts";
import { followEvents, parseEvent, type FollowOptions } from "../../cli/stream.ts";

interface Asked {
  url: string | undefined;
  lastEventId: string | undefined;
  authorization: string | undefined;
}

/** One connection: a status that is answered, or the texts that are sent before it is closed or cut. */
type Connection = number | { texts: string[]; end: "closed" | "cut" | "silent" };

const closed = (...texts: string[]): Connection => ({ texts, end: "closed" });
const cut = (...texts: string[]): Connection => ({ texts, end: "cut" });

/** A server that answers each connection with the next of these. */
async function serveStreams(connections: Connection[]) {
  const asked: Asked[] = [];
  const server = http.createServer(({ url, headers }, response) => {
    const lastEventId = headers["last-event-id"] as string | undefined;
    asked.push({ url, lastEventId, authorization: headers.authorization });
    const connection = connections[asked.length - 1] ?? 503;
    if (typeof connection === "number") {
      response.writeHead(connection, { "Content-Type": "application/problem+json" });
      response.end(JSON.stringify({ code: "CODE", detail: "a sentence" }));
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const text of connection.texts) response.write(text);
    if (connection.end === "closed") response.end();
    // After what was written has gone out.
    if (connection.end === "cut") response.write("", () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, client: createClient({ api, token: "t", signal: new AbortController().signal }) };
}

const eventText = (id: number, type: string, migrationId = "m-1") =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ id, type, migrationId, data: {} })}\n\n`;

/** Waits are told instead of waited for. */
function options(more: Partial<FollowOptions> = {}) {
  const waits: number[] = [];
  const broken: string[] = [];
  const settings: FollowOptions = {
    signal: new AbortController().signal,
    isWanted: ({ migrationId }) => migrationId === "m-1",
    onBroken: (reason) => broken.push(reason),
    sleep: (ms) => Promise.resolve(waits.push(ms)),
    ...more,
  };
  return { settings, waits, broken };
}

async function collect(events: AsyncIterable<TierliftEvent | "connected">): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const event of events) seen.push(event === "connected" ? event : event.id);
  return seen;
}

const CONNECTED = ": connected\n\n";

test("events are given in order, also those that come in pieces, until the end", async () => {
  const whole = eventText(2, "phase");
  const { client, asked } = await serveStreams([
    closed(
      CONNECTED,
      eventText(1, "status"),
      whole.slice(0, 9),
      whole.slice(9),
      ": heartbeat\n\n",
      eventText(3, "end"),
      eventText(4, "log"),
    ),
  ]);
  expect(await collect(followEvents(client, "t-1", options().settings))).toEqual(["connected", 1, 2, 3]);
  expect(asked).toEqual([
    {
      url: "/api/v1/tenants/t-1/provisioning/status/stream",
      lastEventId: undefined,
      authorization: "Bearer t",
    },
  ]);
});

test("a stream that breaks five times gives every event once, from the last one seen", async () => {
  const { client, asked } = await serveStreams([
    closed(CONNECTED, eventText(7, "phase")),
    cut(CONNECTED, eventText(8, "phase"), eventText(9, "phase").slice(0, 20)),
    503,
    cut(CONNECTED, eventText(8, "phase"), eventText(9, "phase")),
    closed(CONNECTED),
    closed(CONNECTED, eventText(10, "end")),
  ]);
  const { settings, broken } = options();
  expect(await collect(followEvents(client, "t-1", settings))).toEqual(["connected", 7, 8, 9, 10]);
  expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, "7", "8", "8", "9", "9"]);
  expect(broken).toHaveLength(5);
});

test("waits grow while the connection cannot be made, and begin anew once it was", async () => {
  const { client } = await serveStreams([
    503,
    503,
    503,
    closed(CONNECTED),
    502,
    closed(CONNECTED, eventText(1, "end")),
  ]);
  const { settings, waits } = options();
  await collect(followEvents(client, "t-1", settings));
  expect(waits).toEqual([500, 1000, 2000, 500, 1000]);
});

test("a connection that broke before its first event is told everything again", async () => {
  const { client, asked } = await serveStreams([
    cut(CONNECTED),
    closed(CONNECTED, eventText(1, "tenant", "m-0"), eventText(2, "status"), eventText(3, "end")),
  ]);
  expect(await collect(followEvents(client, "t-1", options().settings))).toEqual(["connected", 2, 3]);
  expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, "0"]);
});

test("the end of something else is no end, and is gone on after at once", async () => {
  const { client, asked } = await serveStreams([
    closed(CONNECTED, eventText(4, "end", "m-0")),
    closed(CONNECTED, eventText(5, "end")),
  ]);
  const { settings, waits, broken } = options();
  expect(await collect(followEvents(client, "t-1", settings))).toEqual(["connected", 5]);
  expect(asked[1]?.lastEventId).toBe("4");
  expect([waits, broken]).toEqual([[0], []]);
});

test("a silent connection is given up and made again", async () => {
  const { client } = await serveStreams([
    { texts: [CONNECTED, eventText(1, "log")], end: "silent" },
    closed(CONNECTED, eventText(2, "end")),
  ]);
  const { settings, broken } = options({ idleMs: 100 });
  expect(await collect(followEvents(client, "t-1", settings))).toEqual(["connected", 1, 2]);
  expect(broken).toEqual(["silent for 0.1 s"]);
});

test("a refusal ends the stream with the service's sentence", async () => {
  const { client } = await serveStreams([closed(CONNECTED, eventText(1, "log")), 401]);
  const following = collect(followEvents(client, "t-1", options().settings));
  await expect(following).rejects.toThrow(RefusedError);
  await expect(following).rejects.toThrow("a sentence");
});

test("a service that stays away for too long is told", async () => {
  const { client } = await serveStreams([closed(CONNECTED)]);
  const { settings, waits } = options({ giveUpMs: 5_000 });
  await expect(collect(followEvents(client, "t-1", settings))).rejects.toThrow(UnreachableError);
  expect(waits).toEqual([500, 1000, 2000, 4000]);
});

test("an abort ends the stream without an error", async () => {
  const { client } = await serveStreams([closed(CONNECTED)]);
  const abort = new AbortController();
  const { settings } = options({ signal: abort.signal });
  const events = followEvents(client, "t-1", settings);
  expect(await events.next()).toEqual({ value: "connected", done: false });
  abort.abort();
  expect(await events.next()).toEqual({ value: undefined, done: true });
});

test("a comment is no event", () => {
  expect(parseEvent(": heartbeat")).toBeUndefined();
});

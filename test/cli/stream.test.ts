import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../../cli/client.ts";
import { followProvisioning, parseEvent } from "../../cli/stream.ts";

interface Asked {
  url: string | undefined;
  lastEventId: string | undefined;
  authorization: string | undefined;
}

/** A server that answers each connection with the next of these texts, and then closes it. */
async function serveStreams(texts: string[][]) {
  const asked: Asked[] = [];
  const server = http.createServer(({ url, headers }, response) => {
    const lastEventId = headers["last-event-id"] as string | undefined;
    asked.push({ url, lastEventId, authorization: headers.authorization });
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const text of texts[asked.length - 1] ?? []) response.write(text);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { signal } = new AbortController();
  return { asked, client: createClient({ api, token: "t", signal }) };
}

const eventText = (id: number, type: string) =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ id, type, data: {} })}\n\n`;

async function collect(events: AsyncIterable<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const event of events) seen.push(event === "connected" ? event : (event as { id: number }).id);
  return seen;
}

test("events are given in order, also those that come in pieces, until the end", async () => {
  const whole = eventText(2, "phase");
  const { client, asked } = await serveStreams([
    [
      ": connected\n\n",
      eventText(1, "status"),
      whole.slice(0, 9),
      whole.slice(9),
      ": heartbeat\n\n",
      eventText(3, "end"),
      eventText(4, "log"),
    ],
  ]);
  expect(await collect(followProvisioning(client, "t-1", new AbortController().signal))).toEqual([
    "connected",
    1,
    2,
    3,
  ]);
  expect(asked).toEqual([
    {
      url: "/api/v1/tenants/t-1/provisioning/status/stream",
      lastEventId: undefined,
      authorization: "Bearer t",
    },
  ]);
});

test("a connection that breaks is made again from the last event seen", async () => {
  const { client, asked } = await serveStreams([
    [": connected\n\n", eventText(7, "phase")],
    [": connected\n\n", eventText(8, "end")],
  ]);
  expect(await collect(followProvisioning(client, "t-1", new AbortController().signal))).toEqual([
    "connected",
    7,
    8,
  ]);
  expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, "7"]);
});

test("an abort ends the stream without an error", async () => {
  const { client } = await serveStreams([[": connected\n\n"]]);
  const abort = new AbortController();
  const events = followProvisioning(client, "t-1", abort.signal);
  expect(await events.next()).toEqual({ value: "connected", done: false });
  abort.abort();
  expect(await events.next()).toEqual({ value: undefined, done: true });
});

test("a comment is no event", () => {
  expect(parseEvent(": heartbeat")).toBeUndefined();
});

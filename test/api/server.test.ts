import http from "node:http";
import net from "node:net";
import { once } from "node:events";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { createApp } from "../../api/app.ts";
import { startServer, type Served } from "../../api/server.ts";
import { ADMIN, activeTenant, createWorld } from "../support/fake-world.ts";

/** Longer than a test may take: what waits for it fails. */
const GRACE_MS = 600_000;

/** A connection with the text sent on it, once the server has it. */
async function connect(url: string, text = ""): Promise<net.Socket> {
  const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write(text);
  // Another request, so that what came before it has been read.
  await new Promise((resolve) => http.get(url, { agent: false }, resolve).on("error", resolve));
  return socket;
}

const answering = (answer: () => Response | Promise<Response>): Served => ({ fetch: () => answer() });

it.each([
  ["asked nothing", ""],
  ["asked half", "GET / HTTP/1.1\r\nHost: "],
  ["asked and was answered", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
])("does not wait for a connection that %s", async (_what, text) => {
  const server = await startServer(
    answering(() => new Response("done")),
    0,
  );
  const socket = await connect(server.url, text);
  const closed = once(socket, "close");
  socket.resume();
  await server.close(GRACE_MS);
  await closed;
});

it("waits for an answer under way", async () => {
  let answer: ((response: Response) => void) | undefined;
  const server = await startServer(
    answering(() => new Promise((resolve) => (answer = resolve))),
    0,
  );
  const asked = fetch(server.url);
  await expect.poll(() => answer).toBeDefined();
  const closed = server.close(GRACE_MS);
  answer?.(new Response("done"));
  expect(await (await asked).text()).toBe("done");
  await closed;
});

it("closes what is open after the time of grace", async () => {
  let isAsked = false;
  const never = () => {
    isAsked = true;
    return new Promise<Response>(() => undefined);
  };
  const server = await startServer(answering(never), 0);
  const cut = expect(fetch(server.url)).rejects.toThrow();
  await expect.poll(() => isAsked).toBe(true);
  await server.close(100);
  await cut;
});

it("does not wait for many streams that end, and says nothing about their number", async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on("warning", warn);
  onTestFinished(() => void process.off("warning", warn));
  const world = createWorld();
  const closing = new AbortController();
  const app = createApp({
    tierlift: world.tierlift,
    authenticate: () => Promise.resolve(ADMIN),
    logger: pino({ enabled: false }),
    closing: closing.signal,
  });
  const server = await startServer(app, 0);
  await world.tierlift.start();
  onTestFinished(() => world.tierlift.stop());
  const { id } = await activeTenant(world);
  const url = `${server.url}/api/v1/tenants/${id}/provisioning/status/stream`;
  const open = () => fetch(url, { headers: { Authorization: "Bearer any" } });
  const streams = await Promise.all(Array.from({ length: 20 }, open));
  closing.abort();
  await server.close(GRACE_MS);
  const texts = await Promise.all(streams.map((stream) => stream.text()));
  expect(new Set(texts)).toEqual(new Set([": connected\n\n"]));
  expect(warnings).toEqual([]);
});

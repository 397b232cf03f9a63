import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createKubeClient, type KubeClient } from "../../../../local/providers/kubernetes/client.ts";

let server: Server;
let kube: KubeClient;
let calls: number;
let answer: (response: ServerResponse, call: number) => void;

beforeEach(async () => {
  calls = 0;
  server = createServer((_request, response) => answer(response, ++calls));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  kube = createKubeClient({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace: "",
    ca: undefined,
    cert: undefined,
    key: undefined,
    token: undefined,
    serverName: undefined,
    insecure: false,
  });
});
afterEach(async () => {
  kube.close();
  await new Promise((resolve) => server.close(resolve));
});

it("waits for a Retry-After that comes with plain text, as from the limit on requests in flight", async () => {
  answer = (response, call) =>
    call === 1
      ? response.writeHead(429, { "retry-after": "1" }).end("Too many requests, please try again later.")
      : response.end("{}");
  const started = performance.now();
  await kube.call({ path: "/" });
  expect(performance.now() - started).toBeGreaterThan(995);
  expect(calls).toBe(2);
});

it("gives up after five more tries, with what the server said", async () => {
  answer = (response) => response.writeHead(429).end("Too many requests, please try again later.");
  await expect(kube.call({ path: "/" })).rejects.toMatchObject({
    code: 429,
    message: "Too many requests, please try again later.",
  });
  expect(calls).toBe(6);
});

it("asks again when a connection is closed without an answer", async () => {
  answer = (response, call) => (call === 1 ? response.destroy() : response.end("{}"));
  await kube.call({ method: "PATCH", path: "/", body: {} });
  expect(calls).toBe(2);
});

it("does not ask again what is refused for good", async () => {
  answer = (response) => response.writeHead(403).end("{}");
  await expect(kube.call({ path: "/" })).rejects.toMatchObject({ code: 403 });
  expect(calls).toBe(1);
});

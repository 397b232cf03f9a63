import http from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createClient } from "../../cli/client.ts";
import { RefusedError, UnreachableError } from "../../cli/errors.ts";

type Turn = { status: number; body?: object } | "cut" | "silent";

/** A server that answers its requests with these, one after the other. */
async function serve(turns: Turn[], more: { withinMs?: number } = {}) {
  const asked: { method: string | undefined; key: string | undefined }[] = [];
  const server = http.createServer(({ method, headers, socket }, response) => {
    asked.push({ method, key: headers["idempotency-key"] as string | undefined });
    const turn = turns[asked.length - 1] ?? "cut";
    if (turn === "silent") return;
    if (turn === "cut") return void socket.destroy();
    response.writeHead(turn.status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(turn.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { signal } = new AbortController();
  return { asked, client: createClient({ api, token: "t", signal, retryDelaysMs: [1, 1], ...more }) };
}

describe("a client", () => {
  it("sends a POST whose answer was lost again, with the same idempotency key", async () => {
    const { asked, client } = await serve(["cut", { status: 503 }, { status: 201, body: { id: "1" } }]);
    expect(await client.post("/tenants", {})).toEqual({ status: 201, body: { id: "1" } });
    expect(asked).toHaveLength(3);
    expect(asked[0]!.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
  });

  it("gives each POST a key of its own", async () => {
    const { asked, client } = await serve([{ status: 200 }, { status: 200 }]);
    await client.post("/a");
    await client.post("/a");
    expect(asked[0]!.key).not.toBe(asked[1]!.key);
  });

  it("waits for the answer of a request that is still under way", async () => {
    const busy = { status: 409, body: { code: "IDEMPOTENCY_KEY_BUSY", detail: "under way" } };
    const { client, asked } = await serve(["cut", busy, { status: 200, body: { done: true } }]);
    expect((await client.post("/a")).body).toEqual({ done: true });
    expect(asked).toHaveLength(3);
  });

  it("does not send a DELETE again that may have arrived", async () => {
    const { asked, client } = await serve(["cut", { status: 202 }]);
    await expect(client.delete("/tenants/1")).rejects.toThrow(UnreachableError);
    expect(asked).toHaveLength(1);
  });

  it.each([400, 401, 403, 404, 409])("does not send again what was refused with %i", async (status) => {
    const { asked, client } = await serve([{ status, body: { code: "CODE", detail: "What to do." } }]);
    const refused = await client.get("/a").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RefusedError);
    expect(refused).toMatchObject({ status, code: "CODE", detail: "What to do.", exitCode: 3 });
    expect(asked).toHaveLength(1);
  });

  it("tells what does not answer in time", async () => {
    const { client } = await serve(["silent", "silent", "silent"], { withinMs: 50 });
    await expect(client.get("/a")).rejects.toThrow("no answer in time");
  });

  it("counts a service's own failure as not reached", async () => {
    const { client } = await serve([{ status: 500, body: { code: "INTERNAL", detail: "its log has it" } }]);
    await expect(client.get("/a")).rejects.toMatchObject({ exitCode: 4, code: "INTERNAL" });
  });
});

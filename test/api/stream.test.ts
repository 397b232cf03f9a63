import { beforeEach, describe, expect, it, vi } from "vitest";
import { createApi, mintToken } from "../support/api.ts";
import type { Api } from "../support/api.ts";
import { activeTenant, arrival, underWay } from "../support/fake-world.ts";

interface Received {
  id: number;
  event: string;
}

/** Reads a stream until `isEnough`, then lets go of it. */
async function read(response: Response, isEnough: (received: Received[], text: string) => boolean) {
  const received: Received[] = [];
  let text = "";
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: true });
    received.length = 0;
    for (const [, event = "", id] of text.matchAll(/event: (\w+)\n(?:data: .*\n)+id: (\d+)\n/g))
      received.push({ id: Number(id), event });
    if (done || isEnough(received, text)) break;
  }
  await reader.cancel();
  return { received, text };
}

let api: Api;
let token: string;
beforeEach(async () => {
  api = createApi({ heartbeatMs: 5 });
  await api.world.tierlift.start();
  token = await mintToken(["PLATFORM_ADMIN"]);
});
const pathOf = (tenantId: string) => `/api/v1/tenants/${tenantId}/provisioning/status/stream`;
const open = (tenantId: string, lastEventId?: number) =>
  api.request(pathOf(tenantId), {
    token,
    headers: lastEventId === undefined ? {} : { "Last-Event-ID": String(lastEventId) },
  });

describe("the stream of a tenant's provisioning", () => {
  it("shows the phases in order with growing ids and ends after the end event", async () => {
    const { id: tenantId } = await activeTenant(api.world);
    const stream = await open(tenantId);
    expect(stream.headers.get("Content-Type")).toContain("text/event-stream");
    const reading = read(stream, () => false);
    const jobId = await underWay(api.world, tenantId);
    await arrival(api.world, jobId, "VERIFICATION");
    await api.world.tierlift.migrations.rollback(jobId, "tried", { subject: "a", roles: [] });
    const { received } = await reading;
    const ids = received.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
    expect(received.at(-1)?.event).toBe("end");
  });

  it("goes on after the last event seen, without gap or repeat", async () => {
    const { id: tenantId } = await activeTenant(api.world);
    const jobId = await underWay(api.world, tenantId);
    await arrival(api.world, jobId, "VERIFICATION");
    const { received: all } = await read(await open(tenantId, 0), (received) => received.length >= 8);
    const middle = all[3]?.id ?? 0;
    const { received: rest } = await read(await open(tenantId, middle), (received) => received.length >= 4);
    expect(rest.slice(0, 4)).toEqual(all.slice(4, 8));
  });

  it("keeps an idle connection alive", async () => {
    const { id: tenantId } = await activeTenant(api.world);
    const { text } = await read(
      await open(tenantId),
      (_received, seen) => seen.split(": heartbeat").length > 2,
    );
    expect(text).toContain(": heartbeat");
  });

  it("begins nothing for who asks for its headers only", async () => {
    const { id: tenantId } = await activeTenant(api.world);
    const subscribe = vi.spyOn(api.world.tierlift.events, "subscribe");
    const headers = { Authorization: `Bearer ${token}` };
    const response = await api.app.request(pathOf(tenantId), { method: "HEAD", headers });
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(subscribe).not.toHaveBeenCalled();
  });

  it("refuses a Last-Event-ID that is none", async () => {
    const { id: tenantId } = await activeTenant(api.world);
    const response = await api.request(pathOf(tenantId), { token, headers: { "Last-Event-ID": "x" } });
    expect(response.status).toBe(400);
  });
});

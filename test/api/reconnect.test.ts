import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createApp } from "../../api/app.ts";
import { createAuthenticator } from "../../api/auth.ts";
import { startServer, type RunningServer } from "../../api/server.ts";
import { openFileStore } from "../../automation/store/file-store.ts";
import type { Store } from "../../automation/store/store.ts";
import { mintToken } from "../../commands/mint-token.ts";
import { createFakeEngine } from "../support/fake-engine.ts";
import { activeTenant, ADMIN, arrival, createWorld, PATIENT_MS, underWay } from "../support/fake-world.ts";
import type { World } from "../support/fake-world.ts";

const SECRET = "a secret of at least thirty-two bytes";

interface Service {
  world: World;
  store: Store;
  server: RunningServer;
  closing: AbortController;
}

let folder: string;
let service: Service;
let token: string;
const engine = createFakeEngine();

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "tierlift-reconnect-"));
  service = await start(0);
  const roles = ["PLATFORM_ADMIN"];
  token = await mintToken({ secret: SECRET, subject: "reader", roles, lifetimeMs: 3_600_000 });
});
afterEach(async () => {
  await stop(service);
  await rm(folder, { recursive: true, force: true });
});

async function start(port: number): Promise<Service> {
  const store = await openFileStore(folder);
  const world = createWorld({ store, engine });
  const closing = new AbortController();
  const authenticate = createAuthenticator({ key: { secret: SECRET } });
  const logger = pino({ enabled: false });
  const app = createApp({ tierlift: world.tierlift, authenticate, logger, closing: closing.signal });
  const server = await startServer(app, port);
  await world.tierlift.start();
  return { world, store, server, closing };
}

/** As the service's process ends. */
async function stop({ world, store, server, closing }: Service): Promise<void> {
  closing.abort();
  await server.close();
  await world.tierlift.stop();
  await store.close();
}

const open = (tenantId: string, lastEventId: number): Promise<Response> =>
  fetch(`${service.server.url}/api/v1/tenants/${tenantId}/provisioning/status/stream`, {
    headers: { Authorization: `Bearer ${token}`, "Last-Event-ID": String(lastEventId) },
  });

/** Reads ids until there are `enough` more, then breaks the connection; or until the stream ends. */
async function hear(tenantId: string, ids: number[], enough: number): Promise<void> {
  const response = await open(tenantId, ids.at(-1) ?? 0);
  const before = ids.length;
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const id = /^id: (\d+)$/m.exec(block)?.[1];
      if (id === undefined) continue;
      ids.push(Number(id));
      if (ids.length - before >= enough) return;
    }
  }
}

it("tells a client that loses its stream five times, once by a restart, of every event once", async () => {
  const { id: tenantId } = await activeTenant(service.world);
  const [end = 0] = (await service.store.events.read(tenantId)).slice(-1).map(({ id }) => id);
  const jobId = await underWay(service.world, tenantId);
  const ids = [end];
  for (let loss = 1; loss <= 4; loss += 1) await hear(tenantId, ids, 3);
  await arrival(service.world, jobId, "VERIFICATION");

  const { port } = new URL(service.server.url);
  const heardOut = hear(tenantId, ids, Infinity);
  await stop(service);
  await heardOut;
  service = await start(Number(port));
  const heardToTheEnd = hear(tenantId, ids, Infinity);
  await service.world.tierlift.migrations.completeVerification(jobId, ADMIN, PATIENT_MS);
  await heardToTheEnd;

  const written = (await service.store.events.read(tenantId)).map(({ id }) => id);
  expect(written.length).toBeGreaterThan(end + 20);
  expect(ids).toEqual(written.slice(end - 1));
});

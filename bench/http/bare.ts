/** A process with one bare route on the service's own server adapter: what the service is held against. */
import { Hono } from "hono";
import { startServer } from "../../api/server.ts";
import { runCommandLine } from "../../commands/command-line.ts";
import type { BareOrder, ServiceMessage } from "./messages.ts";

await runCommandLine(async ({ signal }) => {
  const app = new Hono();
  let document: unknown = {};
  process.on("message", (order: BareOrder) => (document = order.document));
  app.get("/api/v1/migrations/tenants/:tenantId/status", (c) => c.json(document));
  const server = await startServer(app, 0);
  process.send?.({ type: "listening", url: server.url, token: "" } satisfies ServiceMessage);
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    process.once("disconnect", resolve);
  });
  await server.close(0);
});

/** How a tenant's provisioning goes: once, or as a stream. */
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { tierliftError } from "../../automation/errors.ts";
import type { Tierlift } from "../../automation/tierlift.ts";
import { requireTenantManager } from "../auth.ts";
import type { ApiEnvironment } from "../auth.ts";
import { sendEvents, type StreamOptions } from "../stream.ts";

export function createProvisioningRoutes(tierlift: Tierlift, streams: StreamOptions): Hono<ApiEnvironment> {
  const app = new Hono<ApiEnvironment>();
  const { tenants, events } = tierlift;

  app.get("/:tenantId/provisioning/status", async (c) => {
    const { tenantId } = c.req.param();
    requireTenantManager(c.get("actor"), tenantId);
    return c.json(await tenants.provisioningStatus(tenantId));
  });

  app.get("/:tenantId/provisioning/status/stream", (c) => {
    const { tenantId } = c.req.param();
    requireTenantManager(c.get("actor"), tenantId);
    tenants.get(tenantId);
    const afterId = lastEventId(c.req.header("Last-Event-ID"));
    c.header("Cache-Control", "no-store");
    c.header("X-Accel-Buffering", "no");
    // An answer without a body has no reader: events written to it would wait for one for ever.
    if (c.req.method === "HEAD") return c.body(null, 200, { "Content-Type": "text/event-stream" });
    return streamSSE(c, (stream) =>
      sendEvents(stream, (signal) => events.subscribe(tenantId, { ...afterId, signal }), streams),
    );
  });

  app.post("/:tenantId/provisioning/retry", async (c) => {
    const { tenantId } = c.req.param();
    requireTenantManager(c.get("actor"), tenantId);
    return c.json(await tenants.retryProvisioning(tenantId, c.get("actor")));
  });

  return app;
}

/** The last event a client has seen; nothing for one that starts now. */
function lastEventId(header: string | undefined): { afterId?: number } {
  if (header === undefined || header === "") return {};
  if (!/^\d{1,15}$/.test(header)) {
    throw tierliftError("INVALID_REQUEST", { field: "Last-Event-ID", problem: "must be the id of an event" });
  }
  return { afterId: Number(header) };
}

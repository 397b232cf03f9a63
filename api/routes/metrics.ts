/** For a Prometheus server. */
import { Hono } from "hono";
import type { Metrics } from "../metrics.ts";

export function createMetricsRoutes(metrics: Metrics): Hono {
  const app = new Hono();
  app.get("/metrics", async (c) =>
    c.body(await metrics.render(), 200, { "Content-Type": metrics.contentType }),
  );
  return app;
}

/** Whether the process lives, and whether it can take work. */
import { Hono } from "hono";
import type { Tierlift } from "../../automation/tierlift.ts";

export function createHealthRoutes(tierlift: Tierlift): Hono {
  const app = new Hono();
  app.get("/health", (c) => c.json({ status: "UP" }));
  app.get("/ready", (c) => {
    const { ready, problem } = tierlift.ready();
    return ready ? c.json({ status: "READY" }) : c.json({ status: "STARTING", problem }, 503);
  });
  return app;
}

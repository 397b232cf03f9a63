/** The REST service as a function of what it serves: routes, tokens, problems. */
import { setMaxListeners } from "node:events";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import type { Logger } from "pino";
import type { Tierlift } from "../automation/tierlift.ts";
import { requireToken } from "./auth.ts";
import type { ApiEnvironment, Authenticate } from "./auth.ts";
import { idempotent } from "./idempotency.ts";
import { createMetrics } from "./metrics.ts";
import { factsOf, observed } from "./observe.ts";
import { answerProblem, InvalidRequest } from "./problems.ts";
import { createDocsRoutes } from "./routes/docs.ts";
import { createHealthRoutes } from "./routes/health.ts";
import { createMetricsRoutes } from "./routes/metrics.ts";
import { createMigrationRoutes } from "./routes/migrations.ts";
import { createProvisioningRoutes } from "./routes/provisioning.ts";
import { createTenantRoutes } from "./routes/tenants.ts";

/** Requests carry small documents; anything larger is a mistake or an attack. */
const MAX_BODY_BYTES = 64 * 1024;

export interface AppOptions {
  tierlift: Tierlift;
  authenticate: Authenticate;
  logger: Logger;
  /** How long `complete-verification` waits for the switch before it answers 202, in milliseconds. */
  completeWaitMs?: number;
  /** Time between two heartbeats of a stream, in milliseconds. */
  heartbeatMs?: number;
  /** Aborted when the service stops: streams end, and what waits for something is answered as it is. */
  closing?: AbortSignal;
}

const NEVER = new AbortController().signal;

/** Makes the app; `app.request()` serves it without a socket. */
export function createApp(options: AppOptions): Hono<ApiEnvironment> {
  const {
    tierlift,
    authenticate,
    logger,
    completeWaitMs = 25_000,
    heartbeatMs = 15_000,
    closing = NEVER,
  } = options;
  const app = new Hono<ApiEnvironment>();
  const metrics = createMetrics(tierlift);
  // Every stream listens to it, however many there are.
  setMaxListeners(0, closing);

  app.use(observed(logger, metrics));
  const limitBody = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new InvalidRequest([{ field: "body", message: `must be at most ${MAX_BODY_BYTES} bytes` }]);
    },
  });
  // Only POSTs are read, and looking for a body costs more than the rest of a request without one.
  app.post("*", limitBody);
  app.onError((error, c) =>
    answerProblem(c, error, (cause) => logger.error({ err: cause, ...factsOf(c) }, "request failed")),
  );
  app.notFound((c) => {
    const methods = c.get("match")?.operations.map(({ method }) => method.toUpperCase());
    if (methods !== undefined) c.header("Allow", methods.join(", "));
    const message = `There is no ${c.req.method} ${c.req.path}: see /docs for the paths.`;
    return answerProblem(c, new HTTPException(methods ? 405 : 404, { message }), () => undefined);
  });

  app.route("/", createHealthRoutes(tierlift));
  app.route("/", createDocsRoutes());
  app.route("/", createMetricsRoutes(metrics));
  app.use("/api/*", requireToken(authenticate));
  app.post(
    "/api/*",
    idempotent(tierlift.answers, (error, c) =>
      logger.error({ err: error, ...factsOf(c) }, "an answer was not kept"),
    ),
  );
  app.route("/api/v1/migrations", createMigrationRoutes(tierlift, { completeWaitMs, closing }));
  app.route("/api/v1/tenants", createTenantRoutes(tierlift));
  app.route("/api/v1/tenants", createProvisioningRoutes(tierlift, { heartbeatMs, closing }));
  return app;
}

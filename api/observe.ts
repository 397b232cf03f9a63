/** Each request seen once it is answered: a line in the log and a count in the metrics. */
import { randomUUID } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import type { ApiEnvironment } from "./auth.ts";
import type { Metrics } from "./metrics.ts";
import { matchPath } from "./openapi/match.ts";

/** What a caller may name its request: harmless in headers and logs. */
const REQUEST_ID = /^[\w.-]{1,64}$/;

/** Gives the request an id, the caller's own where it sent a fit one, and tells how it ended. */
export function observed(logger: Logger, metrics: Metrics): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    const given = c.req.header("X-Request-Id") ?? "";
    const requestId = REQUEST_ID.test(given) ? given : randomUUID();
    const started = performance.now();
    c.set("requestId", requestId);
    c.header("X-Request-Id", requestId);
    await next();
    const ms = performance.now() - started;
    const { method, path } = c.req;
    const { status } = c.res;
    const route = matchPath(path)?.template;
    metrics.observeRequest({ method, status, seconds: ms / 1000, ...(route === undefined ? {} : { route }) });
    logger.info({ ...factsOf(c), method, path, status, ms: Math.round(ms) }, "request");
  };
}

/** The ids that a log line about a request is found by. */
export function factsOf(c: Context<ApiEnvironment>): Record<string, string> {
  const { tenantId, jobId } = { ...matchPath(c.req.path)?.parameters, ...c.get("about") };
  return {
    requestId: c.get("requestId"),
    ...(tenantId === undefined ? {} : { tenantId }),
    ...(jobId === undefined ? {} : { jobId }),
  };
}

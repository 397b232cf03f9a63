/** Each request seen once it is answered: a line in the log and a count in the metrics. */
import { randomUUID } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import type { ApiEnvironment } from "./auth.ts";
import type { Metrics } from "./metrics.ts";
import { answerHeader, givenHeader } from "./node-headers.ts";
import { matchPath } from "./openapi/match.ts";

/** What a caller may name its request: harmless in headers and logs. */
const REQUEST_ID = /^[\w.-]{1,64}$/;

/** Gives the request an id, the caller's own where it sent a fit one, and tells how it ended. */
export function observed(logger: Logger, metrics: Metrics): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    const given = givenHeader(c, "x-request-id") ?? "";
    const requestId = REQUEST_ID.test(given) ? given : randomUUID();
    const started = performance.now();
    const match = matchPath(c.req.path);
    c.set("match", match);
    c.set("requestId", requestId);
    answerHeader(c, "X-Request-Id", requestId);
    // No answer is anything but what it says it is; what only speaks to browsers about pages stands with the page.
    answerHeader(c, "X-Content-Type-Options", "nosniff");
    await next();
    const ms = performance.now() - started;
    const { method, path } = c.req;
    const { status } = c.res;
    metrics.observeRequest({ method, route: match?.template, status, seconds: ms / 1000 });
    logger.info({ ...factsOf(c), method, path, status, ms: Math.round(ms) }, "request");
  };
}

/** The ids that a log line about a request is found by. */
export function factsOf(c: Context<ApiEnvironment>): Record<string, string> {
  const about = c.get("about");
  const { parameters } = c.get("match") ?? {};
  const facts: Record<string, string> = { requestId: c.get("requestId") };
  const tenantId = about?.tenantId ?? parameters?.["tenantId"];
  const jobId = about?.jobId ?? parameters?.["jobId"];
  if (tenantId !== undefined) facts["tenantId"] = tenantId;
  if (jobId !== undefined) facts["jobId"] = jobId;
  return facts;
}

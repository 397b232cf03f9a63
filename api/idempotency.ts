/** The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): a POST sent again is answered again. */
import { createHash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Answers } from "../automation/answers.ts";
import type { ApiEnvironment } from "./auth.ts";
import { idempotencyHeaders } from "./schemas.ts";
import { parseHeaders } from "./validation.ts";

/** Refused before anything was asked of the service: a corrected request may use the key again. */
const NOT_DONE: readonly number[] = [400, 401, 403, 422];
const KEPT_HEADERS = ["Content-Type", "Location"];

/** For POSTs, behind the check of tokens: a key belongs to the one who asks, with the roles of that moment. */
export function idempotent(
  answers: Answers,
  onNotKept: (error: unknown, c: Context<ApiEnvironment>) => void,
): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    const { "Idempotency-Key": given } = parseHeaders(c, idempotencyHeaders);
    if (given === undefined) return next();
    const { subject, tenantId = null, roles } = c.get("actor");
    // The draft's header is a structured string; most clients send it without its quotes.
    const key = digestOf([subject, tenantId, [...roles].sort(), given.replace(/^"(.*)"$/, "$1")]);
    const kept = answers.begin(key, digestOf([c.req.path, c.req.query(), await c.req.text()]));
    if (kept !== undefined) {
      const headers = { ...kept.headers, "Idempotency-Replayed": "true" };
      return c.body(kept.body, kept.status as ContentfulStatusCode, headers);
    }
    await next();
    const isFinal = c.res.status < 500 && !NOT_DONE.includes(c.res.status);
    // What was done is answered, also when it cannot be answered again.
    await answers
      .finish(key, isFinal ? await answerOf(c.res) : undefined)
      .catch((error: unknown) => onNotKept(error, c));
  };
}

async function answerOf(response: Response) {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const body = await response.clone().text();
  return { status: response.status, headers: Object.fromEntries(kept), body };
}

const digestOf = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex");

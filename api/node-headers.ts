/**
 * Headers as Node.js holds them. The web's `Headers` costs more to make than the rest of a small answer, so what every
 * request is read for and every answer carries goes past it; where there is no socket, as in tests, it goes through.
 */
import type { Context } from "hono";
import type { ApiEnvironment } from "./auth.ts";

/** A header that a request carries at most once, by its lower-case name. */
export function givenHeader(c: Context<ApiEnvironment>, name: string): string | undefined {
  const incoming = c.env?.incoming;
  if (incoming === undefined) return c.req.header(name);
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Sets a header of the answer, whatever the answer will be. */
export function answerHeader(c: Context<ApiEnvironment>, name: string, value: string): void {
  const outgoing = c.env?.outgoing;
  if (outgoing === undefined) c.header(name, value);
  else outgoing.setHeader(name, value);
}

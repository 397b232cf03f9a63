/** Who asks: bearer tokens, roles, and which tenants a token may manage. */
import type { HttpBindings } from "@hono/node-server";
import type { MiddlewareHandler } from "hono";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import { tierliftError } from "../automation/errors.ts";
import type { Actor } from "../automation/model.ts";
import { createKnownTokens } from "./known-tokens.ts";
import { givenHeader } from "./node-headers.ts";
import type { Match } from "./openapi/match.ts";

/** What requests carry once they passed `requireToken`. */
export interface ApiEnvironment {
  /** Node's own request and answer; absent without a socket. */
  Bindings: Partial<HttpBindings> | undefined;
  Variables: {
    actor: Actor;
    requestId: string;
    /** Which documented path it is for; undefined where there is none. */
    match: Match | undefined;
    /** What the request is about, where its path does not say. */
    about?: { tenantId?: string; jobId?: string };
  };
}

export type Authenticate = (token: string) => Promise<Actor>;

export interface TokenSettings {
  key: { secret: string } | { jwksUrl: string };
  issuer?: string;
  audience?: string;
}

const HMAC_ALGORITHMS = ["HS256"];
/** What key sets are published for; `none` is in neither list. */
const PUBLIC_KEY_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"];
const JWKS_TIMEOUT_MS = 5_000;
const CLOCK_TOLERANCE_S = 30;

/**
 * Checks signature, times, and issuer and audience where they are set; rejects with UNAUTHENTICATED. A token that
 * passed is known for a minute, at most until its end.
 */
export function createAuthenticator(
  { key, issuer, audience }: TokenSettings,
  nowMs: () => number = Date.now,
): Authenticate {
  const known = createKnownTokens(nowMs);
  const options = {
    algorithms: "secret" in key ? HMAC_ALGORITHMS : PUBLIC_KEY_ALGORITHMS,
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: ["sub", "exp"],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  };
  const keyOf: JWTVerifyGetKey =
    "secret" in key
      ? () => new TextEncoder().encode(key.secret)
      : createRemoteJWKSet(new URL(key.jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MS });
  return async (token) => {
    const actor = known.find(token);
    if (actor !== undefined) return actor;
    try {
      const { payload } = await jwtVerify(token, keyOf, { ...options, currentDate: new Date(nowMs()) });
      const checked = actorOf(payload);
      known.keep(token, checked, (payload.exp ?? 0) * 1000);
      return checked;
    } catch (error) {
      if (error instanceof errors.JWKSTimeout)
        throw tierliftError("NOT_READY", { what: "The key set" }, { cause: error });
      const problem = error instanceof errors.JWTExpired ? "The token has expired" : "The token is not valid";
      throw tierliftError("UNAUTHENTICATED", { problem }, { cause: error });
    }
  };
}

function actorOf(payload: JWTPayload): Actor {
  const { sub = "", tenant_id: tenantId, roles } = payload;
  return {
    subject: sub,
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : [],
    ...(typeof tenantId === "string" && tenantId !== "" ? { tenantId } : {}),
  };
}

/** Lets a request pass that carries a good token, with its actor. */
export function requireToken(authenticate: Authenticate): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    const [scheme, token] = (givenHeader(c, "authorization") ?? "").split(" ");
    if (scheme?.toLowerCase() !== "bearer" || !token) {
      throw tierliftError("UNAUTHENTICATED", { problem: "The request carries no token" });
    }
    c.set("actor", await authenticate(token));
    await next();
  };
}

export const isPlatformAdmin = ({ roles }: Actor): boolean => roles.includes("PLATFORM_ADMIN");

/**
 * The specification's `canManageTenant`, and its ADMIN role: an ADMIN without a tenant of its own manages any, one
 * whose token names a tenant manages that one, as a TENANT_ADMIN does. A platform administrator manages all.
 */
export function canManageTenant(actor: Actor, tenantId: string): boolean {
  if (isPlatformAdmin(actor)) return true;
  if (actor.tenantId === undefined) return actor.roles.includes("ADMIN");
  return actor.tenantId === tenantId && managesSome(actor);
}

const managesSome = ({ roles }: Actor) => roles.includes("ADMIN") || roles.includes("TENANT_ADMIN");

export function requirePlatformAdmin(actor: Actor): void {
  if (!isPlatformAdmin(actor)) throw tierliftError("FORBIDDEN", { needed: "the role PLATFORM_ADMIN" });
}

/** Decided by the token alone, so that it does not tell whether the tenant exists. */
export function requireTenantManager(actor: Actor, tenantId: string): void {
  if (!canManageTenant(actor, tenantId)) {
    throw tierliftError("FORBIDDEN", { needed: "the role ADMIN, or TENANT_ADMIN of this tenant" });
  }
}

/** For paths that name a job: a token without a managing role is refused before the job is looked up. */
export function requireSomeManager(actor: Actor): void {
  if (!isPlatformAdmin(actor) && !managesSome(actor)) {
    throw tierliftError("FORBIDDEN", { needed: "the role ADMIN, or TENANT_ADMIN of the job's tenant" });
  }
}

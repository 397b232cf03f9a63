/** A request from its path to its answer: metadata, tokens, vaults, ARM; errors become ARM's bodies here. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Cloud } from "./cloud.ts";
import { ArmError, badRequest } from "./errors.ts";
import type { ArmAnswer } from "./http.ts";
import { queryValue } from "./http.ts";
import { answerOAuth, vaultAudience } from "./identity/oauth.ts";
import type { Tokens } from "./identity/tokens.ts";
import { metadataEndpoints } from "./metadata.ts";
import { subscriptionOf } from "./path.ts";
import { answerArm } from "./router.ts";
import { answerVault, challenge, vaultByName } from "./vaults/data-plane.ts";

export interface RawRequest {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string | undefined>>;
  text: string;
}

export interface Dispatched extends ArmAnswer {
  principal?: string;
  code?: string;
}

/** Answers any request; never throws. */
export async function dispatch(cloud: Cloud, tokens: Tokens, raw: RawRequest): Promise<Dispatched> {
  const seen: { principal?: string } = {};
  try {
    const answer = await answerAny(cloud, tokens, raw, seen);
    return { ...answer, ...seen, headers: { ...commonHeaders(raw), ...answer.headers } };
  } catch (error) {
    const known = error instanceof ArmError ? error : unexpected(cloud, raw, error);
    const headers = { ...commonHeaders(raw), ...known.headers, "x-ms-error-code": known.code };
    return {
      status: known.status,
      body: known.body,
      headers: { ...headers, ...loginHeader(cloud, raw, known) },
      ...seen,
      code: known.code,
    };
  }
}

async function answerAny(
  cloud: Cloud,
  tokens: Tokens,
  raw: RawRequest,
  seen: { principal?: string },
): Promise<ArmAnswer> {
  const path = raw.url.pathname.replace(/\/{2,}/g, "/");
  if (path === "/metadata/endpoints") {
    const version = queryValue(raw.url.searchParams, "api-version") ?? "2015-01-01";
    return { status: 200, body: metadataEndpoints(cloud.origin(), version) };
  }
  const step = cloud.plan({ at: "request", method: raw.method, path });
  if (step?.delayMs !== undefined) await delay(step.delayMs);
  if (step?.error)
    throw new ArmError(step.error.status, step.error.code, step.error.message, {
      headers: step.error.headers ?? {},
    });
  const oauth = await answerOAuth({ ...raw, path, origin: cloud.origin() }, cloud.directory, tokens);
  if (oauth !== undefined) return oauth;
  if (path.toLowerCase().startsWith("/vaults/")) return answerVaultPath(cloud, tokens, raw, path, seen);
  const caller = await tokens.verify(raw.headers["authorization"]);
  seen.principal = caller.clientId;
  const { method, headers, url } = raw;
  return answerArm(cloud, {
    method,
    path,
    query: url.searchParams,
    headers,
    body: parseBody(raw.text),
    origin: cloud.origin(),
    caller,
  });
}

async function answerVaultPath(
  cloud: Cloud,
  tokens: Tokens,
  raw: RawRequest,
  path: string,
  seen: { principal?: string },
): Promise<ArmAnswer> {
  const [, name = "", ...rest] = path.split("/").filter(Boolean);
  const vault = vaultByName(cloud, decodeURIComponent(name));
  try {
    const caller = await tokens.verify(raw.headers["authorization"]);
    seen.principal = caller.clientId;
    if (caller.kind !== "operator" && caller.audience.replace(/\/+$/, "") !== vaultAudience) {
      throw new ArmError(
        401,
        "Unauthorized",
        `AKV10022: Invalid audience. Expected ${vaultAudience}, found: ${caller.audience}.`,
      );
    }
    return answerVault(cloud, { method: raw.method, path: rest, vault, body: parseBody(raw.text), caller });
  } catch (error) {
    if (!(error instanceof ArmError) || error.status !== 401) throw error;
    throw new ArmError(401, "Unauthorized", error.message, {
      headers: challenge(cloud, vault),
      cause: error,
    });
  }
}

function parseBody(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof SyntaxError ? "it is not JSON" : "it cannot be read";
    throw badRequest(
      "InvalidRequestContent",
      `The request content was invalid and could not be deserialized: ${reason}.`,
    );
  }
}

function unexpected(cloud: Cloud, raw: RawRequest, error: unknown): ArmError {
  cloud.log(`${raw.method} ${raw.url.pathname}`, error);
  return new ArmError(
    500,
    "InternalServerError",
    "The local cloud failed on this request; its log has the details.",
  );
}

/** A 401 says where tokens come from. */
function loginHeader(cloud: Cloud, raw: RawRequest, error: ArmError): Record<string, string> {
  if (error.status !== 401 || error.headers["www-authenticate"] !== undefined) return {};
  const tenant = cloud.directory.subscription(subscriptionOf(raw.url.pathname))?.tenantId ?? "common";
  const text = `Bearer authorization_uri="${cloud.origin()}/${tenant}", error="invalid_token", error_description="${error.message.replaceAll('"', "'")}"`;
  return { "www-authenticate": text };
}

function commonHeaders(raw: RawRequest): Record<string, string> {
  const requestId = randomUUID();
  const client = raw.headers["x-ms-client-request-id"];
  return {
    "cache-control": "no-cache",
    "x-ms-request-id": requestId,
    "x-ms-correlation-request-id": raw.headers["x-ms-correlation-request-id"] ?? requestId,
    ...(client === undefined ? {} : { "x-ms-client-request-id": client }),
    ...(raw.method === "GET" ? { "x-ms-ratelimit-remaining-subscription-reads": "11999" } : {}),
  };
}

/** A request from its path to its answer: metadata, tokens, vaults, ARM; errors become ARM's bodies here. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "./cloud.ts";
import { ArmError, badRequest, notFound } from "./errors.ts";
import type { ArmAnswer } from "./http.ts";
import { answerAdmin, isAdminPath } from "./plans/admin.ts";
import { AnswerLost, asPlanned } from "./plans/apply.ts";
import type { RequestEvent } from "./plans/event.ts";
import { describeRequest } from "./plans/event.ts";
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

/** What is known of a request by the time it is answered. */
interface Seen {
  principal?: string;
  event?: RequestEvent;
}

export interface Dispatched extends ArmAnswer, Seen {
  code?: string;
  correlationId: string;
  /** The connection is to be closed without an answer. */
  isLost?: true;
}

/** Answers any request; never throws. */
export async function dispatch(cloud: Cloud, tokens: Tokens, raw: RawRequest): Promise<Dispatched> {
  const seen: Seen = {};
  const requestId = randomUUID();
  const correlationId = raw.headers["x-ms-correlation-request-id"] ?? requestId;
  const common = commonHeaders(raw, requestId, correlationId);
  try {
    const answer = await answerAny(cloud, tokens, raw, seen);
    return { ...answer, ...seen, correlationId, headers: { ...common, ...answer.headers } };
  } catch (error) {
    if (error instanceof AnswerLost) return { ...error.answer, ...seen, correlationId, isLost: true };
    const known = error instanceof ArmError ? error : unexpected(cloud, raw, error);
    const headers = { ...common, ...known.headers, "x-ms-error-code": known.code };
    return {
      status: known.status,
      body: known.body,
      headers: { ...headers, ...loginHeader(cloud, raw, known) },
      ...seen,
      correlationId,
      code: known.code,
      ...(known.outcome === undefined ? {} : { outcome: known.outcome }),
    };
  }
}

async function answerAny(cloud: Cloud, tokens: Tokens, raw: RawRequest, seen: Seen): Promise<ArmAnswer> {
  const path = raw.url.pathname.replace(/\/{2,}/g, "/");
  if (path === "/metadata/endpoints") {
    const version = queryValue(raw.url.searchParams, "api-version") ?? "2015-01-01";
    return { status: 200, body: metadataEndpoints(cloud.origin(), version) };
  }
  const event = describeRequest(cloud, raw.method, path);
  seen.event = event;
  const login = { ...raw, path, origin: cloud.origin() };
  if (event.call === "token") {
    return asPlanned(cloud, event, async () => {
      const issued = await answerOAuth(login, cloud.directory, tokens);
      if (issued === undefined) throw notFound("NotFound", `'${path}' is not offered.`);
      return issued;
    });
  }
  const oauth = await answerOAuth(login, cloud.directory, tokens);
  if (oauth !== undefined) return oauth;
  if (event.call === "vault") return answerVaultPath(cloud, tokens, raw, path, seen);
  const caller = await tokens.verify(raw.headers["authorization"]);
  seen.principal = caller.clientId;
  const { method, headers, url } = raw;
  const body = parseBody(raw.text);
  if (isAdminPath(path)) {
    const answer = answerAdmin(cloud.plans, { method, path, body, caller });
    await cloud.plans.settled();
    return answer;
  }
  const request = { method, path, query: url.searchParams, headers, body, origin: cloud.origin(), caller };
  return asPlanned(cloud, event, () => answerArm(cloud, request));
}

async function answerVaultPath(
  cloud: Cloud,
  tokens: Tokens,
  raw: RawRequest,
  path: string,
  seen: Seen,
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
    const request = { method: raw.method, path: rest, vault, body: parseBody(raw.text), caller };
    const event = describeRequest(cloud, raw.method, path);
    return await asPlanned(cloud, event, () => Promise.resolve(answerVault(cloud, request)));
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

function commonHeaders(raw: RawRequest, requestId: string, correlationId: string): Record<string, string> {
  const client = raw.headers["x-ms-client-request-id"];
  return {
    "cache-control": "no-cache",
    "x-ms-request-id": requestId,
    "x-ms-correlation-request-id": correlationId,
    ...(client === undefined ? {} : { "x-ms-client-request-id": client }),
    ...(raw.method === "GET" ? { "x-ms-ratelimit-remaining-subscription-reads": "11999" } : {}),
  };
}

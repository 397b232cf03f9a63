import { setTimeout as delay } from "node:timers/promises";
import type { HttpAnswer, HttpRequest, Send } from "./http.ts";

/** Requests to a resource manager, repeated as azure-native repeats them. */

export interface ArmRequest {
  method: HttpRequest["method"];
  /** Path below the resource manager, or an absolute address (of an operation, of a vault). */
  path: string;
  query?: Record<string, string | undefined>;
  body?: unknown;
  /** Whom the token is for; the resource manager where not given. */
  audience?: string;
}

export interface ArmAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** The parsed body; undefined where it is empty or no JSON. */
  body: unknown;
}

export interface ArmClient {
  send(request: ArmRequest, signal: AbortSignal): Promise<ArmAnswer>;
}

/** An answer of ARM that is an error: `{"error": {"code", "message"}}`. */
export class ArmFailure extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "ArmFailure";
    this.status = status;
    this.code = code;
  }
}

export interface ArmErrorBody {
  code?: string;
  message?: string;
  details?: { code?: string; message?: string }[];
}

/** One line of an error body: code, message, and those of its details. */
export function describeError(error: ArmErrorBody): string {
  const details = (error.details ?? []).map((d) => `${d.code ?? ""}: ${d.message ?? ""}`).join("; ");
  return `${error.code ?? "Unknown"}: ${error.message ?? "no message"}${details && ` (${details})`}`;
}

function errorOf(body: unknown): ArmErrorBody {
  const error = (body as { error?: ArmErrorBody } | undefined)?.error;
  return typeof error === "object" ? error : ((body as ArmErrorBody | undefined) ?? {});
}

/** Throws where the status is none of `accepted`. */
export function assertStatus(answer: ArmAnswer, request: ArmRequest, accepted: readonly number[]): void {
  if (accepted.includes(answer.status)) return;
  const error = errorOf(answer.body);
  const { pathname } = new URL(request.path, "https://arm");
  throw new ArmFailure(
    answer.status,
    error.code ?? "",
    `${request.method} ${pathname}: status ${answer.status}, ${describeError(error)}`,
  );
}

/** The body of a 200 or 201 as an object. */
export function bodyObject(answer: ArmAnswer): Record<string, unknown> {
  const { body } = answer;
  return typeof body === "object" && body !== null && !Array.isArray(body)
    ? (body as Record<string, unknown>)
    : {};
}

// What azure-native repeats, and after how long where the answer does not say.
const repeatedStatuses = new Set([408, 429, 500, 502, 503, 504]);
const repeatedConflicts = new Set([
  "AnotherOperationInProgress",
  "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
]);
const defaultDelaysMs = [20_000, 60_000, 120_000];

function isRepeated(answer: ArmAnswer): boolean {
  if (repeatedStatuses.has(answer.status)) return true;
  return answer.status === 409 && repeatedConflicts.has(errorOf(answer.body).code ?? "");
}

/** How long an answer asks to wait, milliseconds; `Retry-After: 0` counts as not given. */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const ms = Number(headers[name]);
    if (ms > 0) return ms;
  }
  const after = headers["retry-after"];
  if (after === undefined) return undefined;
  const seconds = Number(after);
  if (seconds > 0) return seconds * 1000;
  const date = Date.parse(after);
  return Number.isNaN(seconds) && date > Date.now() ? date - Date.now() : undefined;
}

interface ArmClientOptions {
  resourceManager: string;
  /** A token for an audience; `fresh` when the last one was refused. */
  token: (audience: string | undefined, fresh: boolean) => Promise<string>;
  send: Send;
  /** Waits before the repetitions, milliseconds; azure-native's 20, 60 and 120 s where not given. */
  delaysMs?: readonly number[];
}

function toUrl(resourceManager: string, { path, query = {} }: ArmRequest): string {
  const url = new URL(path.startsWith("https://") ? path : resourceManager + encodePath(path));
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && !url.searchParams.has(name)) url.searchParams.set(name, value);
  return url.href;
}

/** Names such as `*` and `@` stay, what would change the path's meaning does not. */
const encodePath = (path: string): string => path.split("/").map(encodeSegment).join("/");
const encodeSegment = (segment: string): string =>
  encodeURIComponent(segment).replaceAll("%40", "@").replaceAll("%3A", ":").replaceAll("%3B", ";");

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A client for one instance of the provider. */
export function createArmClient(options: ArmClientOptions): ArmClient {
  const { send, token, resourceManager, delaysMs = defaultDelaysMs } = options;

  async function once(request: ArmRequest, fresh: boolean, signal: AbortSignal): Promise<ArmAnswer> {
    const bearer = await token(request.audience, fresh);
    const answer: HttpAnswer = await send({
      method: request.method,
      url: toUrl(resourceManager, request),
      headers: {
        authorization: `Bearer ${bearer}`,
        accept: "application/json",
        "user-agent": "tierlift-azure-native",
        ...(request.body !== undefined && { "content-type": "application/json; charset=utf-8" }),
      },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      signal,
    });
    return { status: answer.status, headers: answer.headers, body: parseJson(answer.text) };
  }

  return {
    async send(request, signal) {
      let fresh = false;
      for (let attempt = 0; ; attempt++) {
        let answer: ArmAnswer | undefined;
        let failure: unknown;
        try {
          answer = await once(request, fresh, signal);
          if (answer.status === 401 && !fresh) {
            fresh = true;
            answer = await once(request, fresh, signal);
          }
        } catch (error) {
          signal.throwIfAborted();
          failure = error;
        }
        const wait = delaysMs[attempt];
        if (answer && (!isRepeated(answer) || wait === undefined)) return answer;
        if (wait === undefined || !isNetworkError(failure, answer)) throw failure;
        await delay((answer && retryAfterMs(answer.headers)) ?? wait, undefined, { signal });
      }
    },
  };
}

/** A connection that could not be made or broke, or an answer that did not come in time; nothing else is repeated. */
function isNetworkError(failure: unknown, answer: ArmAnswer | undefined): boolean {
  if (answer) return true;
  const { code, name } = failure as { code?: string; name?: string };
  if (name === "AbortError" || name === "TimeoutError") return true;
  return code !== undefined && /^(ECONN|EPIPE|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EAI_AGAIN)/.test(code);
}

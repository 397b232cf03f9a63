/** A client of the REST API, as anybody could write it: deadlines, retries that are safe, problems as errors. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { RefusedError, UnreachableError } from "./errors.ts";

export interface Answer<T> {
  status: number;
  body: T;
}

export interface Client {
  get: <T>(path: string) => Promise<T>;
  /** The answer in a media type that people read. */
  text: (path: string, accept: string) => Promise<string>;
  /** `withinMs`: for requests that may wait long. */
  post: <T>(path: string, body?: unknown, withinMs?: number) => Promise<Answer<T>>;
  delete: <T>(path: string) => Promise<T>;
  /** The open answer of a stream. */
  open: (path: string, headers: Record<string, string>, signal: AbortSignal) => Promise<Response>;
}

export interface ClientOptions {
  /** Where the service is, without `/api/v1`. */
  api: string;
  token: string;
  signal: AbortSignal;
  /** Told of every command that was answered. */
  onCommand?: (line: string) => void;
  /** Waits between the tries of one request, in milliseconds. */
  retryDelaysMs?: readonly number[];
  /** Deadline of one try, where the caller names none. */
  withinMs?: number;
}

interface Sent {
  method: "GET" | "POST" | "DELETE";
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  withinMs?: number;
}

const RETRY_DELAYS_MS = [250, 1_000, 2_000];
const WITHIN_MS = 30_000;
const BUSY_MS = 1_000;

/**
 * All calls reject with RefusedError or UnreachableError. A request whose answer was lost is sent again: a POST with
 * the same idempotency key, so that nothing is done twice; a DELETE only when it cannot have arrived.
 */
export function createClient(options: ClientOptions): Client {
  const { api, token, signal, onCommand, retryDelaysMs = RETRY_DELAYS_MS } = options;
  const { withinMs: usualMs = WITHIN_MS } = options;
  const authorization = { Authorization: `Bearer ${token}` };

  async function send(sent: Sent): Promise<Answer<string>> {
    const headers = {
      ...sent.headers,
      ...(sent.method === "POST" ? { "Idempotency-Key": randomUUID() } : {}),
    };
    const delays = [...retryDelaysMs];
    const busyUntil = performance.now() + 2 * (sent.withinMs ?? usualMs);
    for (;;) {
      const result = await attempt({ ...sent, headers });
      if (!(result instanceof Error)) return result;
      // The first try is under way on the other side: its answer is worth waiting for.
      const isBusy = result instanceof RefusedError && result.code === "IDEMPOTENCY_KEY_BUSY";
      const waitMs = isBusy && performance.now() < busyUntil ? BUSY_MS : nextDelay(sent, result, delays);
      if (waitMs === undefined) throw result;
      await delay(waitMs, undefined, { signal });
    }
  }

  async function attempt({ method, path, headers, body, withinMs = usualMs }: Sent) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    try {
      const answer = await fetch(`${api}${path}`, {
        method,
        headers: { ...authorization, ...headers },
        signal: limit,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (answer.ok) return { status: answer.status, body: text };
      return new RefusedError(`${method} ${path}`, answer.status, problemOf(text));
    } catch (error) {
      signal.throwIfAborted();
      return notReached(`${method} ${api}${path}`, error);
    }
  }

  return {
    get: async <T>(path: string) => JSON.parse((await send({ method: "GET", path })).body) as T,
    text: async (path, accept) => (await send({ method: "GET", path, headers: { Accept: accept } })).body,
    post: async <T>(path: string, body?: unknown, withinMs?: number) => {
      const headers: Record<string, string> =
        body === undefined ? {} : { "Content-Type": "application/json" };
      const answer = await send({
        method: "POST",
        path,
        headers,
        body,
        ...(withinMs === undefined ? {} : { withinMs }),
      });
      onCommand?.(`POST ${path} → ${answer.status}`);
      return { status: answer.status, body: JSON.parse(answer.body) as T };
    },
    delete: async <T>(path: string) => {
      const answer = await send({ method: "DELETE", path });
      onCommand?.(`DELETE ${path} → ${answer.status}`);
      return JSON.parse(answer.body) as T;
    },
    open: async (path, headers, streamSignal) => {
      const answer = await fetch(`${api}${path}`, {
        headers: { ...authorization, ...headers },
        signal: streamSignal,
      });
      if (!answer.ok) throw new RefusedError(`GET ${path}`, answer.status, problemOf(await answer.text()));
      return answer;
    },
  };
}

/** The wait before another try; undefined when there is none. */
function nextDelay({ method }: Sent, failure: Error, delays: number[]): number | undefined {
  const isPassing = failure instanceof RefusedError ? isPassingStatus(failure.status) : true;
  const isSafe = method !== "DELETE" || isConnectionRefused(failure);
  return isPassing && isSafe ? delays.shift() : undefined;
}

/** Too many requests, and what gateways and a starting service answer. */
export const isPassingStatus = (status: number): boolean => [429, 502, 503, 504].includes(status);

const isConnectionRefused = ({ cause }: Error): boolean =>
  ((cause as Error | undefined)?.cause as NodeJS.ErrnoException | undefined)?.code === "ECONNREFUSED";

/** fetch hides why a connection failed in its error's cause. */
function notReached(request: string, error: unknown): UnreachableError {
  const { name, cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
  const why = name === "TimeoutError" ? "no answer in time" : (cause?.code ?? cause?.message ?? message);
  return new UnreachableError(`${request}: ${why}`, { cause: error });
}

/** Code and sentence of an RFC 9457 problem, or of whatever answered instead. */
function problemOf(text: string): { code: string; detail: string } {
  try {
    const { code, detail, title } = JSON.parse(text) as { code?: string; detail?: string; title?: string };
    return { code: code ?? "UNKNOWN", detail: detail ?? title ?? text };
  } catch {
    return { code: "UNKNOWN", detail: text.slice(0, 500) };
  }
}

import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "./kubeconfig.ts";
import { count, isObject, text, type KubeObject } from "./object.ts";

/** How long one call may take; a watch has a limit of its own. */
const callMs = 60_000;
const watchMs = 300_000;
const maxRetries = 5;
/** A server that wants more time than this is asked again anyway, and then given up. */
const longestRetryMs = 60_000;

/** A refusal by the API server, from its Status object. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: KubeObject;
  /** Seconds after which the server wants to be asked again: of its `Retry-After` header, or of its Status. */
  readonly retryAfterSeconds: number;
  constructor(code: number, status: KubeObject, retryAfter?: string) {
    super(text(status, "message") || `the Kubernetes API server answered ${code}`);
    this.name = "ApiError";
    this.code = code;
    this.reason = text(status, "reason");
    const details = status["details"];
    this.details = isObject(details) ? details : {};
    // Its limit on requests in flight and its fair queues answer plain text, with the header alone.
    this.retryAfterSeconds = Number(retryAfter) || count(this.details, "retryAfterSeconds");
  }
}

/** No answer from the API server. */
export class UnreachableError extends Error {
  constructor(server: string, cause: unknown) {
    const why =
      cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
    super(`the Kubernetes API server at ${server} cannot be reached: ${why}`, { cause });
    this.name = "UnreachableError";
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

export interface Call {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Record<string, string>;
  readonly body?: KubeObject;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Overall limit in milliseconds. */
  readonly timeoutMs?: number;
  /** Told each warning the API server sends along, for example on a field it does not know. */
  readonly onWarning?: (message: string) => void;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: KubeObject;
}

export interface KubeClient {
  readonly server: string;
  /** Calls the API. Every verb used is idempotent, so a lost connection and a busy server are tried again. */
  call(call: Call): Promise<KubeObject>;
  /** Streams watch events until the server ends the watch. Throws `ApiError` (410: list again) and `UnreachableError`. */
  watch(path: string, query: Record<string, string>, signal: AbortSignal): AsyncGenerator<WatchEvent>;
  close(): void;
}

export function createKubeClient(connection: Connection): KubeClient {
  const base = new URL(connection.server);
  const secure = base.protocol === "https:";
  const agent = secure
    ? new Agent({
        keepAlive: true,
        ca: connection.ca,
        cert: connection.cert,
        key: connection.key,
        ...(connection.serverName && { servername: connection.serverName }),
        rejectUnauthorized: !connection.insecure,
      })
    : new HttpAgent({ keepAlive: true });

  function send(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const query = call.query ? `?${new URLSearchParams(call.query).toString()}` : "";
    const options: RequestOptions = {
      agent,
      method: call.method ?? "GET",
      host: base.hostname,
      port: base.port || (secure ? 443 : 80),
      path: `${base.pathname.replace(/\/$/, "")}${call.path}${query}`,
      signal,
      headers: {
        accept: "application/json",
        "user-agent": "pulumi-kubernetes",
        ...(connection.token && { authorization: `Bearer ${connection.token}` }),
        ...(body !== undefined && {
          "content-type": call.contentType ?? "application/json",
          "content-length": Buffer.byteLength(body),
        }),
      },
    };
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? httpsRequest : httpRequest)(options, resolve);
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  async function once(call: Call): Promise<KubeObject> {
    const limit = AbortSignal.timeout(call.timeoutMs ?? callMs);
    const signal = call.signal ? AbortSignal.any([call.signal, limit]) : limit;
    let code: number;
    let answer: string;
    let retryAfter: string | undefined;
    try {
      const response = await send(call, signal);
      code = response.statusCode ?? 0;
      answer = await readAll(response);
      retryAfter = response.headers["retry-after"];
      for (const warning of warningsOf(response)) call.onWarning?.(warning);
    } catch (error) {
      call.signal?.throwIfAborted();
      throw new UnreachableError(connection.server, error);
    }
    const parsed = parseObject(answer);
    if (code >= 200 && code < 300) return parsed;
    throw new ApiError(code, parsed, retryAfter);
  }

  return {
    server: connection.server,
    async call(call) {
      for (let attempt = 0; ; attempt++) {
        try {
          return await once(call);
        } catch (error) {
          const delay = retryDelayMs(error, attempt);
          if (delay === undefined) throw error;
          await sleep(delay, undefined, call.signal ? { signal: call.signal } : {});
        }
      }
    },
    async *watch(path, query, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(watchMs)]);
      const full = { ...query, watch: "true", timeoutSeconds: String(Math.floor(watchMs / 1000) - 20) };
      try {
        const response = await send({ path, query: full }, limit);
        const code = response.statusCode ?? 0;
        if (code !== 200) throw new ApiError(code, parseObject(await readAll(response)));
        yield* parseEvents(response);
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof ApiError ? error : new UnreachableError(connection.server, error);
      }
    },
    close: () => agent.destroy(),
  };
}

function retryDelayMs(error: unknown, attempt: number): number | undefined {
  if (attempt >= maxRetries) return undefined;
  const backoff = 100 * 2 ** attempt;
  if (error instanceof UnreachableError) return isTransient(error.cause) ? backoff : undefined;
  if (!(error instanceof ApiError)) return undefined;
  // A conflict of resource versions inside an apply is the server's own race (kubectl retries it too).
  const raced =
    error.code === 409 && error.message.includes("please apply your changes to the latest version");
  if (![429, 502, 503, 504].includes(error.code) && !raced) return undefined;
  return Math.min(Math.max(backoff, error.retryAfterSeconds * 1000), longestRetryMs);
}

function isTransient(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  return code === "ECONNRESET" || code === "EPIPE" || code === "ECONNREFUSED" || code === "ETIMEDOUT";
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

async function* parseEvents(response: IncomingMessage): AsyncGenerator<WatchEvent> {
  response.setEncoding("utf8");
  let rest = "";
  for await (const chunk of response) {
    const lines = (rest + (chunk as string)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") continue;
      const { type, object } = JSON.parse(line) as WatchEvent;
      if (type === "ERROR") throw new ApiError(count(object, "code"), object);
      yield { type, object };
    }
  }
}

/** `299 - "text"`, RFC 7234 section 5.5. */
function warningsOf(response: IncomingMessage): string[] {
  const header = response.headers["warning"];
  return header
    ? [...header.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, message = ""]) =>
        message.replaceAll("\\", ""),
      )
    : [];
}

function parseObject(answer: string): KubeObject {
  try {
    const parsed: unknown = JSON.parse(answer);
    return isObject(parsed as KubeObject) ? (parsed as KubeObject) : {};
  } catch {
    return { message: answer.slice(0, 500) };
  }
}

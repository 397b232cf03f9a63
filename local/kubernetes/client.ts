import { Agent, request, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";

export interface KubernetesAccess {
  /** `https://127.0.0.1:PORT`. */
  server: string;
  /** PEM. */
  ca: string;
  certificate: string;
  key: string;
}

/** An answer of the API server that is no success, with its `Status` document's reason. */
export class KubernetesError extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = "KubernetesError";
    this.status = status;
    this.reason = reason;
  }
}

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  deletionTimestamp?: string;
}

export interface ObjectList {
  metadata: { resourceVersion: string };
  items: KubernetesObject[];
}

export type PatchType = "merge" | "strategic" | "json";

/** The few calls the local cloud itself makes to a cluster's API server. Every call but a watch has a deadline. */
export interface KubernetesClient {
  get<T = KubernetesObject>(path: string): Promise<T>;
  create(path: string, object: unknown): Promise<KubernetesObject>;
  replace(path: string, object: unknown): Promise<KubernetesObject>;
  patch(path: string, type: PatchType, patch: unknown): Promise<KubernetesObject>;
  /** Absent objects count as deleted. */
  delete(path: string, options?: Record<string, unknown>): Promise<void>;
  /** True when `/readyz` answers 200. */
  isReady(): Promise<boolean>;
  /** Lines of a watch as they come, until the server or the signal ends it. */
  watch(path: string, signal: AbortSignal): AsyncIterable<WatchEvent>;
  close(): void;
}

export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: KubernetesObject & { code?: number; reason?: string; message?: string };
}

const deadlineMs = 15_000;

export function createKubernetesClient(access: KubernetesAccess): KubernetesClient {
  const agent = new Agent({ keepAlive: true, ca: access.ca, cert: access.certificate, key: access.key });
  const open = (path: string, options: RequestOptions, body?: string) =>
    send(new URL(path, access.server), { agent, ...options }, body);
  const json = async <T>(method: string, path: string, body?: unknown, type = "application/json") => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const signal = AbortSignal.timeout(deadlineMs);
    const headers = {
      accept: "application/json",
      // Without a length node sends a DELETE's body as if it were the next request.
      ...(text === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) }),
    };
    return parseAnswer<T>(`${method} ${path}`, await open(path, { method, headers, signal }, text));
  };
  return {
    get: (path) => json("GET", path),
    create: (path, object) => json("POST", path, object),
    replace: (path, object) => json("PUT", path, object),
    patch: (path, type, patch) =>
      json("PATCH", path, patch, `application/${type === "strategic" ? "strategic-merge" : type}-patch+json`),
    async delete(path, options) {
      await json("DELETE", path, options).catch((error: unknown) => {
        if (!isStatus(error, 404)) throw error;
      });
    },
    async isReady() {
      const answer = await open("/readyz", { method: "GET", signal: AbortSignal.timeout(deadlineMs) });
      answer.resume();
      return answer.statusCode === 200;
    },
    async *watch(path, signal) {
      const answer = await open(path, { method: "GET", headers: { accept: "application/json" }, signal });
      if (answer.statusCode !== 200) await parseAnswer(`watch ${path}`, answer);
      // The agent keeps no watch: it is closed with its connection.
      for await (const line of createInterface({ input: answer, crlfDelay: Infinity })) {
        if (line) yield JSON.parse(line) as WatchEvent;
      }
    },
    close: () => agent.destroy(),
  };
}

export function isStatus(error: unknown, ...statuses: number[]): boolean {
  return error instanceof KubernetesError && statuses.includes(error.status);
}

function send(url: URL, options: RequestOptions, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request(url, options, resolve);
    call.once("error", reject);
    call.end(body);
  });
}

async function parseAnswer<T>(call: string, answer: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return (text ? JSON.parse(text) : undefined) as T;
  const failure = parseFailure(text);
  throw new KubernetesError(status, failure.reason, `${call}: ${status} ${failure.message}`);
}

function parseFailure(text: string): { reason: string; message: string } {
  try {
    const body = JSON.parse(text) as { reason?: string; message?: string };
    return { reason: body.reason ?? "", message: body.message ?? text.slice(0, 200) };
  } catch {
    return { reason: "", message: text.slice(0, 200) };
  }
}

/** A client of the REST API, as anybody could write it. */
import { CommandError } from "../command-line.ts";

export interface Answer<T> {
  status: number;
  body: T;
}

export interface Client {
  get: <T>(path: string) => Promise<T>;
  /** `withinMs`: for requests that may wait long. */
  post: <T>(path: string, body?: unknown, withinMs?: number) => Promise<Answer<T>>;
  /** The open answer of a stream. */
  open: (path: string, headers: Record<string, string>, signal: AbortSignal) => Promise<Response>;
}

export interface ClientOptions {
  api: string;
  token: string;
  /** Told of every command that was answered. */
  print: (line: string) => void;
  signal: AbortSignal;
}

const WITHIN_MS = 30_000;

/** Rejects with a CommandError that says what was asked and why it was refused. */
export function createClient({ api, token, print, signal }: ClientOptions): Client {
  const authorization = { Authorization: `Bearer ${token}` };
  const send = async (method: string, path: string, init: RequestInit, withinMs: number) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    const answer = await fetch(`${api}${path}`, { method, ...init, signal: limit });
    const text = await answer.text();
    if (!answer.ok)
      throw new CommandError(`${method} ${path} was answered ${answer.status}: ${problemOf(text)}`);
    return { status: answer.status, body: JSON.parse(text) as unknown };
  };
  return {
    get: async <T>(path: string) =>
      (await send("GET", path, { headers: authorization }, WITHIN_MS)).body as T,
    post: async <T>(path: string, body?: unknown, withinMs = WITHIN_MS) => {
      const headers = {
        ...authorization,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      };
      const init = { headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const answer = await send("POST", path, init, withinMs);
      print(`  POST ${path} → ${answer.status}`);
      return answer as Answer<T>;
    },
    open: async (path, headers, streamSignal) => {
      const answer = await fetch(`${api}${path}`, {
        headers: { ...authorization, ...headers },
        signal: streamSignal,
      });
      if (!answer.ok)
        throw new CommandError(
          `GET ${path} was answered ${answer.status}: ${problemOf(await answer.text())}`,
        );
      return answer;
    },
  };
}

/** The sentence of an RFC 9457 problem. */
function problemOf(text: string): string {
  try {
    const { detail, title } = JSON.parse(text) as { detail?: string; title?: string };
    return detail ?? title ?? text;
  } catch {
    return text.slice(0, 500);
  }
}

/** Server-sent events of a tenant: every event once and in order, however often the connection breaks. */
import { setTimeout as delay } from "node:timers/promises";
import type { TierliftEvent } from "../automation/model.ts";
import { isPassingStatus, type Client } from "./client.ts";
import { RefusedError, UnreachableError } from "./errors.ts";

export interface FollowOptions {
  signal: AbortSignal;
  /** The events that are wanted; the first wanted one of type `end` is the last. */
  isWanted: (event: TierliftEvent) => boolean;
  /** Told of a connection that broke and will be made again. */
  onBroken?: (reason: string) => void;
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Longest silence of a connection: the service sends a heartbeat every 15 s. */
  idleMs?: number;
  /** How long a connection is tried to be made again. */
  giveUpMs?: number;
}

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;
const IDLE_MS = 45_000;
const GIVE_UP_MS = 10 * 60_000;

/**
 * First `connected`, then the wanted events from now on, up to the one of type `end`. Ends without an error when the
 * signal aborts. Throws RefusedError, or UnreachableError when the connection cannot be made again.
 */
export async function* followEvents(
  client: Client,
  tenantId: string,
  options: FollowOptions,
): AsyncGenerator<TierliftEvent | "connected"> {
  const { signal, isWanted, onBroken, giveUpMs = GIVE_UP_MS } = options;
  const { sleep = (ms: number, until: AbortSignal) => delay(ms, undefined, { signal: until }) } = options;
  const path = `/api/v1/tenants/${tenantId}/provisioning/status/stream`;
  const seen: { connected: boolean; lastId?: number } = { connected: false };
  let waited = { nextMs: FIRST_BACKOFF_MS, totalMs: 0 };

  while (!signal.aborted) {
    let broken = "the connection ended";
    try {
      for await (const block of blocksOf(client, path, resumption(seen), options)) {
        if (!seen.connected) yield "connected";
        seen.connected = true;
        waited = { nextMs: FIRST_BACKOFF_MS, totalMs: 0 };
        const event = parseEvent(block);
        if (event === undefined || event.id <= (seen.lastId ?? 0)) continue;
        seen.lastId = event.id;
        if (isWanted(event)) yield event;
        if (event.type !== "end") continue;
        if (isWanted(event)) return;
        // The service closes the stream after any `end`; what is followed goes on.
        waited.nextMs = 0;
      }
    } catch (error) {
      if (signal.aborted) return;
      broken = reasonOf(error);
      if (waited.totalMs >= giveUpMs) throw new UnreachableError(`GET ${path}: ${broken}`, { cause: error });
    }
    if (waited.nextMs > 0) onBroken?.(broken);
    await sleep(waited.nextMs, signal).catch(() => undefined);
    waited = {
      nextMs: Math.min(Math.max(FIRST_BACKOFF_MS, waited.nextMs * 2), LONGEST_BACKOFF_MS),
      totalMs: waited.totalMs + waited.nextMs,
    };
  }
}

/** Where the stream goes on. What came while a connection broke that had brought no event is told from the first one. */
function resumption({ connected, lastId }: { connected: boolean; lastId?: number }): Record<string, string> {
  const after = lastId ?? (connected ? 0 : undefined);
  return after === undefined ? {} : { "Last-Event-ID": String(after) };
}

/** One connection's blocks, which end with an empty line. Silence breaks it. */
async function* blocksOf(
  client: Client,
  path: string,
  headers: Record<string, string>,
  { signal, idleMs = IDLE_MS }: FollowOptions,
): AsyncGenerator<string> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`silent for ${idleMs / 1000} s`)), idleMs);
  try {
    const limit = AbortSignal.any([signal, silence.signal]);
    const answer = await client.open(path, { Accept: "text/event-stream", ...headers }, limit);
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      timer.refresh();
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop()!;
      yield* blocks;
    }
  } catch (error) {
    throw silence.signal.aborted ? silence.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Why a connection broke; rethrows what making it again does not help. */
function reasonOf(error: unknown): string {
  if (error instanceof RefusedError && !isPassingStatus(error.status)) throw error;
  if (!(error instanceof Error)) throw error;
  const { code, message } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return code ?? message ?? error.message;
}

/** The event of a block; comments, such as heartbeats, are none. */
export function parseEvent(block: string): TierliftEvent | undefined {
  const data = block
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).trimStart());
  return data.length === 0 ? undefined : (JSON.parse(data.join("\n")) as TierliftEvent);
}

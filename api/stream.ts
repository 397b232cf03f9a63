/** Events to a client, with heartbeats, until the work ends or the client goes. */
import type { SSEStreamingApi } from "hono/streaming";
import type { TierliftEvent } from "../automation/model.ts";

const encoder = new TextEncoder();
/** Readers of one tenant are given the same event: it is put into bytes once for all of them. */
const encoded = new WeakMap<TierliftEvent, Uint8Array>();

export interface StreamOptions {
  heartbeatMs: number;
  /** Aborted when the service stops: the stream ends in good order, and the client comes back with its last id. */
  closing: AbortSignal;
}

/**
 * Writes every event with its id. Writing does not fail after a disconnect, so the subscription is ended by the
 * stream's own abort. Ends after an event of type `end`.
 */
export async function sendEvents(
  stream: SSEStreamingApi,
  subscribe: (signal: AbortSignal) => AsyncIterable<TierliftEvent>,
  { heartbeatMs, closing }: StreamOptions,
): Promise<void> {
  const gone = new AbortController();
  const end = () => gone.abort();
  stream.onAbort(end);
  closing.addEventListener("abort", end, { once: true });
  if (closing.aborted) end();
  const heartbeat = setInterval(() => void stream.write(": heartbeat\n\n"), heartbeatMs);
  try {
    await stream.write(": connected\n\n");
    for await (const event of subscribe(gone.signal)) {
      if (stream.aborted) return;
      await stream.write(bytesOf(event));
      if (event.type === "end") return;
    }
  } finally {
    clearInterval(heartbeat);
    closing.removeEventListener("abort", end);
    end();
  }
}

/** As server-sent events are written: JSON has no line breaks of its own, and types and ids have none either. */
function bytesOf(event: TierliftEvent): Uint8Array {
  let bytes = encoded.get(event);
  if (bytes === undefined) {
    const { id, type, ...rest } = event;
    const data = JSON.stringify({ id, type, ...rest });
    bytes = encoder.encode(`event: ${type}\ndata: ${data}\nid: ${id}\n\n`);
    encoded.set(event, bytes);
  }
  return bytes;
}

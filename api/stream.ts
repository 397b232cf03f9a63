/** Events to a client, with heartbeats, until the work ends or the client goes. */
import type { SSEStreamingApi } from "hono/streaming";
import type { TierliftEvent } from "../automation/model.ts";

/**
 * Writes every event with its id. Writing does not fail after a disconnect, so the subscription is ended by the
 * stream's own abort. Ends after an event of type `end`.
 */
export async function sendEvents(
  stream: SSEStreamingApi,
  subscribe: (signal: AbortSignal) => AsyncIterable<TierliftEvent>,
  heartbeatMs: number,
): Promise<void> {
  const gone = new AbortController();
  stream.onAbort(() => gone.abort());
  const heartbeat = setInterval(() => void stream.write(": heartbeat\n\n"), heartbeatMs);
  try {
    await stream.write(": connected\n\n");
    for await (const { id, type, ...event } of subscribe(gone.signal)) {
      if (stream.aborted) return;
      await stream.writeSSE({ id: String(id), event: type, data: JSON.stringify({ id, type, ...event }) });
      if (type === "end") return;
    }
  } finally {
    clearInterval(heartbeat);
    gone.abort();
  }
}

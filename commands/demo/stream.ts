/** Server-sent events of a tenant's provisioning. */
import { setTimeout as delay } from "node:timers/promises";
import type { TierliftEvent } from "../../automation/model.ts";
import type { Client } from "./client.ts";

const RECONNECT_MS = 500;

/**
 * A tenant's events from now on: first `connected`, then events until the one of type `end`. A broken connection is
 * made again, from the last event seen. Ends without an error when the signal aborts.
 */
export async function* followProvisioning(
  client: Client,
  tenantId: string,
  signal: AbortSignal,
): AsyncGenerator<TierliftEvent | "connected"> {
  let lastId: number | undefined;
  for (let first = true; !signal.aborted; first = false) {
    const headers = {
      Accept: "text/event-stream",
      ...(lastId === undefined ? {} : { "Last-Event-ID": String(lastId) }),
    };
    try {
      const answer = await client.open(
        `/api/v1/tenants/${tenantId}/provisioning/status/stream`,
        headers,
        signal,
      );
      for await (const block of blocksOf(answer)) {
        if (first && lastId === undefined && block.startsWith(":")) yield "connected";
        const event = parseEvent(block);
        if (!event) continue;
        lastId = event.id;
        yield event;
        if (event.type === "end") return;
      }
    } catch (error) {
      // fetch tells a connection that broke, or could not be made, as a TypeError.
      if (signal.aborted) return;
      if (!(error instanceof TypeError)) throw error;
    }
    await delay(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** The stream's blocks, which end with an empty line. */
async function* blocksOf(answer: Response): AsyncGenerator<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    yield* blocks;
  }
}

/** The event of a block; comments, such as heartbeats, are none. */
export function parseEvent(block: string): TierliftEvent | undefined {
  const data = block
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).trimStart());
  return data.length === 0 ? undefined : (JSON.parse(data.join("\n")) as TierliftEvent);
}

/** Many listeners of one stream, and when each of them hears an event. */
import http from "node:http";
import pLimit from "p-limit";

export interface Listeners {
  /**
   * Calls `cause`, which makes an event whose data holds the mark, and waits until all have heard it: milliseconds from
   * the call to the first and to the last. Rejects when one has not heard it after ten seconds.
   */
  hear(mark: string, cause: () => void): Promise<{ firstMs: number; lastMs: number }>;
  close(): void;
}

const HEARD_WITHIN_MS = 10_000;
const OPENED_AT_ONCE = 50;

/** Opens them all, and resolves when each is connected. */
export async function openListeners(
  url: string,
  headers: Record<string, string>,
  count: number,
): Promise<Listeners> {
  const agent = new http.Agent({ maxSockets: Infinity });
  let onChunk: (chunk: Buffer, listener: number) => void = () => undefined;
  const limit = pLimit(OPENED_AT_ONCE);
  const opening = Array.from({ length: count }, (_, index) =>
    limit(() => openStream(url, { agent, headers }, (chunk) => onChunk(chunk, index))),
  );
  const requests = await Promise.all(opening);
  return {
    hear: (mark, cause) =>
      new Promise((resolve, reject) => {
        const silent = new Set(requests.keys());
        const late = setTimeout(
          () => reject(new Error(`${silent.size} of ${count} listeners did not hear ${mark}`)),
          HEARD_WITHIN_MS,
        );
        let firstMs: number | undefined;
        onChunk = (chunk, listener) => {
          if (!chunk.includes(mark)) return;
          const nowMs = performance.now() - startedAt;
          firstMs ??= nowMs;
          silent.delete(listener);
          if (silent.size > 0) return;
          clearTimeout(late);
          resolve({ firstMs, lastMs: nowMs });
        };
        const startedAt = performance.now();
        cause();
      }),
    close() {
      for (const request of requests) request.destroy();
      agent.destroy();
    },
  };
}

/** Resolves with the open stream's request once its first bytes are there. */
function openStream(
  url: string,
  options: http.RequestOptions,
  onChunk: (chunk: Buffer) => void,
): Promise<http.ClientRequest> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} was answered ${response.statusCode}`));
      response.once("data", () => resolve(request));
      response.on("data", onChunk);
      // Closed by us at the end.
      response.on("error", () => undefined);
    });
    request.on("error", reject);
  });
}

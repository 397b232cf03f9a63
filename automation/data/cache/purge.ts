/** `purge`: the tenant's keys leave the shared cache. */
import { ErrorReply } from "@redis/client";
import { DataError, describeFailure } from "../errors.ts";
import { secondsSince } from "../progress.ts";
import type { CacheContext } from "./connection.ts";
import { scanKeys } from "./keys.ts";
import type { CachePurgeReport } from "./report.ts";

/**
 * Repeatable: what is gone stays gone. Every key is named by itself, and its memory is given back beside the server's
 * work. Throws when a key cannot be taken out: the tenant was promised that nothing stays.
 */
export async function purgeCache(context: CacheContext): Promise<CachePurgeReport> {
  const startedMs = performance.now();
  const { source, pace } = context;
  let deleted = 0;
  for await (const keys of scanKeys(context, source)) {
    await pace.take(keys.length);
    for (const answer of await source.pipeline(keys.map((key) => ["UNLINK", key]))) {
      if (answer instanceof ErrorReply)
        throw new DataError("CACHE", describeFailure(answer), { side: "source" }, { cause: answer });
      deleted += Number(answer);
    }
  }
  return { store: "cache", verb: "purge", deleted, seconds: secondsSince(startedMs) };
}

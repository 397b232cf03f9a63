/** `inspect`: what the shared cache holds of a tenant, without changing anything. */
import { ErrorReply } from "@redis/client";
import { DataError, describeFailure } from "../errors.ts";
import { secondsSince } from "../progress.ts";
import type { CacheContext } from "./connection.ts";
import { digestValue, sha256 } from "./digest.ts";
import { planPortions, readEntries, scanKeys } from "./keys.ts";
import type { CacheInspectReport } from "./report.ts";

/** Keys that end by themselves are counted only: between two looks at the same cache some are gone. */
export async function inspectCache(context: CacheContext): Promise<CacheInspectReport> {
  const startedMs = performance.now();
  const { source, pace } = context;
  // By name, since SCAN may give a key twice.
  const staying = new Map<string, string>();
  const ending = new Set<string>();
  for await (const keys of scanKeys(context, source)) {
    const { portions, tooLarge } = await planPortions(source, keys);
    for (const portion of portions) {
      await pace.take(portion.length);
      for (const entry of await readEntries(source, portion)) {
        if (entry instanceof ErrorReply)
          throw new DataError("CACHE", describeFailure(entry), { side: "source" }, { cause: entry });
        if (entry === undefined) continue;
        const name = sha256(entry.key);
        if (entry.leftMs === undefined) staying.set(name, sha256(entry.dump));
        else ending.add(name);
      }
    }
    for (const key of tooLarge) {
      const digest = await digestValue(source, key);
      if (digest !== undefined) staying.set(sha256(key), digest);
    }
  }
  const lines = [...staying].map(([name, value]) => `${name} ${value}`).sort();
  return {
    store: "cache",
    verb: "inspect",
    keys: staying.size + ending.size,
    expiring: ending.size,
    digest: sha256(lines.join("\n")),
    seconds: secondsSince(startedMs),
  };
}

/** What each of the cache's verbs does, and which of them may fail. */
import { setTimeout as delay } from "node:timers/promises";
import type { CacheRequest } from "../request.ts";
import { withCaches } from "./connection.ts";
import type { CacheContext, ContextOptions } from "./connection.ts";
import { noTally, planCopyReport, planProblem, warm } from "./copy.ts";
import { inspectCache } from "./inspect.ts";
import { purgeCache } from "./purge.ts";
import type { CacheReport } from "./report.ts";
import type { CacheVerb } from "./request.ts";
import { compare, noFindings, planVerifyReport } from "./verify.ts";

const TRIES = 3;
const AGAIN_AFTER_MS = 1_000;

/**
 * A cache that is not reached, or lost on the way, is told in the report of a copy or a comparison, and fails neither: a
 * tenant can do without a warm cache. The other verbs throw a `DataError` that says what failed and where.
 */
export async function runCacheVerb(
  verb: CacheVerb,
  request: CacheRequest,
  options: ContextOptions,
): Promise<CacheReport> {
  const startedMs = performance.now();
  switch (verb) {
    case "copy": {
      const tally = await untilThrough(request, options, noTally, warm);
      const report = planCopyReport(tally, startedMs);
      const { copied: keys, failed, bytes, seconds, problem } = report;
      options.progress({
        event: "copy: keys copied",
        keys,
        failed,
        bytes,
        seconds,
        ...(problem && { problem }),
      });
      return report;
    }
    case "verify":
      return planVerifyReport(await untilThrough(request, options, noFindings, compare), startedMs);
    case "purge":
      return await withCaches(request, options, purgeCache);
    case "inspect":
      return await withCaches(request, options, inspectCache);
  }
}

/** Begins again when a server is lost on the way, and tells the last try's results. */
async function untilThrough<R extends { problem?: string }>(
  request: CacheRequest,
  options: ContextOptions,
  begin: () => R,
  work: (context: CacheContext, results: R) => Promise<void>,
): Promise<R> {
  for (let attempt = 1; ; attempt += 1) {
    const results = begin();
    let begun = false;
    try {
      await withCaches(request, options, (context) => {
        begun = true;
        return work(context, results);
      });
      return results;
    } catch (error) {
      results.problem = planProblem(error, options.signal);
      // Connecting has its own tries.
      if (!begun || attempt === TRIES) return results;
      await delay(AGAIN_AFTER_MS, undefined, { signal: options.signal });
    }
  }
}

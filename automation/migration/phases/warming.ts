import { z } from "zod";
import { cacheInputOf } from "../../outputs.ts";
import type { CacheWarming } from "../../ports.ts";
import type { PhaseContext } from "./phase.ts";

/** What a cutover waits for a warm cache at most, before writes are frozen. */
const WARM_WITHIN_SECONDS = 30;

const reportSchema: z.ZodType<CacheWarming> = z.object({
  complete: z.boolean(),
  copied: z.number(),
  failed: z.number(),
  seconds: z.number(),
  problem: z.string().optional(),
});

/**
 * Makes the tenant's own cache the same as the shared one once more, and answers what came of it. It fails nothing: the
 * tenant's services fill a cold cache by themselves. Undefined where the cloud has no cache.
 */
export async function warmCache(
  { ports, tenant, signal }: PhaseContext,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): Promise<CacheWarming | undefined> {
  if (ports.runCache === undefined) return undefined;
  try {
    const input = cacheInputOf(tenant, outputs, platformOutputs);
    const cache = { ...input.cache, maxSeconds: WARM_WITHIN_SECONDS };
    return reportSchema.parse(await ports.runCache("copy", { ...input, cache }, signal));
  } catch (error) {
    signal.throwIfAborted();
    const problem = error instanceof Error ? error.message : String(error);
    return { complete: false, copied: 0, failed: 0, seconds: 0, problem };
  }
}

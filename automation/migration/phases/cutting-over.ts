import { z } from "zod";
import { tierliftError } from "../../errors.ts";
import { dataInputOf, dedicatedAddressOf } from "../../outputs.ts";
import { PLATFORM_STACK } from "../../requests.ts";
import type { CacheWarming, CutoverReport, DataInput } from "../../ports.ts";
import { specFor } from "../specs.ts";
import { confirmSwitch, mark } from "./confirmation.ts";
import { detach, endReverse } from "./migrating-data.ts";
import { cutoverKey } from "./phase.ts";
import type { PhaseContext, PhaseDefinition } from "./phase.ts";
import { applySpec, movedStoresOf, outputsOf } from "./stack.ts";
import { applyTier } from "./tier.ts";
import { warmCache } from "./warming.ts";

const reportSchema: z.ZodType<CutoverReport> = z.object({
  mode: z.enum(["followed", "copied"]),
  frozenSeconds: z.number(),
  comparedInFreeze: z.number(),
  differences: z.array(z.string()),
  blobsAsOf: z.string().optional(),
});

/**
 * A warm cache, freeze, the last changes, parity, switch, confirmation, limits. Each step leaves a mark, so that after a
 * crash the phase goes on where it was: above all, nothing is copied over the new side once the name may have pointed at
 * it.
 *
 * After a switch the shared side stays frozen until it is destroyed: a client that still has the old address gets an
 * error there instead of losing what it writes. Writes are open again on the new side, which was never frozen. With a
 * grace period what is written there from the freeze on is brought back, in place of what was brought over until then.
 */
export const cuttingOver: PhaseDefinition = {
  run: async (context) => {
    const { job, tenant, settings, work } = context;
    const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
    const address = dedicatedAddressOf(context.stack, outputs);
    const spec = specFor(tenant, job, "CUTTING_OVER", settings);
    const guard = { step: "switch", keepFor: "CUTTING_OVER" } as const;
    if (work().cutover.switchingAt === undefined) {
      await untilOldAnswersExpired(context);
      const input = movedStoresOf(context, outputs, platformOutputs);
      await applySpec(context, spec, {
        ...guard,
        // The engine is ready to move the records, so that writes are not frozen while it gets there.
        beforeSwitch: async (gone) => {
          const warmed = await warmCache(context, outputs, platformOutputs);
          await bringIntoParity(context, { input, warmed }, AbortSignal.any([context.signal, gone]));
          await mark(context, "switchingAt");
        },
      });
    } else await applySpec(context, spec, guard);
    await confirmSwitch(context, address);
    await applyTier(context, job.targetTier);
    await mark(context, "switchedAt");
    if (work().cutover.reversedAt !== undefined) await detach(context);
  },
  undo: async (context) => {
    const { job, tenant, settings, work, ports, signal, ledger, remember } = context;
    const { cutover } = work();
    if (cutover.switchingAt !== undefined) {
      const spec = specFor(tenant, job, "VERIFYING_DEPLOYMENT", settings);
      await applySpec(context, spec, { step: "switch" });
    }
    if (ledger.tenant(tenant.id)?.tier === job.targetTier) await applyTier(context, job.sourceTier);
    if (cutover.frozenAt !== undefined) {
      const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
      await ports.runData("unfreeze", dataInputOf(tenant, outputs, platformOutputs), signal);
      // Prepared before the freeze, so that there may be some of it without a mark.
      if (settings.graceMs > 0 || cutover.reversedAt !== undefined) await endReverse(context);
    }
    await remember((memory) => {
      memory.cutover = {};
    });
  },
};

/** Answers with the old time to live are gone from every resolver that heeds it once that time has passed. */
async function untilOldAnswersExpired({ work, settings, ports, signal }: PhaseContext): Promise<void> {
  const { ttlLoweredAt } = work();
  if (ttlLoweredAt === undefined) return;
  const expired = Date.parse(ttlLoweredAt) + settings.recordTtlSeconds * 1000;
  await ports.clock.sleep(Math.max(0, expired - ports.clock.now().getTime()), signal);
}

async function bringIntoParity(
  context: PhaseContext,
  { input, warmed }: { input: DataInput; warmed: CacheWarming | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { ports, tenant, settings, job, artifacts } = context;
  // The mark goes first: a freeze that was cut off half way has to be taken back as a whole one.
  await mark(context, "frozenAt");
  const { freezeBudgetMs, graceMs } = settings;
  const reverse = graceMs > 0;
  const asked = { ...input, freezeBudgetMs, ...(reverse && { reverse }) };
  const report = reportSchema.parse(await ports.runData("cutover", asked, signal));
  await artifacts.put(cutoverKey(job.id), warmed === undefined ? report : { ...report, cache: warmed });
  const { differences } = report;
  if (differences.length > 0) throw tierliftError("PARITY_MISMATCH", { slug: tenant.slug, differences });
  await mark(context, "copiedAt");
  if (reverse) await mark(context, "reversedAt");
}

/**
 * The way back from a grace period: the tenant's own side is frozen, what it has is brought to the shared one, both are
 * shown to be the same, the records lead to the slice again, and its writes are open.
 */
import { z } from "zod";
import { tierliftError } from "../../errors.ts";
import { dataInputOf, sharedAddressOf } from "../../outputs.ts";
import type { DataInput } from "../../ports.ts";
import { PLATFORM_STACK } from "../../requests.ts";
import { specFor } from "../specs.ts";
import { confirmSwitch, mark } from "./confirmation.ts";
import { endReverse } from "./migrating-data.ts";
import { cutoverKey, cutoverReportOf } from "./phase.ts";
import type { PhaseContext } from "./phase.ts";
import { applySpec, movedStoresOf, outputsOf } from "./stack.ts";
import { applyTier } from "./tier.ts";

const reportSchema = z.object({
  frozenSeconds: z.number(),
  differences: z.array(z.string()),
  blobsAsOf: z.string().optional(),
});

/**
 * Repeatable after it was cut off anywhere. Until `returningAt` stands the tenant is served from its own side and can
 * stay there; from then on it only goes on to the slice, where it may have written already.
 */
export async function switchBack(context: PhaseContext): Promise<void> {
  const { job, tenant, settings, ports, work, signal } = context;
  if (work().cutover.returnedAt !== undefined) return;
  const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
  const input = await returnInputOf(context, outputs, platformOutputs);
  const spec = specFor(tenant, job, "VERIFYING_DEPLOYMENT", settings);
  const beforeSwitch = (gone: AbortSignal): Promise<void> =>
    bringBack(context, input, AbortSignal.any([signal, gone]));
  const isReturning = work().cutover.returningAt !== undefined;
  await applySpec(context, spec, { step: "switch", ...(isReturning ? {} : { beforeSwitch }) });
  await ports.runData("unfreeze", dataInputOf(tenant, outputs, platformOutputs), signal);
  await confirmSwitch(context, sharedAddressOf(platformOutputs));
  await applyTier(context, job.sourceTier);
  await bringLate(context, input);
  await endReverse(context);
  await mark(context, "returnedAt");
}

/** Where nothing was switched yet, the tenant goes on on its own side. Repeatable. */
export async function stayOnOwnSide(context: PhaseContext): Promise<void> {
  const { tenant, ports, signal } = context;
  const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
  await ports.runData("reopen", dataInputOf(tenant, outputs, platformOutputs), signal);
}

async function bringBack(context: PhaseContext, input: DataInput, signal: AbortSignal): Promise<void> {
  const { ports, tenant, job, settings, artifacts } = context;
  const { freezeBudgetMs } = settings;
  const found = await ports.runData("return", { ...input, freezeBudgetMs }, signal);
  const { differences, ...back } = reportSchema.parse(found);
  if (differences.length > 0) throw tierliftError("PARITY_MISMATCH", { slug: tenant.slug, differences });
  await artifacts.put(cutoverKey(job.id), { ...(await cutoverReportOf(context)), back });
  await mark(context, "returningAt");
}

/** Blobs and records have no freeze: what clients with an old answer wrote to the own side after it comes here. */
async function bringLate(context: PhaseContext, input: DataInput): Promise<void> {
  const { ports, work, settings, signal } = context;
  const { returningAt } = work().cutover;
  const expired = Date.parse(returningAt ?? "") + settings.cutoverTtlSeconds * 1000;
  await ports.clock.sleep(Math.max(0, expired - ports.clock.now().getTime()), signal);
  const { tenant, blobs, kafka } = input;
  const asOf = (await cutoverReportOf(context))?.back?.blobsAsOf;
  if (blobs && asOf !== undefined)
    await ports.runBlobs("late-back", { tenant, blobs: { ...blobs, asOf } }, signal);
  if (kafka) await ports.runKafka?.("reverse", { tenant, kafka }, signal);
}

/** All that the tenant has written since the freeze of the cutover, in every store that is not filled again by itself. */
export async function returnInputOf(
  context: Pick<PhaseContext, "tenant" | "job" | "ports" | "artifacts">,
  outputs: Record<string, unknown>,
  platformOutputs: Record<string, unknown>,
): Promise<DataInput> {
  const asOf = (await cutoverReportOf(context))?.blobsAsOf;
  const { blobs, ...rest } = movedStoresOf(context, outputs, platformOutputs);
  return { ...rest, blobs: { ...blobs, ...(asOf !== undefined && { asOf }) } };
}

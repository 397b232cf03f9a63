import { pathOf } from "../plan.ts";
import { specBefore } from "../specs.ts";
import { layerPhase } from "./layer.ts";
import type { PhaseDefinition } from "./phase.ts";
import { applyPhase, applySpec } from "./stack.ts";
import { applyTier } from "./tier.ts";

const services = layerPhase("DEPLOYING_SERVICES");

/** The services of a dedicated footprint; or the slice in the size of its new tier. */
export const deployingServices: PhaseDefinition = {
  run: async (context) => {
    if (pathOf(context.job) !== "resize") return services.run(context);
    await applyPhase(context, "DEPLOYING_SERVICES", "resize");
    await applyTier(context, context.job.targetTier);
  },
  undo: async (context) => {
    const { tenant, job, settings } = context;
    if (pathOf(job) !== "resize") return services.undo(context);
    await applySpec(context, specBefore(tenant, job, settings), { step: "resize" });
    await applyTier(context, job.sourceTier);
  },
};

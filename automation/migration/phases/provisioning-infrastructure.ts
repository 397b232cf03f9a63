import { pathOf } from "../plan.ts";
import { specBefore } from "../specs.ts";
import { layerPhase } from "./layer.ts";
import type { PhaseDefinition } from "./phase.ts";
import { applyPhase, applySpec } from "./stack.ts";

const firstLayer = layerPhase("PROVISIONING_INFRASTRUCTURE");

/** The first layer of a new footprint; or the whole of one that grows in place. */
export const provisioningInfrastructure: PhaseDefinition = {
  run: async (context) => {
    if (pathOf(context.job) !== "enlarge") return firstLayer.run(context);
    await applyPhase(context, "PROVISIONING_INFRASTRUCTURE", "enlarge");
  },
  undo: async (context) => {
    const { tenant, job, settings } = context;
    // What serves the tenant is made smaller again, never taken down.
    if (pathOf(job) !== "enlarge") return firstLayer.undo(context);
    await applySpec(context, specBefore(tenant, job, settings), { step: "shrink" });
  },
};

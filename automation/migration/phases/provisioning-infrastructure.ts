import { pathOf } from "../plan.ts";
import { specBefore } from "../specs.ts";
import { removeFootprint } from "./footprint.ts";
import { layerPhase } from "./layer.ts";
import type { PhaseContext, PhaseDefinition } from "./phase.ts";
import { applyPhase, applySpec } from "./stack.ts";

const firstLayer = layerPhase("PROVISIONING_INFRASTRUCTURE");

/** The first layer of a new footprint; or the whole of one that grows in place. */
export const provisioningInfrastructure: PhaseDefinition = {
  run: async (context) => {
    if (pathOf(context.job) !== "enlarge") return firstLayer.run(context);
    await applyPhase(context, "PROVISIONING_INFRASTRUCTURE", "enlarge");
  },
  // What serves the tenant is made smaller again, never taken down.
  undo: (context) => (pathOf(context.job) === "enlarge" ? shrink(context) : removeFootprint(context)),
};

/** Back to the size of the tier before; what Azure makes no smaller, the program leaves as it became. */
async function shrink(context: PhaseContext): Promise<void> {
  const { tenant, job, settings } = context;
  await applySpec(context, specBefore(tenant, job, settings), { step: "shrink" });
}

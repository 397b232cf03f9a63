import { nothingToUndo } from "./phase.ts";
import type { PhaseDefinition } from "./phase.ts";
import { applyPhase } from "./stack.ts";

/**
 * The ingress, and the `next.` records by which the tenant tries it. The time to live of the tenant's own records is
 * lowered here, long before the switch that it is lowered for.
 */
export const configuringIngress: PhaseDefinition = {
  run: async (context) => {
    const { remember, ports } = context;
    await applyPhase(context, "CONFIGURING_DNS_AND_INGRESS", "ingress");
    await remember((work) => {
      work.ttlLoweredAt ??= ports.clock.now().toISOString();
    });
  },
  // With the footprint, whose end is that of its first layer.
  undo: nothingToUndo,
};

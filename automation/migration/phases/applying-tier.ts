import type { PhaseDefinition } from "./phase.ts";
import { applyTier } from "./tier.ts";

/** The end of a growth in place: what serves the tenant stays where it is, so only its tier and limits change. */
export const applyingTier: PhaseDefinition = {
  run: (context) => applyTier(context, context.job.targetTier),
  undo: async (context) => {
    const { job, ledger, tenant } = context;
    if (ledger.tenant(tenant.id)?.tier === job.targetTier) await applyTier(context, job.sourceTier);
  },
};

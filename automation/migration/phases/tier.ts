import { bySystem } from "../../ledger.ts";
import { limitsOf } from "../../limits.ts";
import { serviceEndpointsOf } from "../../outputs.ts";
import type { Tier } from "../../../stacks/spec.ts";
import { isDedicated, pathOf } from "../plan.ts";
import type { PhaseContext } from "./phase.ts";

/** Gives the tenant a tier, its limits, and the identity and addresses of what serves it in that tier. */
export async function applyTier(context: PhaseContext, tier: Tier): Promise<void> {
  const { ledger, tenant, job, engine, stack } = context;
  const serviceEndpoints = serviceEndpointsOf(await engine.outputs(stack));
  await ledger.changeTenant(tenant.id, bySystem("apply tier", `migration ${job.id}`), (draft) => {
    draft.tier = tier;
    draft.limits = limitsOf(tier);
    draft.serviceEndpoints = serviceEndpoints;
    if (!isDedicated(tier)) draft.dedicated = null;
    else if (pathOf(job) === "dedicate" && job.credentials !== undefined) {
      draft.dedicated = { migrationId: job.id, credentials: job.credentials };
    }
  });
}

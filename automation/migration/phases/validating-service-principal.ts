import { tierliftError } from "../../errors.ts";
import { isDedicated } from "../plan.ts";
import { nothingToUndo } from "./phase.ts";
import type { PhaseDefinition } from "./phase.ts";

/** Asks Azure whether the tenant's service principal can do what the tier needs. Changes nothing. */
export const validatingServicePrincipal: PhaseDefinition = {
  run: async ({ job, tenant, ports, signal }) => {
    const credentials = job.credentials ?? tenant.dedicated?.credentials;
    if (credentials === undefined || !isDedicated(job.targetTier)) {
      throw tierliftError("INTERNAL", { problem: `migration ${job.id} has no credentials to validate` });
    }
    await ports.checkServicePrincipal(credentials, tenant.region, job.targetTier, signal);
  },
  undo: nothingToUndo,
};

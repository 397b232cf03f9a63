import { tierliftError } from "../../errors.ts";
import { bySystem } from "../../ledger.ts";
import { isDedicated } from "../plan.ts";
import { nothingToUndo } from "./phase.ts";
import type { PhaseDefinition } from "./phase.ts";

/** Asks Azure whether the tenant's service principal can do what the tier needs. Changes nothing. */
export const validatingServicePrincipal: PhaseDefinition = {
  run: async ({ job, tenant, ports, ledger, signal }) => {
    const credentials = job.credentials ?? tenant.dedicated?.credentials;
    if (credentials === undefined || !isDedicated(job.targetTier)) {
      throw tierliftError("INTERNAL", { problem: `migration ${job.id} has no credentials to validate` });
    }
    const { directoryId } = await ports.checkServicePrincipal(
      credentials,
      tenant.region,
      job.targetTier,
      signal,
    );
    await ledger.changeMigration(job.id, bySystem("identify directory"), (draft) => {
      if (draft.job.credentials) draft.job.credentials.directoryId = directoryId;
    });
  },
  undo: nothingToUndo,
};

import { tierliftError } from "../../errors.ts";
import { NEXT_RECORDS, SLICE } from "../allowed.ts";
import { specFor } from "../specs.ts";
import { detach } from "./migrating-data.ts";
import type { PhaseDefinition } from "./phase.ts";
import { applySpec, recover } from "./stack.ts";

/**
 * Ends what follows the shared stores, destroys the slice and the `next.` records, then declares what stays: the time
 * to live as it was.
 */
export const decommissioningShared: PhaseDefinition = {
  run: async (context) => {
    const { engine, stack, job, tenant, settings, work, ports, signal, operation } = context;
    const { switchedAt } = work().cutover;
    if (switchedAt === undefined) {
      throw tierliftError("INTERNAL", {
        problem: `migration ${job.id} may not destroy a slice before the switch`,
      });
    }
    // Until then resolvers may still send clients to the slice.
    const expired = Date.parse(switchedAt) + settings.cutoverTtlSeconds * 1000;
    const untilExpired = ports.clock.sleep(Math.max(0, expired - ports.clock.now().getTime()), signal);
    await Promise.all([detach(context), untilExpired]);
    await recover(context);
    await engine.destroy(stack, { components: [SLICE, NEXT_RECORDS] }, operation);
    const spec = specFor(tenant, job, "DECOMMISSIONING_SHARED", settings);
    await applySpec(context, spec, { step: "restore", keepFor: "DECOMMISSIONING_SHARED" });
  },
  undo: ({ job }) =>
    Promise.reject(tierliftError("ALREADY_SWITCHED", { from: job.status, to: "ROLLING_BACK" })),
};

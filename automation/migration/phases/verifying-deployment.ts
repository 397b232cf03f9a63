import { tierliftError } from "../../errors.ts";
import { cacheInputOf } from "../../outputs.ts";
import { PLATFORM_STACK } from "../../requests.ts";
import { specFor } from "../specs.ts";
import { nothingToUndo, reportKey } from "./phase.ts";
import type { PhaseDefinition } from "./phase.ts";
import { movedStoresOf, outputsOf } from "./stack.ts";

/** Looks at what was made from outside and keeps the report, whether it passes or not. */
export const verifyingDeployment: PhaseDefinition = {
  run: async (context) => {
    const { job, tenant, ports, settings, artifacts, signal } = context;
    const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
    const spec = specFor(tenant, job, "VERIFYING_DEPLOYMENT", settings);
    const data = movedStoresOf(context, outputs, platformOutputs);
    const cache = ports.runCache && cacheInputOf(tenant, outputs, platformOutputs);
    const report = await ports.verify({
      ...{ tenant, job, spec, outputs, platformOutputs, data, signal },
      ...(cache && { cache }),
    });
    await artifacts.put(reportKey(job.id), report);
    if (!report.passed) {
      const failed = report.checks.filter(({ passed }) => !passed);
      const checks = failed.map(
        ({ name, expected, found }) => `${name}: expected ${expected}, found ${found}`,
      );
      throw tierliftError("VERIFICATION_FAILED", { slug: tenant.slug, checks });
    }
  },
  undo: nothingToUndo,
};

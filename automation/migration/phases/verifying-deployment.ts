import { tierliftError } from "../../errors.ts";
import { blobsInputOf, cacheInputOf, dataInputOf, kafkaInputOf } from "../../outputs.ts";
import { PLATFORM_STACK } from "../../requests.ts";
import { specFor } from "../specs.ts";
import { nothingToUndo, reportKey } from "./phase.ts";
import type { PhaseDefinition } from "./phase.ts";
import { outputsOf } from "./stack.ts";

/** Looks at what was made from outside and keeps the report, whether it passes or not. */
export const verifyingDeployment: PhaseDefinition = {
  run: async (context) => {
    const { job, tenant, ports, settings, artifacts, signal } = context;
    const { outputs, platformOutputs } = await outputsOf(context, PLATFORM_STACK);
    const spec = specFor(tenant, job, "VERIFYING_DEPLOYMENT", settings);
    const credentials = job.credentials ?? tenant.dedicated?.credentials;
    const { blobs } = blobsInputOf(tenant, credentials, outputs, platformOutputs);
    const kafka = ports.runKafka && kafkaInputOf(tenant, credentials, outputs, platformOutputs).kafka;
    const data = { ...dataInputOf(tenant, outputs, platformOutputs), blobs, ...(kafka && { kafka }) };
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

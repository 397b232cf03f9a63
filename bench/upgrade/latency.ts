/** An upgrade on a cloud as slow as Azure, in part of its time, against what that cloud makes unavoidable. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import type { ExportedStack } from "../../automation/engine/state.ts";
import { createTables, writeRows } from "../../commands/demo/rows.ts";
import { createTenant } from "../../commands/demo/tenant.ts";
import { durationsFrom } from "../azure-durations.ts";
import { planCriticalPaths, type GraphResource } from "../critical-path.ts";
import type { Finding } from "../report.ts";
import { openCloudPlans } from "./cloud-plans.ts";
import { withInstallation, type Stage } from "./installation.ts";
import { latencyFinding } from "./latency-finding.ts";
import { ROWS } from "./measure.ts";
import { upgradeOverRest, type RestUpgrade } from "./rest-upgrade.ts";

const RUN = path.resolve(import.meta.dirname, "../../commands/run.mjs");
const EXPORT_WITHIN_MS = 60_000;
const LARGEST_STATE = 64 * 1024 * 1024;

/** `factor` is the part of Azure's time that changes take. */
export function measureLatency(options: {
  factor: number;
  log: (line: string) => void;
  signal: AbortSignal;
}): Promise<Finding> {
  const { factor, log, signal } = options;
  return withInstallation(options, async (stage) => {
    const endpoints = await stage.installation.endpoints();
    const plans = await openCloudPlans(endpoints, signal);
    const durationOf = durationsFrom(await plans.durations(), factor);

    log("bench: an upgrade without latency");
    await createTables(endpoints.postgres[0]!, endpoints.ca);
    const quick = await upgrade(stage, "quick");
    log(`bench: an upgrade with ${factor} of Azure's time`);
    await plans.slowDown(factor);
    const slow = await upgrade(stage, "slow");
    await plans.remove();
    const paths = planCriticalPaths(await resourcesOf(stage, "slow"), slow.job.phases, durationOf);
    return latencyFinding({ factor, quick, slow, paths });
  });
}

async function upgrade(stage: Stage, slug: string): Promise<RestUpgrade> {
  const { installation, admin, log, signal } = stage;
  const { ca, credentials, postgres } = await installation.endpoints();
  const tenant = await createTenant({ print: log, signal }, admin, slug, slug);
  await writeRows(postgres[0]!, ca, tenant.id, ROWS);
  return upgradeOverRest({ admin, tenant, credentials, print: log, signal });
}

/** What the stack holds at the end. */
async function resourcesOf({ env, signal }: Stage, stack: string): Promise<GraphResource[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [RUN, "pulumi", "stack", "export", "-s", stack],
    { env, signal, timeout: EXPORT_WITHIN_MS, maxBuffer: LARGEST_STATE },
  );
  return (JSON.parse(stdout) as ExportedStack).deployment.resources ?? [];
}

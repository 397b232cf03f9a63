/** One upgrade over REST, timed from outside and, by its phases, from inside. */
import type { JobStatus, Tenant, TierliftEvent, TierMigrationJob } from "../../automation/model.ts";
import { CommandError } from "../../commands/command-line.ts";
import type { Client } from "../../cli/client.ts";
import { createTeller } from "../../cli/describe.ts";
import { createWatch, type Watch } from "../../cli/watch.ts";
import type { Endpoints } from "../../commands/endpoints.ts";

export interface RestUpgrade {
  /** From the request for the upgrade to the event of its completion. */
  totalMs: number;
  /** From the submission of the credentials to the answer that holds the change set. */
  previewMs: number;
  /** Seconds of each phase, by the job's own record. */
  phases: Record<string, number>;
  /** The job at its end. */
  job: TierMigrationJob;
}

const COMPLETE_WITHIN_MS = 60_000;

export async function upgradeOverRest(options: {
  admin: Client;
  tenant: Tenant;
  credentials: Endpoints["credentials"];
  print: (line: string) => void;
  signal: AbortSignal;
}): Promise<RestUpgrade> {
  const { admin, tenant, credentials, print, signal } = options;
  const startedAt = performance.now();
  let submittedAt = startedAt;
  let previewMs = NaN;
  const wish = { targetTier: "PROFESSIONAL" };
  const { body: job } = await admin.post<TierMigrationJob>(
    `/api/v1/migrations/tenants/${tenant.id}/upgrade-tier`,
    wish,
  );
  const jobPath = `/api/v1/migrations/${job.id}`;
  const lineOf = createTeller();
  const onEvent = async (event: TierliftEvent) => {
    const line = lineOf(event);
    if (line !== undefined) print(line);
    const { phase, state } = event.data;
    if (event.type !== "phase" || phase !== "PREVIEWING_CHANGES" || state !== "done") return;
    await admin.get(`${jobPath}/preview`);
    previewMs = performance.now() - submittedAt;
  };
  const watch = createWatch(admin, job, { onEvent, signal });
  try {
    await watch.connected();
    await admin.post(`${jobPath}/validate-payment`);
    submittedAt = performance.now();
    await admin.post(`${jobPath}/submit-credentials`, credentials);
    await arrival(watch, "VERIFICATION");
    const completing = admin.post(`${jobPath}/complete-verification`, undefined, COMPLETE_WITHIN_MS);
    await Promise.all([completing, arrival(watch, "COMPLETED")]);
  } finally {
    watch.stop();
  }
  const totalMs = performance.now() - startedAt;
  const ended = await admin.get<TierMigrationJob>(jobPath);
  return { totalMs, previewMs, phases: phaseSeconds(ended), job: ended };
}

async function arrival(watch: Watch, wanted: JobStatus): Promise<void> {
  const { status } = await watch.until((present) => present === wanted);
  if (status !== wanted) throw new CommandError(`the migration is ${status} instead of ${wanted}`);
}

/** Pure. */
export function phaseSeconds({ phases }: Pick<TierMigrationJob, "phases">): Record<string, number> {
  return Object.fromEntries(
    phases.map(({ phase, startedAt, finishedAt = startedAt }) => [
      phase,
      (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000,
    ]),
  );
}

/** One migration from request to completion, through the endpoints of the specification. */
import type { ChangeSet } from "../../automation/engine/engine.ts";
import type { JobStatus, Tenant, TierMigrationJob } from "../../automation/model.ts";
import type { VerificationReport } from "../../automation/ports.ts";
import { CommandError } from "../command-line.ts";
import type { Client } from "./client.ts";
import { describeChanges, describeReport } from "./describe.ts";
import { askDns, type Stage } from "./stage.ts";
import { createWatch } from "./watch.ts";

type Job = TierMigrationJob & { verification?: VerificationReport };

/** The API waits 25 s for the switch. */
const COMPLETE_WITHIN_MS = 60_000;

/** Upgrades a tenant to PROFESSIONAL; its own administrator asks, a platform administrator confirms the payment. */
export async function upgrade(stage: Stage, admin: Client, tenant: Tenant): Promise<void> {
  const { print } = stage;
  const owner = await stage.clientOf({
    subject: tenant.adminEmail,
    roles: ["TENANT_ADMIN"],
    tenantId: tenant.id,
  });
  const wish = { targetTier: "PROFESSIONAL" };
  const { body: job } = await owner.post<Job>(`/api/v1/migrations/tenants/${tenant.id}/upgrade-tier`, wish);
  const path = `/api/v1/migrations/${job.id}`;
  await admin.post(`${path}/validate-payment`);

  const showPreview = async () => {
    for (const line of describeChanges(await owner.get<ChangeSet>(`${path}/preview`))) print(`  ${line}`);
  };
  const watch = createWatch(owner, tenant.id, { ...stage, onPreviewed: showPreview });
  try {
    await watch.connected();
    await owner.post(`${path}/submit-credentials`, (await stage.endpoints()).credentials);
    const reached = await until(watch, owner, path, ["AWAITING_APPROVAL", "VERIFICATION"]);
    if (reached === "AWAITING_APPROVAL") {
      await admin.post(`${path}/approve`);
      await until(watch, owner, path, ["VERIFICATION"]);
    }

    const { verification } = await owner.get<Job>(path);
    for (const line of verification ? describeReport(verification) : ["no report"]) print(`  ${line}`);
    const next = `next.${tenant.slug}.${stage.zone}`;
    print(`  ${next} → ${await askDns(stage, next)}, where the tenant tries it`);

    const completing = owner.post<Job>(`${path}/complete-verification`, undefined, COMPLETE_WITHIN_MS);
    await Promise.all([completing, until(watch, owner, path, ["COMPLETED"])]);
  } finally {
    watch.stop();
  }
  const { status } = await owner.get<Job>(path);
  if (status !== "COMPLETED") throw new CommandError(`the migration is ${status}`);
}

/** Where a migration stops that goes wrong. */
const ENDS_OTHERWISE: JobStatus[] = ["FAILED", "CANCELLED", "ROLLED_BACK"];

async function until(
  watch: ReturnType<typeof createWatch>,
  owner: Client,
  path: string,
  wanted: JobStatus[],
) {
  const status = await watch.until([...wanted, ...ENDS_OTHERWISE]);
  if (wanted.includes(status)) return status;
  const { error, reason } = await owner.get<Job>(path);
  throw new CommandError(
    `the migration is ${status}${error?.phase ? ` at ${error.phase}` : ""}: ${error?.message ?? reason ?? ""}`,
  );
}

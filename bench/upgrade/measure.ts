/** An upgrade of a real installation against the engine alone, on the same local cloud and in the same run. */
import { randomUUID } from "node:crypto";
import type { Tenant, TenantRecord, TierMigrationJob } from "../../automation/model.ts";
import { specFor } from "../../automation/migration/specs.ts";
import { createTables, writeRows } from "../../commands/demo/rows.ts";
import { createTenant } from "../../commands/demo/tenant.ts";
import type { Settings } from "../../commands/settings.ts";
import { createSupervisor } from "../../commands/supervise.ts";
import type { Parts } from "../../setup/parts.ts";
import type { TenantSpec } from "../../stacks/spec.ts";
import type { Finding } from "../report.ts";
import { memoryFinding, previewFinding, upgradeFinding } from "./findings.ts";
import { withInstallation, type Stage } from "./installation.ts";
import { watchMemory } from "./memory.ts";
import { startRawEngine, type RawEngine } from "./raw-engine.ts";
import { upgradeOverRest } from "./rest-upgrade.ts";

const PREVIEWS = 3;
/** Main objects of each service in the tenants' rows, as in the demo. */
export const ROWS = 40;

/** The whole upgrade, its preview, and its memory. */
export function measureUpgrade(options: {
  parts: Parts;
  log: (line: string) => void;
  signal: AbortSignal;
}): Promise<Finding[]> {
  const { parts, signal } = options;
  return withInstallation(options, async (stage) => {
    const { home, env } = stage;
    const supervisor = createSupervisor();
    try {
      const engine = await startRawEngine(supervisor, { home, parts, env }, signal);
      return await measureOn({ ...stage, engine });
    } finally {
      await supervisor.stop();
    }
  });
}

async function measureOn(stage: Stage & { engine: RawEngine }): Promise<Finding[]> {
  const { installation, admin, engine, log, signal } = stage;
  const { ca, credentials, postgres } = await installation.endpoints();
  const shared = postgres[0]!;
  const tenant = await createTenant({ print: log, signal }, admin, "bench", "Bench");
  const alone: Tenant = { ...tenant, id: randomUUID(), slug: "bench-alone" };
  await createTables(shared, ca);
  for (const { id } of [tenant, alone]) await writeRows(shared, ca, id, ROWS);

  const previews = [];
  for (let run = 1; run <= PREVIEWS; run += 1) {
    const spec = specOf(stage.settings, tenant, "PREVIEWING_CHANGES", credentials);
    const preview = await engine({ kind: "preview", spec, credentials });
    log(`bench: the engine's own preview ${run}: ${(preview.milliseconds / 1000).toFixed(1)} s`);
    previews.push(preview);
  }
  const spec = specOf(stage.settings, alone, "DECOMMISSIONING_SHARED", credentials);
  const up = await engine({ kind: "up", spec, credentials });
  log(`bench: the engine's own up: ${(up.milliseconds / 1000).toFixed(1)} s, ${up.resources} resources`);

  const memory = watchMemory(installation.pid);
  const idleMb = memory.sample()?.totalMb ?? NaN;
  const rest = await upgradeOverRest({ admin, tenant, credentials, print: log, signal }).finally(() =>
    memory.stop(),
  );
  return [upgradeFinding(rest, up), previewFinding(rest, previews), memoryFinding(memory.stop(), idleMb)];
}

/** The footprint that a migration of the tenant has in a phase. */
function specOf(
  settings: Settings,
  tenant: Tenant,
  phase: "PREVIEWING_CHANGES" | "DECOMMISSIONING_SHARED",
  credentials: NonNullable<TierMigrationJob["credentials"]>,
): TenantSpec {
  const record: TenantRecord = { ...tenant, lease: null, leaseEpoch: 0, dedicated: null, outbox: [] };
  const job: TierMigrationJob = {
    id: "bench",
    tenantId: tenant.id,
    sourceTier: "STARTER",
    targetTier: "PROFESSIONAL",
    status: "PROVISIONING",
    provisioningState: phase,
    initiatedBy: "bench",
    initiatedAt: tenant.createdAt,
    updatedAt: tenant.createdAt,
    credentials,
    phases: [],
  };
  return specFor(record, job, phase, settings);
}

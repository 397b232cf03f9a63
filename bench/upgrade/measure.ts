/** An upgrade of a real installation against the engine alone, on the same local cloud and in the same run. */
import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Tenant, TenantRecord, TierMigrationJob } from "../../automation/model.ts";
import { specFor } from "../../automation/migration/specs.ts";
import { createClient, type Client } from "../../cli/client.ts";
import { createTables, writeRows } from "../../commands/demo/rows.ts";
import { removeServers } from "../../commands/demo/home.ts";
import { startBeside, type RunningInstallation } from "../../commands/demo/running.ts";
import { createTenant } from "../../commands/demo/tenant.ts";
import { ensureHome, ensureJwtSecret, type Home } from "../../commands/home.ts";
import { mintToken } from "../../commands/mint-token.ts";
import { parseSettings, type Settings } from "../../commands/settings.ts";
import { createSupervisor } from "../../commands/supervise.ts";
import type { Parts } from "../../setup/parts.ts";
import type { TenantSpec } from "../../stacks/spec.ts";
import type { Finding } from "../report.ts";
import { memoryFinding, previewFinding, upgradeFinding } from "./findings.ts";
import { watchMemory } from "./memory.ts";
import { startRawEngine, type RawEngine } from "./raw-engine.ts";
import { upgradeOverRest } from "./rest-upgrade.ts";

const PREVIEWS = 3;
/** Main objects of each service in the tenants' rows, as in the demo. */
const ROWS = 40;

/** Whatever the environment says otherwise: the bench has an installation and tokens of its own. */
const OWN = {
  TIERLIFT_TARGET: "local",
  PORT: "0",
  JWT_SECRET: "",
  JWKS_URL: "",
  JWT_ISSUER: "",
  JWT_AUDIENCE: "",
  REVIEW_REQUIRED: "false",
};

interface Stage {
  settings: Settings;
  home: Home;
  installation: RunningInstallation;
  admin: Client;
  engine: RawEngine;
  log: (line: string) => void;
  signal: AbortSignal;
}

/** The whole upgrade, its preview, and its memory. */
export async function measureUpgrade(options: {
  parts: Parts;
  log: (line: string) => void;
  signal: AbortSignal;
}): Promise<Finding[]> {
  const { parts, log, signal } = options;
  const root = await makeRoot();
  const env = { ...process.env, ...OWN, TIERLIFT_HOME: path.join(root, "home") };
  const settings = parseSettings(env, path.resolve(import.meta.dirname, "../.."));
  const home = await ensureHome(settings.home);
  const supervisor = createSupervisor();
  try {
    const installation = await startBeside(home, { env, log, signal });
    try {
      const engine = await startRawEngine(supervisor, { home, parts, env }, signal);
      const admin = await adminOf(home, installation, signal);
      return await measureOn({ settings, home, installation, admin, engine, log, signal });
    } finally {
      await supervisor.stop();
      await installation.stop();
    }
  } finally {
    await removeServers(home.root);
    await rm(root, { recursive: true, force: true });
  }
}

async function measureOn(stage: Stage): Promise<Finding[]> {
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

async function adminOf(home: Home, installation: RunningInstallation, signal: AbortSignal): Promise<Client> {
  const token = await mintToken({
    secret: await ensureJwtSecret(home),
    subject: "bench",
    roles: ["PLATFORM_ADMIN"],
    lifetimeMs: 8 * 3_600_000,
  });
  const { api } = await installation.endpoints();
  return createClient({ api, token, signal });
}

/** A folder that PostgreSQL's own account can pass, as it cannot a temporary one of root's. */
async function makeRoot(): Promise<string> {
  const root = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-"));
  await chmod(root, 0o711);
  return root;
}

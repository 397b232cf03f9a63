import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ArmResource, BackendGroup } from "../../local/arm/backend.ts";
import { createBlobBackends } from "../../local/blobs/accounts.ts";
import { createKafkaBackends } from "../../local/kafka/namespaces.ts";
import { createClusterBackends } from "../../local/kubernetes/clusters.ts";
import { ensureAuthority } from "../../local/pki/authority.ts";
import { createPostgresBackends } from "../../local/postgres/servers.ts";
import { resource, viewOf } from "../support/arm-resources.ts";
import { blobServerProgram, controlPlaneParts, kafkaPart, postgresPrograms } from "../support/local-parts.ts";

const parts = controlPlaneParts();
const binDir = postgresPrograms();
const azurite = blobServerProgram();
const kafka = kafkaPart();
/** A control plane starts twice: on a busy machine that takes its time. */
const patienceMs = 120_000;
const onChange = () => undefined;
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tierlift-left-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

/** Runs a local cloud with the resource behind it, and kills it without a chance to end its servers. */
async function killCloud(of: ArmResource, more: Record<string, unknown>): Promise<number[]> {
  const program = path.resolve(import.meta.dirname, "../support/left-behind.ts");
  const request = JSON.stringify({ dir, resource: of, ...more });
  const cloud = spawn(process.execPath, ["--import", "tsx", program, request], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    cloud.stdout.on("data", (chunk: Buffer) => chunk.toString().includes("ready") && resolve());
    cloud.once("exit", (code) => reject(new Error(`The cloud exited with ${code} before it was killed.`)));
  });
  const ended = new Promise((resolve) => cloud.once("exit", resolve));
  cloud.kill("SIGKILL");
  await ended;
  return serverPids();
}

async function serverPids(): Promise<number[]> {
  const files = (await readdir(dir, { recursive: true })).filter(
    (file) => file.endsWith(".pid") && !file.includes("postmaster"),
  );
  const texts = await Promise.all(files.map((file) => readFile(path.join(dir, file), "utf8")));
  return texts.map((text) => (JSON.parse(text) as { pid: number }).pid);
}

/** A process that has ended and that its new parent has not taken note of yet (state Z) does not live. */
function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

async function startAndRemove(group: BackendGroup, of: ArmResource, left: number[]): Promise<void> {
  const view = viewOf([of]);
  try {
    await group.backends[0]!.ensure(of, view);
    expect(left.filter(isAlive)).toEqual([]);
    const now = await serverPids();
    expect(now).toHaveLength(left.length);
    expect(now.every(isAlive)).toBe(true);
  } finally {
    await group.backends[0]!.remove(of, view);
    await group.stop();
  }
}

it.skipIf(!parts)(
  "ends a cluster's servers that a killed local cloud left, and starts them anew",
  async () => {
    const id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/acme";
    const acme = resource(id, { properties: { agentPoolProfiles: [] } });
    const left = await killCloud(acme, { parts });
    expect(left.filter(isAlive)).toHaveLength(5);
    await startAndRemove(createClusterBackends({ dir, ...parts!, onChange }), acme, left);
  },
  patienceMs,
);

it.skipIf(!binDir)(
  "ends a PostgreSQL server that a killed local cloud left, and starts it anew",
  async () => {
    const id =
      "/subscriptions/s/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/acme-pg";
    const acme = resource(id, {
      properties: { administratorLogin: "acmeadmin", administratorLoginPassword: "secret" },
    });
    const left = await killCloud(acme, { binDir });
    expect(left.filter(isAlive)).toHaveLength(1);
    const authority = await ensureAuthority(path.join(dir, "pki"));
    await startAndRemove(createPostgresBackends({ dir, binDir: binDir!, authority, onChange }), acme, left);
  },
  patienceMs,
);

it.skipIf(!azurite)(
  "ends a blob server that a killed local cloud left, and starts it anew",
  async () => {
    const id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acmest";
    const acme = resource(id, { properties: { allowSharedKeyAccess: false } });
    const left = await killCloud(acme, { azurite });
    expect(left.filter(isAlive)).toHaveLength(1);
    const authority = await ensureAuthority(path.join(dir, "pki"));
    await startAndRemove(createBlobBackends({ dir, main: azurite!, authority, onChange }), acme, left);
  },
  30_000,
);

it.skipIf(!kafka)(
  "ends a Kafka broker that a killed local cloud left, and starts it anew",
  async () => {
    const id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.EventHub/namespaces/acme-events";
    const acme = resource(id, { properties: {}, private: { tenantId: "t" } });
    const keysFile = path.join(dir, "keys.json");
    await writeFile(keysFile, JSON.stringify({ keys: [] }));
    const left = await killCloud(acme, { kafka, keysFile });
    expect(left.filter(isAlive)).toHaveLength(1);
    const authority = await ensureAuthority(path.join(dir, "pki"));
    await startAndRemove(
      createKafkaBackends({ dir, part: kafka!, authority, keysFile, onChange }),
      acme,
      left,
    );
  },
  patienceMs,
);

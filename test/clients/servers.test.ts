import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig, VersionApi } from "@kubernetes/client-node";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClusterBackends } from "../../local/kubernetes/clusters.ts";
import type { ClusterBackends } from "../../local/kubernetes/clusters.ts";
import { createPostgresBackends } from "../../local/postgres/servers.ts";
import type { PostgresBackends } from "../../local/postgres/servers.ts";
import { ensureAuthority } from "../../local/pki/authority.ts";
import type { ArmUnderTest } from "../local/arm/support/arm.ts";
import { openArm } from "../local/arm/support/arm.ts";
import { controlPlaneParts, postgresPrograms } from "../support/local-parts.ts";
import type { Clients } from "./support/clients.ts";
import { createClients } from "./support/clients.ts";
import { openGroup } from "./support/group.ts";

const location = "westeurope";
const log = () => undefined;
const parts = controlPlaneParts();
const postgresBin = postgresPrograms();

describe.runIf(parts)("a cluster made by Microsoft's client", () => {
  let folder: string;
  let backends: ClusterBackends;
  let arm: ArmUnderTest;
  let clients: Clients;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tierlift-clients-"));
    const { hyper, kwok } = parts ?? { hyper: "", kwok: "" };
    backends = createClusterBackends({ dir: folder, hyper, kwok, onChange: log, log });
    arm = await openArm({ backends: backends.backends });
    clients = createClients(arm);
  });
  afterAll(async () => {
    await arm.close();
    await backends.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("answers with the credentials that the client is given", async () => {
    const group = await openGroup(clients);
    const { managedClusters } = clients.containers;
    const made = await managedClusters.beginCreateOrUpdateAndWait(group, "k8s", {
      location,
      identity: { type: "SystemAssigned" },
      dnsPrefix: "k8s",
      agentPoolProfiles: [{ name: "system", mode: "System", count: 1, vmSize: "Standard_D2ds_v5" }],
    });
    expect(made.provisioningState).toBe("Succeeded");
    const { kubeconfigs } = await managedClusters.listClusterUserCredentials(group, "k8s");
    const config = new KubeConfig();
    config.loadFromString(Buffer.from(kubeconfigs?.[0]?.value ?? []).toString("utf8"));
    const { gitVersion } = await config.makeApiClient(VersionApi).getCode();
    expect(gitVersion).toMatch(/^v1\./);
    await managedClusters.beginDeleteAndWait(group, "k8s");
    await expect(config.makeApiClient(VersionApi).getCode()).rejects.toThrow();
  }, 300_000);
});

describe.runIf(postgresBin)("a flexible server made by Microsoft's client", () => {
  let folder: string;
  let backends: PostgresBackends;
  let arm: ArmUnderTest;
  let clients: Clients;
  let certificate: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tierlift-clients-"));
    const authority = await ensureAuthority(join(folder, "pki"));
    certificate = readFileSync(authority.certificateFile, "utf8");
    backends = createPostgresBackends({
      dir: join(folder, "postgres"),
      binDir: postgresBin ?? "",
      authority,
      onChange: log,
      log,
    });
    arm = await openArm({ backends: backends.backends });
    clients = createClients(arm);
  });
  afterAll(async () => {
    await arm.close();
    await backends.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("takes its administrator in its databases at the address that ARM tells", async () => {
    const group = await openGroup(clients);
    const { servers, databases } = clients.postgres;
    const password = "Secret-0123456789";
    const made = await servers.beginCreateOrUpdateAndWait(group, "pg-real", {
      location,
      sku: { name: "Standard_D2ds_v5", tier: "GeneralPurpose" },
      administratorLogin: "boss",
      administratorLoginPassword: password,
      version: "16",
    });
    await databases.beginCreateAndWait(group, "pg-real", "query", {});
    const [host = "", port] = (made.fullyQualifiedDomainName ?? "").split(":");
    const sql = new Client({
      host,
      port: Number(port),
      user: "boss",
      password,
      database: "query",
      ssl: { ca: certificate },
    });
    await sql.connect();
    const { rows } = await sql.query<{ name: string }>("select current_database() as name");
    await sql.end();
    expect(rows).toEqual([{ name: "query" }]);
    await servers.beginDeleteAndWait(group, "pg-real");
  }, 300_000);
});

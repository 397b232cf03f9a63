import * as dns from "@pulumi/azure-native/dns/index.js";
import * as keyvault from "@pulumi/azure-native/keyvault/index.js";
import * as managedidentity from "@pulumi/azure-native/managedidentity/index.js";
import * as network from "@pulumi/azure-native/network/index.js";
import * as azure from "@pulumi/azure-native/provider.js";
import * as resources from "@pulumi/azure-native/resources/index.js";
import * as storage from "@pulumi/azure-native/storage/index.js";
import * as authorization from "@pulumi/azure-native/authorization/index.js";
import * as dbforpostgresql from "@pulumi/azure-native/dbforpostgresql/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engineRoot } from "../../../support/parts.ts";
import type { FakeArm } from "./fake-arm.ts";
import { startFakeArm, SUBSCRIPTION } from "./fake-arm.ts";

const root = await engineRoot();
const plugin = fileURLToPath(new URL("../../../../local/providers/azure-native", import.meta.url));

interface Variant {
  tag: string;
  prefix: string;
  sku: string;
  tier: string;
}

/** Ten resource types of one small tenant, with the ways in which they refer to each other. */
const program = (arm: FakeArm, variant: Variant) => (): Promise<Record<string, unknown>> => {
  const provider = new azure.Provider("tenant", {
    clientId: "client",
    clientSecret: "client-secret-value",
    tenantId: "tenant",
    subscriptionId: SUBSCRIPTION,
    metadataHost: arm.host,
  });
  const opts = { provider };
  const group = new resources.ResourceGroup(
    "rg",
    { resourceGroupName: "rg-acme", location: "westeurope", tags: { tag: variant.tag } },
    opts,
  );
  const resourceGroupName = group.name;
  const network1 = new network.VirtualNetwork(
    "vnet",
    { resourceGroupName, virtualNetworkName: "vnet", addressSpace: { addressPrefixes: ["10.0.0.0/16"] } },
    opts,
  );
  const nsg = new network.NetworkSecurityGroup("nsg", { resourceGroupName }, opts);
  new network.Subnet(
    "nodes",
    {
      resourceGroupName,
      virtualNetworkName: network1.name,
      addressPrefix: variant.prefix,
      networkSecurityGroup: { id: nsg.id },
    },
    opts,
  );
  new network.PublicIPAddress(
    "ip",
    {
      resourceGroupName,
      publicIpAddressName: "ip",
      publicIPAllocationMethod: "Static",
      sku: { name: variant.sku },
    },
    opts,
  );
  const identity = new managedidentity.UserAssignedIdentity("id", { resourceGroupName }, opts);
  new authorization.RoleAssignment(
    "role",
    {
      scope: group.id,
      principalId: identity.principalId.apply((id) => id || "none"),
      principalType: "ServicePrincipal",
      roleDefinitionId: "/providers/Microsoft.Authorization/roleDefinitions/x",
    },
    opts,
  );
  const zone = new dns.Zone(
    "zone",
    { resourceGroupName, zoneName: "acme.example.com", location: "global" },
    opts,
  );
  new dns.RecordSet(
    "any",
    {
      resourceGroupName,
      zoneName: zone.name,
      relativeRecordSetName: "*",
      recordType: "A",
      ttl: 60,
      aRecords: [{ ipv4Address: "127.0.0.1" }],
    },
    opts,
  );
  const vault = new keyvault.Vault(
    "vault",
    {
      resourceGroupName,
      vaultName: "vault",
      properties: { tenantId: SUBSCRIPTION, sku: { family: "A", name: "standard" } },
    },
    opts,
  );
  new keyvault.Secret(
    "password",
    {
      resourceGroupName,
      vaultName: vault.name,
      secretName: "password",
      properties: { value: pulumi.secret("hidden-password") },
    },
    opts,
  );
  const account = new storage.StorageAccount(
    "account",
    { resourceGroupName, kind: "StorageV2", sku: { name: "Standard_LRS" } },
    opts,
  );
  new storage.BlobContainer(
    "data",
    {
      resourceGroupName,
      accountName: account.name,
      metadata: { tier: variant.tier, key: pulumi.secret("hidden-password") },
    },
    opts,
  );
  new dbforpostgresql.Server(
    "pg",
    {
      resourceGroupName,
      serverName: "pg-acme",
      administratorLogin: "admin1",
      administratorLoginPassword: pulumi.secret("hidden-password"),
    },
    opts,
  );
  return Promise.resolve({ groupId: group.id, account: account.name });
};

const first: Variant = { tag: "one", prefix: "10.0.1.0/24", sku: "Basic", tier: "small" };

describe.skipIf(!root)("the plugin under the engine", () => {
  let arm: FakeArm;
  let folder: string;
  let stack: Stack;
  const events: EngineEvent[] = [];
  const onEvent = (event: EngineEvent) => void events.push(event);

  beforeAll(async () => {
    arm = await startFakeArm();
    folder = await mkdtemp(join(tmpdir(), "azure-native-"));
    arm.longRunning = ({ path }) => {
      if (/\/virtualNetworks\//.test(path)) return "operation";
      if (/\/flexibleServers\//.test(path)) return "location";
      return /\/vaults\/vault$/.test(path) ? "body" : undefined;
    };
    arm.answer = ({ method, path }) => {
      if (/^\/vaults\/vault\/secrets\//.test(path)) return { status: 200, body: {} };
      if (/^\/vaults\/vault\/deletedsecrets\//.test(path)) return { status: 404 };
      if (method === "GET" && /\/vaults\/vault$/.test(path)) {
        const stored = arm.resources.get(path.toLowerCase());
        if (!stored) return undefined;
        const properties = { ...(stored["properties"] as object), vaultUri: `${arm.origin}/vaults/vault/` };
        return { status: 200, body: { ...stored, properties } };
      }
      return undefined;
    };
    // The engine knows `plugins`, the SDK's type does not.
    const projectSettings = {
      name: "tierlift",
      runtime: "nodejs" as const,
      backend: { url: `file://${folder}` },
      plugins: { providers: [{ name: "azure-native", path: plugin }] },
    };
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "acme", projectName: "tierlift", program: program(arm, first) },
      {
        pulumiCommand: await PulumiCommand.get({ root: root ?? "" }),
        workDir: folder,
        projectSettings,
        envVars: {
          PULUMI_CONFIG_PASSPHRASE: "test",
          PULUMI_HOME: join(folder, "home"),
          NODE_EXTRA_CA_CERTS: arm.caFile,
          PULUMI_SKIP_UPDATE_CHECK: "true",
        },
      },
    );
  });

  afterAll(async () => {
    await arm?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const change = (variant: Partial<Variant>) => {
    stack.workspace.program = program(arm, { ...first, ...variant });
  };
  const ops = () =>
    Object.fromEntries(
      events
        .flatMap((e) => (e.resourcePreEvent ? [e.resourcePreEvent.metadata] : []))
        .filter((m) => m.op !== "same" && m.type.startsWith("azure-native"))
        .map((m) => [`${m.urn.split("::").at(-1)} ${m.op}`, Object.keys(m.detailedDiff ?? {}).sort()]),
    );

  it("previews without a write", async () => {
    const { changeSummary } = await stack.preview({ onEvent });
    expect(changeSummary["create"]).toBe(16);
    expect(arm.requests.filter((r) => r.method !== "GET")).toEqual([]);
  });

  it("creates", async () => {
    const up = await stack.up({ onEvent });
    expect(up.summary.resourceChanges).toEqual({ create: 16 });
    expect(up.outputs["groupId"]?.value).toBe(`/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-acme`);
    expect(up.outputs["account"]?.value).toMatch(/^account[0-9a-f]{8}$/);
    const created = arm.requests.filter((r) => r.method === "PUT" && /\/virtualNetworks\/vnet$/.test(r.path));
    expect(created).toMatchObject([
      {
        query: { "api-version": "2024-05-01" },
        body: {
          location: "westeurope",
          properties: { addressSpace: { addressPrefixes: ["10.0.0.0/16"] }, subnets: [] },
        },
      },
    ]);
  });

  it("keeps secrets out of the state file, also those that ARM answers", async () => {
    const state = await readFile(join(folder, ".pulumi", "stacks", "tierlift", "acme.json"), "utf8");
    expect(state).toContain("administratorLogin");
    expect(state).not.toContain("hidden-password");
    expect(state).not.toContain("client-secret-value");
  });

  it("finds nothing to do the second time", async () => {
    arm.requests.length = 0;
    const up = await stack.up({ onEvent });
    expect(up.summary.resourceChanges).toEqual({ same: 16 });
    expect(arm.requests).toEqual([]);
  });

  it("updates in place, with the paths that change, and keeps what others made below", async () => {
    change({ tag: "two", prefix: "10.0.2.0/24", tier: "large" });
    events.length = 0;
    arm.requests.length = 0;
    const up = await stack.up({ onEvent });
    expect(ops()).toEqual({
      "rg update": ["tags.tag"],
      "nodes update": ["addressPrefix"],
      "data update": ["metadata.tier"],
    });
    expect(up.summary.resourceChanges).toEqual({ same: 13, update: 3 });
  });

  it("replaces where azure-native does, deleting first what has a name of its own", async () => {
    change({ tag: "two", prefix: "10.0.2.0/24", tier: "large", sku: "Standard" });
    events.length = 0;
    await stack.up({ onEvent });
    expect(Object.keys(ops())).toEqual(["ip delete-replaced", "ip replace", "ip create-replacement"]);
  });

  it("sees in a refresh what changed in Azure, and what is gone", async () => {
    const path = `/subscriptions/${SUBSCRIPTION}/resourcegroups/rg-acme`;
    const group = arm.resources.get(path);
    arm.resources.set(path, { ...group, tags: { tag: "by hand" } });
    arm.resources.delete(`${path}/providers/microsoft.network/dnszones/acme.example.com/a/*`);
    events.length = 0;
    const refreshed = await stack.refresh({ onEvent });
    expect(refreshed.summary.resourceChanges).toEqual({ same: 14, update: 1, delete: 1 });
    change({ tag: "two", prefix: "10.0.2.0/24", tier: "large", sku: "Standard" });
    events.length = 0;
    await stack.up({ onEvent });
    expect(ops()).toEqual({ "rg update": ["tags.tag"], "any create": [] });
  });

  it("destroys everything", async () => {
    await stack.destroy({ onEvent });
    expect([...arm.resources.keys()].filter((id) => !id.includes("/secrets/"))).toEqual([]);
    expect(arm.calls()).toContain("DELETE /vaults/vault/secrets/password");
  });
});

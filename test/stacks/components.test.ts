import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, it, vi } from "vitest";
import { NextRecords } from "../../stacks/dns/next-records.ts";
import { TenantZone } from "../../stacks/dns/tenant-zone.ts";
import { readRequest, readSecretKeys } from "../../stacks/configuration.ts";
import { LAYERS } from "../../stacks/spec.ts";
import { declare, declareStack, dedicatedPart, TENANT, tenantSpec } from "./program-mocks.ts";
import type { Declared } from "./program-mocks.ts";

const infrastructure = tenantSpec({ dedicated: dedicatedPart({ layers: LAYERS.slice(0, 1) }) });
const inputsOf = (declared: Declared[], type: string, name: string) => {
  const found = declared.filter(
    (resource) => resource.type === `azure-native:${type}` && resource.name === name,
  );
  expect(found, `${type} ${name}`).toHaveLength(1);
  return found[0]!.inputs;
};

vi.setConfig({ testTimeout: 120_000 });

afterEach(() => pulumi.runtime.disconnect());

describe("TenantZone", () => {
  it("is delegated from the parent zone and holds the four records", async () => {
    const { declared } = await declare(() => {
      new TenantZone("acme", {
        tenant: TENANT,
        zoneName: pulumi.output("acme.matih.example"),
        parentZoneName: pulumi.output("matih.example"),
        resourceGroupName: pulumi.output("rg"),
        target: pulumi.output("20.0.0.1"),
        ttlSeconds: 300,
      });
    });
    const sets = declared.filter(({ type }) => type === "azure-native:dns:RecordSet");
    expect(sets.find(({ name }) => name === "acme-delegation")?.inputs).toEqual({
      resourceGroupName: "rg",
      zoneName: "matih.example",
      recordType: "NS",
      relativeRecordSetName: "acme",
      ttl: 3600,
      nsRecords: [{ nsdname: "ns1.example." }, { nsdname: "ns2.example." }],
    });
    expect(sets.filter(({ name }) => name !== "acme-delegation").map(({ inputs }) => inputs)).toEqual(
      ["@", "*", "api", "bi"].map((relativeRecordSetName) => ({
        resourceGroupName: "rg",
        zoneName: "acme.matih.example",
        recordType: "A",
        relativeRecordSetName,
        ttl: 300,
        aRecords: [{ ipv4Address: "20.0.0.1" }],
      })),
    );
    expect(inputsOf(declared, "dns:Zone", "acme")).toMatchObject({
      location: "global",
      zoneName: "acme.matih.example",
    });
  });
});

describe("NextRecords", () => {
  it("are two, at the dedicated address", async () => {
    const { declared } = await declare(() => {
      new NextRecords("acme", {
        zoneName: pulumi.output("acme.matih.example"),
        resourceGroupName: pulumi.output("rg"),
        target: pulumi.output("20.0.0.2"),
        ttlSeconds: 60,
      });
    });
    expect(declared.filter(({ type }) => type.endsWith(":RecordSet")).map(({ name }) => name)).toEqual([
      "acme-next",
      "acme-wildcard-next",
    ]);
  });
});

describe("the dedicated cluster", () => {
  it("follows the baseline: no local accounts, Azure's roles, identities, overlay network, upgrade window", async () => {
    const { declared } = await declareStack({ spec: infrastructure });
    expect(inputsOf(declared, "containerservice:ManagedCluster", "acme")).toMatchObject({
      sku: { name: "Base", tier: "Standard" },
      disableLocalAccounts: true,
      aadProfile: { managed: true, enableAzureRBAC: true },
      oidcIssuerProfile: { enabled: true },
      securityProfile: { workloadIdentity: { enabled: true } },
      identity: { type: "UserAssigned" },
      networkProfile: {
        networkPlugin: "azure",
        networkPluginMode: "overlay",
        networkPolicy: "cilium",
        networkDataplane: "cilium",
        outboundType: "userAssignedNATGateway",
      },
      autoUpgradeProfile: { upgradeChannel: "patch", nodeOSUpgradeChannel: "NodeImage" },
      addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true } },
      agentPoolProfiles: [
        {
          mode: "System",
          nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"],
          availabilityZones: ["1", "2", "3"],
          count: 3,
        },
      ],
    });
    expect(inputsOf(declared, "containerservice:AgentPool", "acme-ud4dsv5")).toMatchObject({
      mode: "User",
      availabilityZones: ["1", "2", "3"],
      minCount: 3,
      maxCount: 6,
    });
  });

  it("gives every role to a service principal by its id", async () => {
    const { declared } = await declareStack({ spec: infrastructure });
    const assignments = declared.filter(({ type }) => type.endsWith(":RoleAssignment"));
    expect(assignments.map(({ name }) => name).sort()).toEqual([
      "acme-cluster-addresses",
      "acme-cluster-kubelet",
      "acme-cluster-subnet",
      "acme-program",
      "acme-program-blobs",
      "acme-program-events",
      "acme-workload-blobs",
      "acme-workload-events",
      "acme-workload-secrets",
    ]);
    for (const { inputs } of assignments) expect(inputs["principalType"]).toBe("ServicePrincipal");
  });

  it("federates the service accounts that use Kafka", async () => {
    const { declared } = await declareStack({ spec: infrastructure });
    const subjects = declared
      .filter(({ type }) => type.endsWith(":FederatedIdentityCredential"))
      .map(({ inputs }) => inputs["subject"]);
    expect(subjects).toEqual([
      "system:serviceaccount:matih:pipeline-service",
      "system:serviceaccount:matih:data-plane-agent",
      "system:serviceaccount:matih:ops-agent-service",
    ]);
  });
});

describe("the dedicated stores", () => {
  it("are reached inside the network only", async () => {
    const { declared } = await declareStack({ spec: infrastructure });
    expect(inputsOf(declared, "storage:StorageAccount", "acme")).toMatchObject({
      publicNetworkAccess: "Disabled",
      allowBlobPublicAccess: false,
      allowSharedKeyAccess: false,
      networkRuleSet: { defaultAction: "Deny" },
    });
    expect(inputsOf(declared, "keyvault:Vault", "acme")["properties"]).toMatchObject({
      publicNetworkAccess: "Disabled",
      enableRbacAuthorization: true,
      enablePurgeProtection: true,
    });
    expect(inputsOf(declared, "eventhub:Namespace", "acme")).toMatchObject({
      publicNetworkAccess: "Disabled",
    });
    expect(inputsOf(declared, "redisenterprise:RedisEnterprise", "acme")).toMatchObject({
      publicNetworkAccess: "Disabled",
    });
    expect(inputsOf(declared, "dbforpostgresql:Server", "acme")["network"]).toMatchObject({
      publicNetworkAccess: "Disabled",
    });
    const endpoints = declared.filter(({ type }) => type === "azure-native:network:PrivateEndpoint");
    expect(endpoints.map(({ inputs }) => inputs["privateEndpointName"]).sort()).toEqual([
      "pe-blob",
      "pe-cache",
      "pe-events",
      "pe-vault",
    ]);
  });

  it("have private zones without a region", async () => {
    const { declared } = await declareStack({ spec: infrastructure });
    const zones = declared.filter(({ type }) => type.startsWith("azure-native:privatedns:"));
    expect(zones).toHaveLength(10);
    for (const { inputs } of zones) expect(inputs["location"]).toBe("global");
  });

  it("keep topics for 30 days", async () => {
    const { declared } = await declareStack({ spec: infrastructure });
    expect(inputsOf(declared, "eventhub:EventHub", "acme-ai.agent.events")).toMatchObject({
      partitionCount: 6,
      retentionDescription: { cleanupPolicy: "Delete", retentionTimeInHours: 720 },
    });
  });
});

describe("the command line's configuration", () => {
  const values = {
    "tierlift:spec": JSON.stringify({ kind: "platform", zoneName: "matih.example", region: "westeurope" }),
    "tierlift:settings": JSON.stringify({
      platform: { subscriptionId: "s", azureTenantId: "t" },
      images: { registry: "r", tag: "t" },
      dataCommand: ["node"],
    }),
    "tierlift:passwordSeed": "seed",
  };
  const read = (changes: Record<string, string>, secretKeys: string[]) => {
    pulumi.runtime.setAllConfig({ ...values, ...changes }, secretKeys);
    return readRequest(new pulumi.Config("tierlift"), new Set(secretKeys));
  };

  it("is read as a request", async () => {
    const request = await read({}, ["tierlift:passwordSeed"]);
    expect(request).toMatchObject({
      spec: { kind: "platform" },
      secrets: { passwordSeed: "seed" },
      settings: {
        platformStack: "organization/tierlift/platform",
        platform: { useDefaultCredential: false },
      },
    });
  });

  it("is refused when a secret is stored in plain text", async () => {
    await expect(read({}, [])).rejects.toThrow(/tierlift:passwordSeed is in plain text/);
  });

  it("is refused with the key when a value does not fit", async () => {
    await expect(read({ "tierlift:spec": '{"kind":"tenant"}' }, ["tierlift:passwordSeed"])).rejects.toThrow(
      /tierlift:spec/,
    );
  });

  it("knows its secret keys from the language host", () => {
    expect(readSecretKeys({ PULUMI_CONFIG_SECRET_KEYS: '["tierlift:clientSecret"]' })).toEqual(
      new Set(["tierlift:clientSecret"]),
    );
    expect(readSecretKeys({})).toEqual(new Set());
  });
});

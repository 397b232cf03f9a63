import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import {
  checkInputs,
  checkBody,
  checkName,
  definitionOf,
  definitionOfToken,
  parseResourceId,
  resourceId,
  toArmBody,
  toInputs,
  toOutputs,
  tokens,
} from "../../../local/arm/definitions/index.ts";
import type { Definition } from "../../../local/arm/definitions/index.ts";
import { fixtures, hasSource, sourceFolder } from "./fixtures.ts";

const folder = fileURLToPath(new URL("../../../local/arm/definitions/", import.meta.url));
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const isSecret = (value: unknown) => typeof value === "object" && value !== null && SIGNATURE in value;

function of(token: string): Definition {
  const definition = definitionOfToken(`azure-native:${token}`);
  if (!definition) throw new Error(`no definition of ${token}`);
  return definition;
}

describe("the definitions", () => {
  it("are there for 48 tokens, each by token and by ARM type", () => {
    expect(tokens()).toHaveLength(48);
    for (const token of tokens()) {
      const definition = definitionOfToken(token);
      expect(definition, token).toBeDefined();
      const armType = Object.values(definition?.armTypes ?? {})[0] ?? definition?.armType ?? "";
      expect(definitionOf(armType.toUpperCase(), definition?.apiVersion)?.armType).toBe(armType);
    }
  });

  it("know a token with the version in hand and no other", () => {
    expect(definitionOfToken("azure-native:network/v20240501:Subnet")).toBe(of("network:Subnet"));
    expect(definitionOfToken("azure-native:network/v20200501:Subnet")).toBeUndefined();
    expect(definitionOf("Microsoft.Network/virtualNetworks", "2020-05-01")).toBeUndefined();
    expect(definitionOfToken("azure-native:compute:VirtualMachine")).toBeUndefined();
  });

  it.skipIf(!hasSource)(`are what the generator makes (needs ${sourceFolder})`, async () => {
    const { generate } = (await import(pathToFileURL(join(folder, "generate.mjs")).href)) as {
      generate: (source: string) => Record<string, string>;
    };
    for (const [name, content] of Object.entries(generate(sourceFolder)))
      expect(readFileSync(join(folder, "types", name), "utf8") === content, name).toBe(true);
  });
});

describe.skipIf(!hasSource)(`samples and examples (needs ${sourceFolder})`, () => {
  const all = hasSource ? fixtures() : [];

  it("cover all tokens but those that the source does not have", () => {
    const covered = [...all.map((f) => f.type), "azure-native:applicationinsights:Component"];
    expect(new Set(covered)).toEqual(new Set(tokens()));
  });

  it.each(all)("has no finding in the inputs and the body of $urn", ({ type, inputs }) => {
    const definition = definitionOfToken(type);
    if (!definition) throw new Error(`no definition of ${type}`);
    expect(checkInputs(definition, inputs, { isOpaque: isSecret })).toEqual([]);
    const { parameters, body } = toArmBody(definition, inputs);
    const recordType = definition.armTypes && String(inputs["recordType"]);
    const concrete = definitionOf(definition.armType.replace("{recordType}", recordType ?? ""));
    if (!concrete) throw new Error(`no definition of ${definition.armType}`);
    // The provider fills the location in.
    const isMissing = (path: string, kind: string) => path === "location" && kind === "required";
    const findings = checkBody(concrete, body, { isOpaque: isSecret });
    expect(findings.filter(({ path, kind }) => !isMissing(path, kind))).toEqual([]);
    const answered = { ...body, ...(recordType !== undefined && { type: concrete.armType }) };
    const rebuilt = { ...toInputs(definition, answered), ...parameters };
    expect(toArmBody(definition, rebuilt)).toEqual({ parameters, body: withoutEnvelope(definition, body) });
    for (const [name, value] of Object.entries(rebuilt)) expect(value, name).toEqual(inputs[name]);
  });
});

function withoutEnvelope(definition: Definition, body: Record<string, unknown>): Record<string, unknown> {
  const node = definition.types[definition.body];
  const envelope = node?.kind === "object" ? (node.envelope ?? []) : [];
  return Object.fromEntries(Object.entries(body).filter(([name]) => !envelope.includes(name)));
}

describe("bodies", () => {
  const cluster = {
    resourceGroupName: "rg",
    resourceName: "aks",
    location: "westeurope",
    identity: { type: "UserAssigned", userAssignedIdentities: ["/subscriptions/s/id1"] },
    agentPoolProfiles: [{ name: "sys", count: 1, vmSize: "Standard_B2s", mode: "System" }],
    autoScalerProfile: { scanInterval: "20s" },
    dnsPrefix: "acme",
    sku: { name: "Base", tier: "Free" },
  };

  it("hold flattened, renamed and keyed inputs as ARM has them", () => {
    expect(toArmBody(of("containerservice:ManagedCluster"), cluster)).toEqual({
      parameters: { resourceGroupName: "rg", resourceName: "aks" },
      body: {
        location: "westeurope",
        identity: { type: "UserAssigned", userAssignedIdentities: { "/subscriptions/s/id1": {} } },
        sku: { name: "Base", tier: "Free" },
        properties: {
          agentPoolProfiles: [{ name: "sys", count: 1, vmSize: "Standard_B2s", mode: "System" }],
          autoScalerProfile: { "scan-interval": "20s" },
          dnsPrefix: "acme",
        },
      },
    });
  });

  it("come back as outputs, with identities as a map and without what cannot be read", () => {
    const outputs = toOutputs(of("containerservice:ManagedCluster"), {
      id: "/x",
      name: "aks",
      type: "Microsoft.ContainerService/ManagedClusters",
      identity: { userAssignedIdentities: { "/id1": { clientId: "c", principalId: "p" } } },
      properties: { fqdn: "aks.example", autoScalerProfile: { "scan-interval": "20s" }, other: 1 },
    });
    expect(outputs).toEqual({
      name: "aks",
      type: "Microsoft.ContainerService/ManagedClusters",
      azureApiVersion: "2025-09-01",
      identity: { userAssignedIdentities: { "/id1": { clientId: "c", principalId: "p" } } },
      fqdn: "aks.example",
      autoScalerProfile: { scanInterval: "20s" },
    });
    const server = toOutputs(of("dbforpostgresql:Server"), {
      properties: { administratorLogin: "a", administratorLoginPassword: "no", createMode: "Default" },
    });
    expect(server).toEqual({ administratorLogin: "a", azureApiVersion: "2025-08-01" });
  });

  it("hold an empty container where ARM wants one", () => {
    expect(toArmBody(of("dbforpostgresql:FirewallRule"), {}).body).toEqual({ properties: {} });
    expect(toArmBody(of("managedidentity:UserAssignedIdentity"), {}).body).toEqual({});
  });
});

describe("the check of a body", () => {
  const kinds = (token: string, body: unknown) =>
    checkBody(of(token), body).map(({ kind, path }) => `${kind} ${path}`);

  it.each<[string, unknown, string[]]>([
    ["storage:StorageAccount", { kind: "StorageV2", sku: { name: "Standard_LRS" } }, ["required location"]],
    ["resources:ResourceGroup", { location: 1 }, ["type location"]],
    ["resources:ResourceGroup", { location: "a", propertis: {} }, ["unknown propertis"]],
    [
      "network:VirtualNetwork",
      { location: "a", properties: { provisioningState: "Succeeded" } },
      ["read-only properties.provisioningState"],
    ],
    [
      "network:VirtualNetwork",
      { properties: { subnets: [{ name: "a", properties: { addresPrefix: "x" } }] } },
      ["unknown properties.subnets[0].properties.addresPrefix"],
    ],
    [
      "containerservice:AgentPool",
      { properties: { count: 1.5, maxPods: 1, osDiskSizeGB: 4096 } },
      ["type properties.count", "range properties.osDiskSizeGB"],
    ],
    [
      "containerservice:ManagedCluster",
      { location: "a", properties: { agentPoolProfiles: [{ name: "Bad_Name" }] } },
      ["pattern properties.agentPoolProfiles[0].name"],
    ],
    [
      "keyvault:Vault",
      { location: "a", properties: { tenantId: "t", sku: { family: "A", name: "huge" } } },
      ["enum properties.sku.name"],
    ],
    ["dashboard:Grafana", { location: "a" }, []],
  ])("of %s %j finds %j", (token, body, expected) => {
    expect(kinds(token, body).filter((k) => expected.includes(k))).toEqual(expected);
    if (expected.length === 0) expect(kinds(token, body)).toEqual([]);
  });

  it("takes what the client was answered in id, name and type, and misses nothing in a PATCH", () => {
    const envelope = { id: "/x", name: "abc", type: "Microsoft.Storage/storageAccounts" };
    expect(checkBody(of("storage:StorageAccount"), envelope, { isUpdate: true })).toEqual([]);
  });

  it("leaves open enums open unless told otherwise", () => {
    const body = { location: "a", sku: { name: "Standard_New" }, kind: "StorageV2" };
    expect(checkBody(of("storage:StorageAccount"), body)).toEqual([]);
    expect(checkBody(of("storage:StorageAccount"), body, { strictEnums: true })).toMatchObject([
      { kind: "enum", path: "sku.name" },
    ]);
  });

  it("knows names by pattern and length", () => {
    expect(checkName(of("containerservice:ManagedCluster"), "-x")).toMatchObject([{ kind: "pattern" }]);
    expect(checkName(of("storage:StorageAccount"), "ab")).toMatchObject([{ kind: "length" }]);
    expect(checkName(of("storage:StorageAccount"), "abc")).toEqual([]);
  });
});

describe("ids", () => {
  const cases: [string, Record<string, string>, string][] = [
    ["resources:ResourceGroup", { resourceGroupName: "rg" }, "/subscriptions/s/resourceGroups/rg"],
    [
      "storage:BlobContainer",
      { resourceGroupName: "rg", accountName: "acc", containerName: "c" },
      "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/acc/blobServices/default/containers/c",
    ],
    [
      "dns:RecordSet",
      { resourceGroupName: "rg", zoneName: "a.b", recordType: "A", relativeRecordSetName: "*" },
      "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/dnsZones/a.b/A/*",
    ],
    [
      "authorization:RoleAssignment",
      { scope: "subscriptions/s/resourceGroups/rg", roleAssignmentName: "n" },
      "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Authorization/roleAssignments/n",
    ],
    [
      "authorization:ManagementLockAtResourceGroupLevel",
      { resourceGroupName: "rg", lockName: "l" },
      "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Authorization/locks/l",
    ],
    [
      "eventhub:ConsumerGroup",
      { resourceGroupName: "rg", namespaceName: "n", eventHubName: "h", consumerGroupName: "g" },
      "/subscriptions/s/resourceGroups/rg/providers/Microsoft.EventHub/namespaces/n/eventhubs/h/consumergroups/g",
    ],
  ];

  it.each(cases)("of %s are made of the path parameters and give them back", (token, parameters, id) => {
    expect(resourceId(of(token), parameters, "s")).toBe(id);
    expect(parseResourceId(of(token), id)).toEqual(parameters);
    expect(parseResourceId(of(token), `${id}/more`)).toBeUndefined();
  });

  it("are parsed without regard to case", () => {
    expect(
      parseResourceId(
        of("containerservice:ManagedCluster"),
        "/subscriptions/s/resourcegroups/Rg/providers/Microsoft.ContainerService/ManagedClusters/aks",
      ),
    ).toEqual({ resourceGroupName: "Rg", resourceName: "aks" });
  });

  it("cannot be made without a parent", () => {
    expect(() => resourceId(of("network:Subnet"), { subnetName: "a", resourceGroupName: "rg" }, "s")).toThrow(
      /virtualNetworkName is missing/,
    );
  });
});

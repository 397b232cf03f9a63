import { describe, expect, it } from "vitest";
import { definitionOfToken } from "../../../../local/arm/definitions/index.ts";
import { isOwn } from "../../../../local/providers/azure-native/adopt.ts";
import { previewOutputs } from "../../../../local/providers/azure-native/preview.ts";
import {
  refreshInputs,
  withoutForeignSubResources,
} from "../../../../local/providers/azure-native/refresh.ts";
import { Secret, Unknown } from "../../../../local/providers/protocol/values.ts";

function definition(type: string) {
  const found = definitionOfToken(`azure-native:${type}`);
  if (!found) throw new Error(`no definition of ${type}`);
  return found;
}

describe("a preview's outputs", () => {
  it("are the inputs, and unknown for the rest, at every depth", () => {
    const outputs = previewOutputs(definition("containerservice:ManagedCluster"), {
      resourceGroupName: "rg",
      resourceName: "aks",
      location: "westeurope",
      identity: { type: "UserAssigned", userAssignedIdentities: ["/id"] },
      agentPoolProfiles: [{ name: "sys" }],
    });
    expect(outputs).toMatchObject({ location: "westeurope", azureApiVersion: "2025-09-01" });
    expect(outputs["fqdn"]).toBeInstanceOf(Unknown);
    expect(outputs["name"]).toBeInstanceOf(Unknown);
    expect(outputs).not.toHaveProperty("resourceGroupName");
    expect(outputs["identity"]).toMatchObject({
      type: "UserAssigned",
      principalId: expect.any(Unknown) as Unknown,
      userAssignedIdentities: expect.any(Unknown) as Unknown,
    });
    expect(outputs["agentPoolProfiles"]).toMatchObject([
      { name: "sys", provisioningState: expect.any(Unknown) as Unknown },
    ]);
  });

  it("leave out what ARM never returns, and keep secrets and what an update does not change", () => {
    const outputs = previewOutputs(
      definition("dbforpostgresql:Server"),
      { administratorLogin: new Secret("admin"), administratorLoginPassword: new Secret("p") },
      { name: "pg", location: "westeurope" },
    );
    expect(outputs).not.toHaveProperty("administratorLoginPassword");
    expect(outputs["administratorLogin"]).toEqual(new Secret("admin"));
    expect(outputs).toMatchObject({ name: "pg", location: "westeurope" });
  });
});

describe("a refresh", () => {
  const vnet = definition("network:VirtualNetwork");

  it("takes over what changed, not what Azure filled in", () => {
    const inputs = { resourceGroupName: "rg", tags: { a: "1" }, addressSpace: { addressPrefixes: ["x"] } };
    const before = { ...inputs, enableDdosProtection: false, flowTimeoutInMinutes: 4, etag: "1" };
    const after = {
      tags: { a: "2", b: "3" },
      addressSpace: { addressPrefixes: ["x", "y"] },
      enableDdosProtection: false,
      flowTimeoutInMinutes: 10,
      etag: "2",
    };
    expect(refreshInputs(vnet, inputs, before, after)).toEqual({
      resourceGroupName: "rg",
      tags: { a: "2", b: "3" },
      addressSpace: { addressPrefixes: ["x", "y"] },
      flowTimeoutInMinutes: 10,
    });
  });

  it("takes away what is gone and leaves write-only inputs alone", () => {
    const server = definition("dbforpostgresql:Server");
    const inputs = { administratorLoginPassword: "p", tags: { a: "1" }, version: "17" };
    expect(refreshInputs(server, inputs, { tags: { a: "1" }, version: "17" }, { version: "17" })).toEqual({
      administratorLoginPassword: "p",
      version: "17",
    });
  });

  it("keeps sub-resources out that the program does not list", () => {
    const outputs = { subnets: [{ name: "a" }], name: "vnet" };
    const token = "azure-native:network:VirtualNetwork";
    expect(withoutForeignSubResources(token, outputs, {})).toEqual({ subnets: [], name: "vnet" });
    expect(withoutForeignSubResources(token, outputs, { subnets: [] })).toEqual(outputs);
    const vault = { properties: { accessPolicies: [{ objectId: "o" }] } };
    expect(withoutForeignSubResources("azure-native:keyvault:Vault", vault, { properties: {} })).toEqual({
      properties: { accessPolicies: [] },
    });
  });

  it("reads identities as a list of ids", () => {
    const cluster = definition("containerservice:ManagedCluster");
    const identity = (id: string) => ({ identity: { userAssignedIdentities: { [id]: { clientId: "c" } } } });
    const inputs = { identity: { userAssignedIdentities: ["/a"] } };
    expect(refreshInputs(cluster, inputs, identity("/a"), identity("/a"))).toEqual(inputs);
    expect(refreshInputs(cluster, inputs, identity("/a"), identity("/b"))).toEqual({
      identity: { userAssignedIdentities: ["/b"] },
    });
  });
});

describe("a resource found at create", () => {
  const account = definition("storage:StorageAccount");
  const me = { clientId: "me", objectId: "me-object" };
  const wanted = {
    location: "West Europe",
    tags: { tenant: "acme" },
    sku: { name: "Standard_LRS" },
    kind: "StorageV2",
    properties: { networkAcls: { ipRules: [] }, allowBlobPublicAccess: false },
  };
  const found = {
    ...wanted,
    location: "westeurope",
    sku: { name: "Standard_LRS", tier: "Standard" },
    properties: { allowBlobPublicAccess: false, networkAcls: { bypass: "None" }, creationTime: "now" },
  };

  it.each<[string, boolean, Record<string, unknown>]>([
    ["is one's own when it holds all that would be written", true, found],
    ["is another's with another value", false, { ...found, sku: { name: "Premium_LRS" } }],
    ["is another's with a tag more", false, { ...found, tags: { tenant: "acme", owner: "else" } }],
    ["is another's with a tag less", false, { ...found, tags: {} }],
    ["is another's without a value", false, { ...found, properties: {} }],
    ["is one's own when ARM says so", true, { ...found, systemData: { createdBy: "me-object" } }],
    ["is another's when ARM says so", false, { ...found, systemData: { createdBy: "someone" } }],
  ])("%s", (_, expected, resource) => {
    expect(isOwn(account, wanted, resource, me)).toBe(expected);
  });

  it("is not told apart by what ARM never returns", () => {
    const server = definition("dbforpostgresql:Server");
    const body = { location: "a", properties: { administratorLogin: "x", administratorLoginPassword: "p" } };
    expect(isOwn(server, body, { location: "a", properties: { administratorLogin: "x" } }, me)).toBe(true);
    expect(isOwn(server, body, { location: "a", properties: { administratorLogin: "y" } }, me)).toBe(false);
  });
});

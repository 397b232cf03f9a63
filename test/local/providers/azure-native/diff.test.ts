import { describe, expect, it } from "vitest";
import { definitionOfToken } from "../../../../local/arm/definitions/index.ts";
import type { Difference } from "../../../../local/providers/azure-native/diff.ts";
import { diffInputs, diffResource } from "../../../../local/providers/azure-native/diff.ts";
import type { PlainMap } from "../../../../local/providers/protocol/values.ts";
import { Secret, Unknown } from "../../../../local/providers/protocol/values.ts";

function diff(type: string, oldInputs: PlainMap, news: PlainMap, olds: PlainMap = {}) {
  const token = `azure-native:${type}`;
  const definition = definitionOfToken(token);
  if (!definition) throw new Error(`no definition of ${token}`);
  const values: Difference = { olds, oldInputs, news };
  return diffInputs(definition, token, values);
}

const kinds = (...of: Parameters<typeof diff>) =>
  Object.fromEntries(Object.entries(diff(...of).detailedDiff ?? {}).map(([path, { kind }]) => [path, kind]));

describe("a difference", () => {
  it.each<[string, string, PlainMap, PlainMap, Record<string, string>]>([
    ["nothing", "network:Subnet", { addressPrefix: "a" }, { addressPrefix: "a" }, {}],
    [
      "a value in place",
      "network:Subnet",
      { addressPrefix: "a" },
      { addressPrefix: "b" },
      { addressPrefix: "update" },
    ],
    [
      "keys added and taken away",
      "resources:ResourceGroup",
      { tags: { a: "1", "b.c": "2" } },
      { tags: { a: "1", d: "3" } },
      { 'tags["b.c"]': "delete", "tags.d": "add" },
    ],
    [
      "elements by position",
      "network:VirtualNetwork",
      { addressSpace: { addressPrefixes: ["a", "b"] } },
      { addressSpace: { addressPrefixes: ["c"] } },
      { "addressSpace.addressPrefixes[0]": "update", "addressSpace.addressPrefixes[1]": "delete" },
    ],
    [
      "an unknown value",
      "network:Subnet",
      { natGateway: { id: "a" } },
      { natGateway: { id: new Unknown() } },
      { "natGateway.id": "update" },
    ],
    ["names with __ not", "network:Subnet", { __a: 1 }, { __a: 2 }, {}],
    ["null as absent", "network:Subnet", { addressPrefix: null }, {}, {}],
    [
      "a path parameter as a replacement",
      "network:Subnet",
      { virtualNetworkName: "a" },
      { virtualNetworkName: "b" },
      { virtualNetworkName: "update-replace" },
    ],
    [
      "the case of a group not",
      "network:Subnet",
      { resourceGroupName: "RG" },
      { resourceGroupName: "rg" },
      {},
    ],
    [
      "the writing of a location not",
      "network:VirtualNetwork",
      { location: "West Europe" },
      { location: "westeurope" },
      {},
    ],
    [
      "another location",
      "network:VirtualNetwork",
      { location: "westeurope" },
      { location: "eastus" },
      { location: "update-replace" },
    ],
    [
      "a location that ARM will refuse as an update",
      "network:NatGateway",
      { location: "westeurope" },
      { location: "eastus" },
      { location: "update" },
    ],
    [
      "AKS's old names of SKUs not",
      "containerservice:ManagedCluster",
      { sku: { name: "Basic", tier: "Paid" } },
      { sku: { name: "Base", tier: "Standard" } },
      {},
    ],
    [
      "AKS's tier",
      "containerservice:ManagedCluster",
      { sku: { name: "Base", tier: "Free" } },
      { sku: { name: "Base", tier: "Standard" } },
      { "sku.tier": "update" },
    ],
    [
      "some of AKS's network profile as a replacement",
      "containerservice:ManagedCluster",
      { networkProfile: { podCidr: "a", loadBalancerProfile: { idleTimeoutInMinutes: 4 } } },
      { networkProfile: { podCidr: "b", loadBalancerProfile: { idleTimeoutInMinutes: 5 } } },
      {
        "networkProfile.podCidr": "update-replace",
        "networkProfile.loadBalancerProfile.idleTimeoutInMinutes": "update",
      },
    ],
    [
      "an inline pool's size as an update",
      "containerservice:ManagedCluster",
      { agentPoolProfiles: [{ name: "a", vmSize: "x" }] },
      { agentPoolProfiles: [{ name: "a", vmSize: "y" }] },
      { "agentPoolProfiles[0].vmSize": "update" },
    ],
    [
      "a pool's size as a replacement, its counts as updates",
      "containerservice:AgentPool",
      { vmSize: "x", count: 1, minCount: 1, availabilityZones: ["1"] },
      { vmSize: "y", count: 2, minCount: 2, availabilityZones: ["2"] },
      {
        vmSize: "update-replace",
        count: "update",
        minCount: "update",
        "availabilityZones[0]": "update",
      },
    ],
    [
      "everything below an address's SKU",
      "network:PublicIPAddress",
      { sku: { name: "Basic" } },
      { sku: { name: "Standard", tier: "Regional" } },
      { "sku.name": "update-replace", "sku.tier": "add" },
    ],
    [
      "an endpoint's subnet",
      "network:PrivateEndpoint",
      { subnet: { id: "a" } },
      { subnet: { id: "b" } },
      { "subnet.id": "update-replace" },
    ],
    [
      "a server's zone and login, not its size and storage",
      "dbforpostgresql:Server",
      { availabilityZone: "", administratorLogin: "a", sku: { name: "x" }, storage: { storageSizeGB: 32 } },
      { availabilityZone: "1", administratorLogin: "b", sku: { name: "y" }, storage: { storageSizeGB: 64 } },
      {
        availabilityZone: "update-replace",
        administratorLogin: "update-replace",
        "sku.name": "update",
        "storage.storageSizeGB": "update",
      },
    ],
    [
      "an assignment's principal, not its role",
      "authorization:RoleAssignment",
      { principalId: "a", roleDefinitionId: "a", scope: "s" },
      { principalId: "b", roleDefinitionId: "b", scope: "t" },
      { principalId: "update-replace", roleDefinitionId: "update", scope: "update-replace" },
    ],
    [
      "a record's addresses in place, its type not",
      "dns:RecordSet",
      { aRecords: [{ ipv4Address: "1.1.1.1" }], ttl: 60, recordType: "A" },
      { aRecords: [{ ipv4Address: "2.2.2.2" }], ttl: 30, recordType: "AAAA" },
      { "aRecords[0].ipv4Address": "update", ttl: "update", recordType: "update-replace" },
    ],
    [
      "sources of a collection rule by their names",
      "monitor:DataCollectionRule",
      { dataSources: { syslog: [{ name: "a", streams: ["x"] }, { name: "b" }] } },
      { dataSources: { syslog: [{ name: "b" }, { name: "a", streams: ["y"] }, { name: "c" }] } },
      { "dataSources.syslog[1].streams[0]": "update", "dataSources.syslog[2]": "add" },
    ],
  ])("shows %s (%s)", (_, type, olds, news, expected) => {
    expect(kinds(type, olds, news)).toEqual(expected);
  });

  it("does not count a default that is added", () => {
    const result = diff("dns:Zone", {}, { zoneType: "Public" });
    expect(result.changes).toBe("none");
    expect(kinds("dns:Zone", {}, { zoneType: "Private" })).toEqual({ zoneType: "add" });
  });

  it("adds what was not given and is as it was, without a replacement", () => {
    const of = (location: string) =>
      kinds("network:VirtualNetwork", {}, { location }, { location: "westeurope" });
    expect(of("westeurope")).toEqual({ location: "add" });
    expect(of("eastus")).toEqual({ location: "add-replace" });
  });

  it("takes the API version of a state whose inputs have none", () => {
    const news = { azureApiVersion: "2024-05-01" };
    expect(diff("network:Subnet", {}, news, { azureApiVersion: "2024-05-01" }).changes).toBe("none");
    expect(kinds("network:Subnet", { azureApiVersion: "2023-01-01" }, news)).toEqual({
      azureApiVersion: "update",
    });
    // A state of the official plugin, whose Check adds it.
    expect(diff("network:Subnet", news, {}).changes).toBe("none");
  });

  it("deletes first unless the name was made up", () => {
    const [old, now] = [{ vmSize: "x" }, { vmSize: "y" }];
    const type = "containerservice:AgentPool";
    expect(diff(type, old, now).deleteBeforeReplace).toBe(true);
    expect(diff(type, { ...old, __createBeforeDelete: true }, now).deleteBeforeReplace).toBe(false);
    expect(diff(type, old, now)).toMatchObject({ replaces: ["vmSize"], diffs: ["vmSize"], changes: "some" });
  });

  it("looks into secrets", () => {
    const definition = definitionOfToken("azure-native:dbforpostgresql:Server");
    if (!definition) throw new Error("no definition");
    const request = (password: string) => ({
      urn: "",
      name: "pg",
      type: "azure-native:dbforpostgresql:Server",
      id: "",
      olds: {},
      oldInputs: { administratorLoginPassword: new Secret("a") },
      news: { administratorLoginPassword: new Secret(password) },
      ignoreChanges: [],
    });
    expect(diffResource(definition, request("a")).changes).toBe("none");
    expect(Object.keys(diffResource(definition, request("b")).detailedDiff ?? {})).toEqual([
      "administratorLoginPassword",
    ]);
  });
});

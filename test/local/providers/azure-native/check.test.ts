import { describe, expect, it } from "vitest";
import { definitionOfToken } from "../../../../local/arm/definitions/index.ts";
import { checkResource } from "../../../../local/providers/azure-native/check.ts";
import { makeName } from "../../../../local/providers/azure-native/naming.ts";
import type { PropertyMap } from "../../../../local/providers/protocol/values.ts";
import { Secret, Unknown } from "../../../../local/providers/protocol/values.ts";

const seed = new Uint8Array([1, 2, 3]);

function definition(type: string) {
  const found = definitionOfToken(`azure-native:${type}`);
  if (!found) throw new Error(`no definition of ${type}`);
  return found;
}

function check(
  type: string,
  news: PropertyMap,
  options: {
    olds?: PropertyMap;
    configured?: string;
    group?: string;
    autonaming?: { proposedName: string; mode: "propose" | "enforce" | "disable" };
  } = {},
) {
  const { olds = {}, configured = "", group, autonaming } = options;
  const request = {
    urn: "",
    name: "thing",
    type: `azure-native:${type}`,
    olds,
    news,
    randomSeed: seed,
    ...(autonaming && { autonaming }),
  };
  const source = { configured, ofGroup: () => Promise.resolve(group) };
  return checkResource(definition(type), request, source);
}

const reasons = async (...of: Parameters<typeof check>) =>
  ((await check(...of)).failures ?? []).map((failure) => failure.reason);

describe("a name that the program leaves out", () => {
  it("is the logical name with eight digits below a group, the same for the same seed", () => {
    const of = (name: string) =>
      makeName(definition("storage:StorageAccount"), { name, randomSeed: seed }, undefined);
    expect(of("data")).toEqual({
      name: expect.stringMatching(/^data[0-9a-f]{8}$/) as string,
      isRandom: true,
    });
    expect(of("data")).toEqual(of("data"));
    expect(of("data")?.name.slice(4)).not.toBe(of("other")?.name.slice(5));
  });

  it("is the logical name below another resource", () => {
    const name = makeName(definition("network:Subnet"), { name: "nodes", randomSeed: seed }, undefined);
    expect(name).toEqual({ name: "nodes", isRandom: false });
  });

  it("is a UUID for an assignment, whatever is proposed", async () => {
    const { inputs } = await check(
      "authorization:RoleAssignment",
      { scope: "/s", principalId: "p", roleDefinitionId: "r" },
      { autonaming: { proposedName: "proposed", mode: "propose" } },
    );
    expect(inputs["roleAssignmentName"]).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(inputs["__createBeforeDelete"]).toBe(true);
  });

  it("is the engine's proposal where auto-naming is configured, and missing where it is off", async () => {
    const news = { resourceGroupName: "rg", location: "westeurope" };
    const proposed = await check("network:VirtualNetwork", news, {
      autonaming: { proposedName: "proposed", mode: "propose" },
    });
    expect(proposed.inputs["virtualNetworkName"]).toBe("proposed");
    const off = { autonaming: { proposedName: "", mode: "disable" as const } };
    expect(await reasons("network:VirtualNetwork", news, off)).toEqual([
      "missing required property 'virtualNetworkName'",
    ]);
  });

  it("stays what it was", async () => {
    const { inputs } = await check(
      "network:VirtualNetwork",
      { resourceGroupName: "rg" },
      { olds: { virtualNetworkName: "old", location: "eastus", __createBeforeDelete: true } },
    );
    expect(inputs).toEqual({
      resourceGroupName: "rg",
      virtualNetworkName: "old",
      location: "eastus",
      __createBeforeDelete: true,
    });
  });
});

describe("a location that the program leaves out", () => {
  const news = { resourceGroupName: "rg", virtualNetworkName: "vnet" };

  it.each([
    ["the old one", { olds: { location: "old" }, configured: "configured", group: "group" }, "old"],
    ["the provider's", { configured: "configured", group: "group" }, "configured"],
    ["the group's", { group: "group" }, "group"],
    ["none where the group cannot be read", {}, undefined],
  ])("is %s", async (_, options, expected) => {
    const { inputs } = await check("network:VirtualNetwork", news, options);
    expect(inputs["location"]).toBe(expected);
  });

  it("is unknown with the group", async () => {
    const { inputs } = await check("network:VirtualNetwork", { resourceGroupName: new Unknown() });
    expect(inputs["location"]).toBeInstanceOf(Unknown);
  });

  it("is not added where ARM has none", async () => {
    const { inputs } = await check(
      "network:Subnet",
      { resourceGroupName: "rg", virtualNetworkName: "v" },
      { group: "group" },
    );
    expect(inputs).not.toHaveProperty("location");
  });

  it("is missing where ARM wants one", async () => {
    expect(await reasons("resources:ResourceGroup", {})).toEqual([
      "missing required property 'location'. Either set it explicitly or configure it with " +
        "'pulumi config set azure-native:location <value>'.",
    ]);
  });
});

describe("Check", () => {
  it.each<[string, PropertyMap, string]>([
    ["network:Subnet", { resourceGroupName: "rg" }, "missing required property 'virtualNetworkName'"],
    [
      "storage:StorageAccount",
      { resourceGroupName: "rg", accountName: "ab", kind: "StorageV2", sku: { name: "x" }, location: "a" },
      "'accountName': \"ab\" has 2 characters, the minimum is 3",
    ],
    [
      "containerservice:AgentPool",
      { resourceGroupName: "rg", resourceName: "a", agentPoolName: "a", count: "3" },
      "'count': an integer wanted, a string found",
    ],
    [
      "containerservice:AgentPool",
      { resourceGroupName: "rg", resourceName: "a", agentPoolName: "a", osDiskSizeGB: 5000 },
      "'osDiskSizeGB': 5000 is more than the maximum, 2048",
    ],
    [
      "containerservice:AgentPool",
      { resourceGroupName: "rg", resourceName: "a", agentPoolName: "A_b" },
      "'agentPoolName': \"A_b\" does not match ^[a-z][a-z0-9]{0,11}$",
    ],
    [
      "dns:RecordSet",
      { resourceGroupName: "rg", zoneName: "z", recordType: "XX", relativeRecordSetName: "a" },
      "'recordType': \"XX\" is not one of",
    ],
  ])("of %s %j says %s", async (type, news, expected) => {
    expect((await reasons(type, news)).map((reason) => reason.slice(0, expected.length))).toContain(expected);
  });

  it("names no property, so that the engine prints no value of it", async () => {
    const { failures } = await check("network:Subnet", {});
    expect(failures?.map((failure) => failure.property)).toEqual(["", ""]);
  });

  it("lets unknown and secret values pass and leaves them as they are", async () => {
    const value = new Secret("short");
    const news = {
      resourceGroupName: new Unknown(),
      serverName: "pg-acme",
      location: "westeurope",
      administratorLoginPassword: value,
    };
    const { inputs, failures } = await check("dbforpostgresql:Server", news);
    expect(failures).toEqual([]);
    expect(inputs["administratorLoginPassword"]).toBe(value);
  });

  it("leaves unknown names and values of enums to ARM", async () => {
    const news = { resourceGroupName: "rg", virtualNetworkName: "v", location: "a", nosuch: 1 };
    expect(await reasons("network:VirtualNetwork", news)).toEqual([]);
  });
});

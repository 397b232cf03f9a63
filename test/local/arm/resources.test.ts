import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ArmClient, ArmUnderTest } from "./support/arm.ts";
import { openArm } from "./support/arm.ts";

let arm: ArmUnderTest;
let client: ArmClient;
let group: string;
let count = 0;

beforeAll(async () => {
  arm = await openArm();
  client = await arm.as("sp-tenant");
});
afterAll(() => arm.close());
beforeEach(async () => {
  group = `${client.subscription}/resourceGroups/rg-${++count}`;
  await client.make(group, "2024-03-01", { location: "westeurope", tags: { tenant: "acme" } });
});

const network = "2024-05-01";
const at = (path: string): string => `${group}/providers/${path}`;
const error = (answer: { body: Record<string, unknown> }) =>
  answer.body["error"] as { code: string; target?: string; message: string };
const makeNetwork = () =>
  client.make(at("Microsoft.Network/virtualNetworks/net"), network, {
    location: "westeurope",
    properties: {
      addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
      subnets: [{ name: "a", properties: { addressPrefix: "10.0.1.0/24" } }],
    },
  });

describe("a request that does not fit", () => {
  const nsg = (name = "nsg") => at(`Microsoft.Network/networkSecurityGroups/${name}`);
  const ok = { location: "westeurope" };

  it.each([
    ["without an API version", () => client.put(nsg(), "", ok), 400, "MissingApiVersionParameter"],
    [
      "with a malformed API version",
      () => client.put(nsg(), "latest", ok),
      400,
      "InvalidApiVersionParameter",
    ],
    [
      "with an API version nobody knows",
      () => client.put(nsg(), "1999-01-01", ok),
      400,
      "NoRegisteredProviderFound",
    ],
    [
      "of an unknown type",
      () => client.put(at("Microsoft.Network/teapots/a"), network, ok),
      404,
      "InvalidResourceType",
    ],
    [
      "of an unknown namespace",
      () => client.put(at("Contoso.Tea/pots/a"), network, ok),
      404,
      "InvalidResourceNamespace",
    ],
    [
      "in a missing group",
      () => client.put(nsg().replace(/rg-\d+/, "nowhere"), network, ok),
      404,
      "ResourceGroupNotFound",
    ],
    [
      "below a missing parent",
      () => client.put(at("Microsoft.Network/virtualNetworks/no/subnets/a"), network, { properties: {} }),
      404,
      "ParentResourceNotFound",
    ],
    [
      "in an unknown region",
      () => client.put(nsg(), network, { location: "atlantis" }),
      400,
      "LocationNotAvailableForResourceType",
    ],
    [
      "with a wrong type of a property",
      () => client.put(nsg(), network, { ...ok, properties: { flushConnection: "yes" } }),
      400,
      "InvalidRequestContent",
    ],
    [
      "with a read-only property",
      () => client.put(nsg(), network, { ...ok, properties: { resourceGuid: "x" } }),
      400,
      "InvalidRequestContent",
    ],
    [
      "with a bad storage account name",
      () =>
        client.put(at("Microsoft.Storage/storageAccounts/No_Good"), "2024-01-01", {
          ...ok,
          kind: "StorageV2",
          sku: { name: "Standard_LRS" },
        }),
      400,
      "AccountNameInvalid",
    ],
    [
      "with a bad vault name",
      () => client.put(at("Microsoft.KeyVault/vaults/1a"), "2024-11-01", {}),
      400,
      "VaultNameNotValid",
    ],
  ])("%s is refused", async (_what, ask, status, code) => {
    const answer = await ask();
    expect({ status: answer.status, code: error(answer).code }).toEqual({ status, code });
  });

  it("names every finding by its path", async () => {
    const answer = await client.put(nsg(), network, {
      ...ok,
      properties: {
        securityRules: [{ name: "r", properties: { acces: "Allow", protocol: "Tcp", direction: "Inbound" } }],
      },
    });
    const { details } = answer.body["error"] as { details: { target: string }[] } & Record<string, unknown>;
    expect(details.map((detail) => detail.target)).toContain("properties.securityRules[0].properties.acces");
  });

  it("is refused as JSON that is none", async () => {
    const answer = await client.send("PUT", `${nsg()}?api-version=${network}`);
    expect(error(answer).code).toBe("InvalidRequestContent");
  });
});

describe("a resource that exists", () => {
  const path = () => at("Microsoft.Network/networkSecurityGroups/nsg");
  beforeEach(() => client.make(path(), network, { location: "westeurope", tags: { a: "1" } }));

  it("is not made again in another region", async () => {
    const answer = await client.put(path(), network, { location: "northeurope" });
    expect(answer.status).toBe(409);
    expect(error(answer).code).toBe("InvalidResourceLocation");
  });

  it("is found whatever the case of the path, and answered in its own", async () => {
    const answer = await client.get(
      path().toUpperCase().replace("/SUBSCRIPTIONS", "/subscriptions"),
      network,
    );
    expect(answer.body["id"]).toBe(path());
  });

  it("is guarded by If-Match and If-None-Match", async () => {
    const body = { location: "westeurope" };
    const { etag } = (await client.get(path(), network)).body as { etag: string };
    expect((await client.put(path(), network, body, { "if-none-match": "*" })).status).toBe(412);
    expect((await client.put(path(), network, body, { "if-match": 'W/"other"' })).status).toBe(412);
    const answer = await client.put(path(), network, body, { "if-match": etag });
    expect(answer.status).toBe(200);
    await client.settle(answer);
  });

  it("has its tags replaced and the rest kept by PATCH", async () => {
    await client.settle(await client.patch(path(), network, { tags: { b: "2" } }));
    const { body } = await client.get(path(), network);
    expect(body).toMatchObject({ tags: { b: "2" }, location: "westeurope" });
  });

  it("is listed in its group, by its type and among all, and nowhere else", async () => {
    const names = async (list: string, version: string): Promise<string[]> =>
      ((await client.get(list, version)).body["value"] as { name: string }[]).map(({ name }) => name);
    expect(await names(`${group}/resources`, "2021-04-01")).toEqual(["nsg"]);
    expect(await names(at("Microsoft.Network/networkSecurityGroups"), network)).toEqual(["nsg"]);
    expect(await names(at("Microsoft.Network/natGateways"), network)).toEqual([]);
    const all = `${client.subscription}/providers/Microsoft.Network/networkSecurityGroups`;
    expect(await names(all, network)).toContain("nsg");
  });
});

describe("create-only properties", () => {
  it("are refused when they change", async () => {
    const path = at("Microsoft.Network/publicIPAddresses/ip");
    const body = {
      location: "westeurope",
      sku: { name: "Standard" },
      zones: ["1", "2", "3"],
      properties: { publicIPAllocationMethod: "Static" },
    };
    const made = await client.make(path, network, body);
    const answer = await client.put(path, network, { ...body, zones: ["1"] });
    expect(error(answer)).toMatchObject({ code: "PropertyChangeNotAllowed", target: "zones" });
    expect((await client.get(path, network)).body["properties"]).toEqual(made["properties"]);
  });

  it("stay when an update leaves them out", async () => {
    const path = at("Microsoft.DBforPostgreSQL/flexibleServers/pg-keeps");
    const version = "2025-08-01";
    const properties = {
      administratorLogin: "boss",
      administratorLoginPassword: "Secret-0123456789",
      version: "16",
    };
    const sku = { name: "Standard_D2ds_v5", tier: "GeneralPurpose" };
    await client.make(path, version, { location: "westeurope", sku, properties });
    await client.make(path, version, { location: "westeurope", sku, properties: { version: "16" } });
    const body = JSON.stringify((await client.get(path, version)).body);
    expect(body).toContain('"administratorLogin":"boss"');
    expect(body).not.toContain("Secret-0123456789");
  });
});

describe("what is in use", () => {
  beforeEach(makeNetwork);
  const subnet = () => at("Microsoft.Network/virtualNetworks/net/subnets/a");

  it("keeps a NAT gateway, its address and a security group while a subnet holds them", async () => {
    const address = at("Microsoft.Network/publicIPAddresses/ip");
    const gateway = at("Microsoft.Network/natGateways/nat");
    const nsg = at("Microsoft.Network/networkSecurityGroups/nsg");
    await client.make(address, network, {
      location: "westeurope",
      sku: { name: "Standard" },
      properties: { publicIPAllocationMethod: "Static" },
    });
    await client.make(gateway, network, {
      location: "westeurope",
      sku: { name: "Standard" },
      properties: { publicIpAddresses: [{ id: address }] },
    });
    await client.make(nsg, network, { location: "westeurope" });
    await client.make(subnet(), network, {
      properties: {
        addressPrefix: "10.0.1.0/24",
        natGateway: { id: gateway },
        networkSecurityGroup: { id: nsg },
      },
    });

    expect(error(await client.delete(address, network)).code).toBe("PublicIPAddressCannotBeDeleted");
    expect(error(await client.delete(gateway, network)).code).toBe(
      "CannotDeleteNatGatewayAssociatedToSubnet",
    );
    expect(error(await client.delete(nsg, network)).code).toBe("InUseNetworkSecurityGroupCannotBeDeleted");
    const second = await client.put(at("Microsoft.Network/natGateways/other"), network, {
      location: "westeurope",
      sku: { name: "Standard" },
      properties: { publicIpAddresses: [{ id: address }] },
    });
    expect(error(second).code).toBe("PublicIPAddressInUse");
  });

  it("keeps a subnet while a cluster's pool lives in it, and its network", async () => {
    await client.make(at("Microsoft.ContainerService/managedClusters/k"), "2025-09-01", {
      location: "westeurope",
      identity: { type: "SystemAssigned" },
      properties: {
        dnsPrefix: "k",
        agentPoolProfiles: [
          { name: "sys", mode: "System", count: 1, vmSize: "Standard_D2ds_v5", vnetSubnetID: subnet() },
        ],
      },
    });
    expect(error(await client.delete(subnet(), network)).code).toBe("InUseSubnetCannotBeDeleted");
    expect(error(await client.delete(at("Microsoft.Network/virtualNetworks/net"), network)).code).toBe(
      "InUseSubnetCannotBeDeleted",
    );
  });

  it("keeps a private zone while networks are linked to it", async () => {
    const zone = at("Microsoft.Network/privateDnsZones/a.test");
    await client.make(zone, "2024-06-01", { location: "global" });
    await client.make(`${zone}/virtualNetworkLinks/l`, "2024-06-01", {
      location: "global",
      properties: {
        virtualNetwork: { id: at("Microsoft.Network/virtualNetworks/net") },
        registrationEnabled: false,
      },
    });
    const answer = await client.delete(zone, "2024-06-01");
    expect(answer.status).toBe(409);
    expect(error(answer).code).toBe("CannotDeleteResource");
  });

  it("lets a network's list of subnets decide, and leaves them alone without one", async () => {
    const net = at("Microsoft.Network/virtualNetworks/net");
    const addressSpace = { addressPrefixes: ["10.0.0.0/16"] };
    const names = async () =>
      ((await client.get(net, network)).body["properties"] as { subnets: { name: string }[] }).subnets.map(
        ({ name }) => name,
      );
    await client.make(net, network, { location: "westeurope", properties: { addressSpace } });
    expect(await names()).toEqual(["a"]);
    await client.make(net, network, {
      location: "westeurope",
      properties: { addressSpace, subnets: [{ name: "b", properties: { addressPrefix: "10.0.2.0/24" } }] },
    });
    expect(await names()).toEqual(["b"]);
  });

  it("refuses a subnet outside its network and one that overlaps another", async () => {
    const put = (prefix: string) =>
      client.put(at("Microsoft.Network/virtualNetworks/net/subnets/c"), network, {
        properties: { addressPrefix: prefix },
      });
    expect(error(await put("192.168.0.0/24")).code).toBe("NetcfgInvalidSubnet");
    expect(error(await put("10.0.1.128/25")).code).toBe("NetcfgSubnetRangesOverlap");
  });
});

describe("a cluster", () => {
  const path = () => at("Microsoft.ContainerService/managedClusters/k");
  const body = (pools: unknown[]) => ({
    location: "westeurope",
    identity: { type: "SystemAssigned" },
    properties: { dnsPrefix: "k", agentPoolProfiles: pools, oidcIssuerProfile: { enabled: true } },
  });
  const system = { name: "sys", mode: "System", count: 1, vmSize: "Standard_D2ds_v5" };

  it("has ids with resourcegroups in lower case, an issuer and a node resource group of its own", async () => {
    const made = await client.make(path(), "2025-09-01", body([system]));
    expect(made["id"]).toBe(path().replace("/resourceGroups/", "/resourcegroups/"));
    const properties = made["properties"] as {
      nodeResourceGroup: string;
      oidcIssuerProfile: { issuerURL: string };
    };
    expect(properties.oidcIssuerProfile.issuerURL).toMatch(/^https:/);
    expect(
      (await client.get(`${client.subscription}/resourcegroups/${properties.nodeResourceGroup}`)).status,
    ).toBe(200);
  });

  it("takes its pools and its node resource group along", async () => {
    const made = await client.make(path(), "2025-09-01", body([system]));
    const { nodeResourceGroup } = made["properties"] as { nodeResourceGroup: string };
    await client.make(`${path()}/agentPools/user`, "2025-09-01", {
      properties: { count: 1, vmSize: "Standard_D4ds_v5" },
    });
    await client.settle(await client.delete(path(), "2025-09-01"));
    expect((await client.get(`${path()}/agentPools/user`, "2025-09-01")).status).toBe(404);
    expect((await client.get(`${client.subscription}/resourcegroups/${nodeResourceGroup}`)).status).toBe(404);
  });

  it("refuses a new inline pool, another size of a pool and the end of the last system pool", async () => {
    await client.make(path(), "2025-09-01", body([system]));
    const put = async (pools: unknown[]) => error(await client.put(path(), "2025-09-01", body(pools)));
    expect(await put([system, { ...system, name: "more" }])).toMatchObject({
      code: "BadRequest",
      target: "agentPoolProfiles",
    });
    expect(await put([{ ...system, vmSize: "Standard_D8ds_v5" }])).toMatchObject({
      code: "PropertyChangeNotAllowed",
      target: "properties.vmSize",
    });
    const last = await client.delete(`${path()}/agentPools/sys`, "2025-09-01");
    expect(last.status).toBe(400);
  });

  it("is refused beyond the subscription's cores", async () => {
    const poor = await arm.as("sp-low-quota");
    const there = `${poor.subscription}/resourceGroups/rg`;
    await poor.make(there, "2024-03-01", { location: "westeurope" });
    const answer = await poor.put(
      `${there}/providers/Microsoft.ContainerService/managedClusters/k`,
      "2025-09-01",
      body([{ ...system, count: 3 }]),
    );
    expect(error(answer).code).toBe("ErrCode_InsufficientVCPUQuota");
    const usages = await poor.get(
      `${poor.subscription}/providers/Microsoft.Compute/locations/westeurope/usages`,
      "2024-07-01",
    );
    expect((usages.body["value"] as { limit: number }[])[0]).toMatchObject({ limit: 4, currentValue: 0 });
  });
});

describe("an identity", () => {
  it("leaves its role assignments behind and takes its credentials along", async () => {
    const path = at("Microsoft.ManagedIdentity/userAssignedIdentities/id");
    const made = await client.make(path, "2023-01-31", { location: "westeurope" });
    const { principalId } = made["properties"] as { principalId: string };
    const roleDefinitionId = `${client.subscription}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7`;
    const assignment = at("Microsoft.Authorization/roleAssignments/0f0f0f0f-1111-4222-8333-444455556666");
    const properties = { principalId, roleDefinitionId, principalType: "ServicePrincipal" };
    await client.make(assignment, "2022-04-01", { properties });
    const twin = await client.put(assignment.replace(/.$/, "7"), "2022-04-01", { properties });
    expect(error(twin).code).toBe("RoleAssignmentExists");
    const asUser = await client.put(assignment.replace(/.$/, "8"), "2022-04-01", {
      properties: { principalId, roleDefinitionId },
    });
    expect(error(asUser).code).toBe("UnmatchedPrincipalType");
    await client.make(`${path}/federatedIdentityCredentials/fic`, "2023-01-31", {
      properties: { issuer: "https://i.test/", subject: "s", audiences: ["api://AzureADTokenExchange"] },
    });
    expect((await client.delete(path, "2023-01-31")).status).toBe(200);
    expect((await client.get(assignment, "2022-04-01")).status).toBe(200);
    expect((await client.get(`${path}/federatedIdentityCredentials/fic`, "2023-01-31")).status).toBe(404);
  });
});

describe("a resource group", () => {
  it("takes everything in it along, and is gone when its operation has ended", async () => {
    await makeNetwork();
    await client.make(at("Microsoft.Network/networkSecurityGroups/nsg"), network, { location: "westeurope" });
    const answer = await client.delete(group, "2024-03-01");
    expect(answer.status).toBe(202);
    const last = await client.settle(answer);
    expect(last.status).toBe(200);
    expect((await client.get(group)).status).toBe(404);
    expect(error(await client.get(at("Microsoft.Network/virtualNetworks/net"), network)).code).toBe(
      "ResourceGroupNotFound",
    );
    expect((await client.delete(group, "2024-03-01")).status).toBe(404);
  });

  it("stays while something in it is locked", async () => {
    const lock = at("Microsoft.Authorization/locks/keep");
    await client.make(lock, "2020-05-01", { properties: { level: "CanNotDelete" } });
    expect(error(await client.delete(group, "2024-03-01")).code).toBe("ScopeLocked");
    expect((await client.delete(lock, "2020-05-01")).status).toBe(200);
    expect((await client.delete(group, "2024-03-01")).status).toBe(202);
  });
});

describe("a vault", () => {
  const name = () => `kv-${count}-x`;
  const path = () => at(`Microsoft.KeyVault/vaults/${name()}`);
  const body = (more = {}) => ({
    location: "westeurope",
    properties: {
      tenantId: arm.running.cloud.directory.principal("sp-tenant").tenantId,
      sku: { family: "A", name: "standard" },
      ...more,
    },
  });
  const version = "2024-11-01";

  it("keeps its name after deletion until it is recovered, with its secrets", async () => {
    await client.make(path(), version, body());
    await client.make(`${path()}/secrets/one`, version, { properties: { value: "kept" } });
    expect((await client.delete(path(), version)).status).toBe(200);
    const again = await client.put(path(), version, body());
    expect(again.status).toBe(409);
    expect(error(again).code).toBe("ConflictError");
    const deleted = await client.get(
      `${client.subscription}/providers/Microsoft.KeyVault/deletedVaults`,
      version,
    );
    expect((deleted.body["value"] as { name: string }[]).map((one) => one.name)).toContain(name());
    await client.make(path(), version, body({ createMode: "recover" }));
    expect(arm.running.cloud.secrets.current(path(), "one")?.value).toBe("kept");
    expect((await client.get(`${path()}/secrets/one`, version)).status).toBe(200);
  });

  it("gives its name free when purged", async () => {
    await client.make(path(), version, body());
    await client.delete(path(), version);
    const deleted = `${client.subscription}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/${name()}`;
    expect((await client.post(`${deleted}/purge`, version)).status).toBe(200);
    await client.make(path(), version, body());
    const recovered = await client.put(
      path().replace(name(), `${name()}y`),
      version,
      body({ createMode: "recover" }),
    );
    expect(error(recovered).code).toBe("SoftDeletedVaultDoesNotExist");
  });

  it("also when its group went", async () => {
    await client.make(path(), version, body());
    await client.settle(await client.delete(group, "2024-03-01"));
    await client.make(group, "2024-03-01", { location: "westeurope" });
    expect(error(await client.put(path(), version, body())).code).toBe("ConflictError");
  });
});

describe("checks before a deployment", () => {
  it("lists the caller's rights on the subscription", async () => {
    const answer = await client.get(
      `${client.subscription}/providers/Microsoft.Authorization/permissions`,
      "2022-04-01",
    );
    const actions = (answer.body["value"] as { actions: string[] }[]).flatMap((one) => one.actions);
    expect(actions).toEqual(expect.arrayContaining(["*", "Microsoft.Authorization/*"]));
  });

  it("refuses resources of a namespace that is not registered, and to register it without the right", async () => {
    const other = await arm.as("sp-unregistered");
    const provider = `${other.subscription}/providers/Microsoft.ContainerService`;
    expect((await other.get(provider, "2021-04-01")).body).toMatchObject({
      registrationState: "NotRegistered",
    });
    await other.make(`${other.subscription}/resourceGroups/rg`, "2024-03-01", { location: "westeurope" });
    const cluster = await other.put(
      `${other.subscription}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/k`,
      "2025-09-01",
      {},
    );
    expect(cluster.status).toBe(409);
    expect(error(cluster).code).toBe("MissingSubscriptionRegistration");
    expect((await other.post(`${provider}/register`, "2021-04-01")).status).toBe(403);
  });

  it("knows which names are free", async () => {
    const ask = async (name: string) =>
      (
        await client.post(
          `${client.subscription}/providers/Microsoft.Storage/checkNameAvailability`,
          "2024-01-01",
          { name, type: "Microsoft.Storage/storageAccounts" },
        )
      ).body;
    expect(await ask("thisoneisfree")).toEqual({ nameAvailable: true });
    await client.make(at("Microsoft.Storage/storageAccounts/thisoneistaken"), "2024-01-01", {
      location: "westeurope",
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
    });
    expect(await ask("thisoneistaken")).toMatchObject({ nameAvailable: false, reason: "AlreadyExists" });
    expect(await ask("No Good")).toMatchObject({ nameAvailable: false, reason: "AccountNameInvalid" });
  });
});

describe("keys", () => {
  it("of a storage account are answered by listKeys only, and change one by one", async () => {
    const path = at("Microsoft.Storage/storageAccounts/haskeys");
    const made = await client.make(path, "2024-01-01", {
      location: "westeurope",
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
    });
    const keys = async (): Promise<string[]> =>
      ((await client.post(`${path}/listKeys`, "2024-01-01")).body["keys"] as { value: string }[]).map(
        ({ value }) => value,
      );
    const [first, second] = await keys();
    expect(JSON.stringify(made)).not.toContain(first);
    await client.post(`${path}/regenerateKey`, "2024-01-01", { keyName: "key1" });
    const after = await keys();
    expect(after[0]).not.toBe(first);
    expect(after[1]).toBe(second);
  });

  it("of a namespace come with connection strings", async () => {
    const path = at("Microsoft.EventHub/namespaces/eh-haskeys");
    await client.make(path, "2024-01-01", { location: "westeurope", sku: { name: "Standard" } });
    const answer = await client.post(
      `${path}/authorizationRules/RootManageSharedAccessKey/listKeys`,
      "2024-01-01",
    );
    expect(answer.body["primaryConnectionString"]).toMatch(/^Endpoint=sb:\/\/eh-haskeys\./);
  });
});

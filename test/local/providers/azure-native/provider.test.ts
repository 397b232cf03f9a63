import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSend } from "../../../../local/providers/azure-native/http.ts";
import { createAzureNativeProvider } from "../../../../local/providers/azure-native/provider.ts";
import { InitFailedError } from "../../../../local/providers/protocol/errors.ts";
import type { CallContext, Provider } from "../../../../local/providers/protocol/provider.ts";
import type { PropertyMap } from "../../../../local/providers/protocol/values.ts";
import { Secret } from "../../../../local/providers/protocol/values.ts";
import type { FakeArm } from "./fake-arm.ts";
import { startFakeArm, SUBSCRIPTION } from "./fake-arm.ts";

const group = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg`;
const vnetId = `${group}/providers/Microsoft.Network/virtualNetworks/vnet`;
const vnet = {
  resourceGroupName: "rg",
  virtualNetworkName: "vnet",
  location: "westeurope",
  addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
  azureApiVersion: "2024-05-01",
};

let arm: FakeArm;
let provider: Provider;
let cancel: AbortController;
let shown: string[];

function context(signal: AbortSignal = cancel.signal): CallContext {
  return {
    signal,
    cancelled: cancel.signal,
    log: (_, message) => void shown.push(message),
    status: (message) => void shown.push(message),
  };
}

const config = (): PropertyMap => ({
  clientId: new Secret("client"),
  clientSecret: new Secret("client-secret"),
  tenantId: "tenant",
  subscriptionId: SUBSCRIPTION,
  metadataHost: arm.host,
});

function create(
  type: string,
  properties: PropertyMap,
  options: { timeoutSeconds?: number; preview?: boolean } = {},
) {
  const request = { urn: "urn", name: "n", timeoutSeconds: 0, preview: false, ...options };
  return provider.create({ ...request, type: `azure-native:${type}`, properties }, context());
}

function update(type: string, id: string, news: PropertyMap, olds: PropertyMap = {}) {
  const request = { urn: "urn", name: "n", timeoutSeconds: 0, preview: false, ignoreChanges: [] };
  const whole = { ...request, type: `azure-native:${type}`, id, news, olds, oldInputs: {} };
  return (provider.update ?? unimplemented)(whole, context());
}

function remove(type: string, id: string, oldInputs: PropertyMap = {}) {
  const request = { urn: "urn", name: "n", timeoutSeconds: 0, properties: {} };
  return (provider.delete ?? unimplemented)(
    { ...request, type: `azure-native:${type}`, id, oldInputs },
    context(),
  );
}

function read(type: string, id: string, inputs: PropertyMap = {}, properties: PropertyMap = {}) {
  const request = { urn: "urn", name: "n", timeoutSeconds: 0 };
  const whole = { ...request, type: `azure-native:${type}`, id, inputs, properties };
  return (provider.read ?? unimplemented)(whole, context());
}

const invoke = (token: string, args: PropertyMap) =>
  (provider.invoke ?? unimplemented)({ token: `azure-native:${token}`, args }, context());

function unimplemented(): never {
  throw new Error("not implemented");
}

function stored(id: string): Record<string, unknown> {
  const found = arm.resources.get(id.toLowerCase());
  if (!found) throw new Error(`${id} is not there`);
  return found;
}

beforeEach(async () => {
  arm = await startFakeArm();
  cancel = new AbortController();
  shown = [];
  const send = createSend({}, arm.ca);
  provider = createAzureNativeProvider({
    send,
    environment: {},
    retryDelaysMs: [1, 1, 1],
    pollIntervalMs: 1,
  });
  await provider.configure({ id: "", urn: "", args: config(), variables: {} }, context());
});

afterEach(() => arm.close());

describe("signing in", () => {
  it("asks the metadata for the login endpoint and it for a token, once", async () => {
    await create("network:VirtualNetwork", vnet);
    await create("network:VirtualNetwork", { ...vnet, virtualNetworkName: "other" });
    expect(arm.tokens).toEqual([
      {
        path: "/tenant/oauth2/v2.0/token",
        form: {
          grant_type: "client_credentials",
          client_id: "client",
          client_secret: "client-secret",
          scope: `${arm.origin}/.default`,
        },
      },
    ]);
  });

  it("asks for another token when one is refused", async () => {
    let refused = false;
    arm.answer = () => {
      if (refused) return undefined;
      refused = true;
      return { status: 401, body: { error: { code: "ExpiredAuthenticationToken", message: "expired" } } };
    };
    await create("network:VirtualNetwork", vnet);
    expect(arm.tokens).toHaveLength(2);
  });

  it("takes what the configuration lacks from the environment", async () => {
    const environment = {
      ARM_CLIENT_ID: "from-environment",
      ARM_CLIENT_SECRET: "s",
      ARM_TENANT_ID: "t",
      ARM_SUBSCRIPTION_ID: SUBSCRIPTION,
      ARM_METADATA_HOSTNAME: arm.host,
    };
    provider = createAzureNativeProvider({ send: createSend({}, arm.ca), environment });
    await provider.configure({ id: "", urn: "", args: {}, variables: {} }, context());
    const { result } = await invoke("authorization:getClientConfig", {});
    expect(result).toEqual({
      clientId: "from-environment",
      objectId: "22222222-2222-4222-8222-222222222222",
      subscriptionId: SUBSCRIPTION,
      tenantId: "t",
    });
  });

  it("repeats as often and as soon as the environment says", async () => {
    let asked = 0;
    arm.answer = ({ method }) => {
      if (method !== "PUT") return undefined;
      asked += 1;
      return { status: 503, body: { error: { code: "ServerBusy", message: "try later" } } };
    };
    const environment = { TIERLIFT_ARM_RETRY_MS: "1,2" };
    provider = createAzureNativeProvider({ send: createSend({}, arm.ca), environment });
    await provider.configure({ id: "", urn: "", args: config(), variables: {} }, context());
    await expect(create("network:VirtualNetwork", vnet)).rejects.toThrow("ServerBusy");
    expect(asked).toBe(3);
  });

  it("says which setting is missing, when a token is needed", async () => {
    const args = { ...config(), clientSecret: "" };
    await provider.configure({ id: "", urn: "", args, variables: {} }, context());
    await expect(create("network:VirtualNetwork", vnet)).rejects.toThrow(/clientSecret is not set/);
  });

  it("refuses to send a token over plain http", async () => {
    const send = createSend({}, arm.ca);
    const signal = AbortSignal.timeout(1000);
    await expect(send({ method: "GET", url: "http://127.0.0.1:1/", signal })).rejects.toThrow(/no https/);
  });
});

describe("create", () => {
  it("looks, writes, and answers the state by the SDK's names", async () => {
    const { id, properties } = await create("network:VirtualNetwork", vnet);
    expect(arm.calls()).toEqual([`GET ${short(vnetId)}`, `PUT ${short(vnetId)}`, `GET ${short(vnetId)}`]);
    expect(id).toBe(vnetId);
    expect(properties).toEqual({
      name: "vnet",
      type: "Microsoft.Network/virtualNetworks",
      location: "westeurope",
      addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
      provisioningState: "Succeeded",
      subnets: [],
      azureApiVersion: "2024-05-01",
    });
  });

  it("keeps the id as ARM writes it", async () => {
    arm.answer = ({ method, path, body }) =>
      method === "PUT"
        ? { status: 200, body: { ...(body as object), id: path.replace("resourceGroups", "resourcegroups") } }
        : undefined;
    const cluster = { resourceGroupName: "rg", resourceName: "aks", location: "a" };
    const { id } = await create("containerservice:ManagedCluster", cluster);
    expect(id).toContain("/resourcegroups/rg/");
  });

  it.each(["operation", "location", "body"] as const)("waits for the end by the %s", async (style) => {
    arm.longRunning = ({ method }) => (method === "PUT" ? style : undefined);
    const { properties } = await create("network:VirtualNetwork", vnet);
    expect(properties).toMatchObject({ name: "vnet", provisioningState: "Succeeded" });
    expect(shown).toEqual([style === "body" ? "Updating" : "InProgress"]);
  });

  it("refuses what is there and another's", async () => {
    arm.resources.set(vnetId.toLowerCase(), { id: vnetId, location: "eastus" });
    await expect(create("network:VirtualNetwork", vnet)).rejects.toThrow(
      `cannot create already existing resource '${vnetId}'`,
    );
    expect(arm.calls()).toEqual([`GET ${short(vnetId)}`]);
  });

  it("takes over what an earlier request with the same inputs made, its subnets too", async () => {
    await create("network:VirtualNetwork", vnet);
    const first = stored(vnetId);
    const subnets = [{ name: "nodes" }];
    arm.resources.set(vnetId.toLowerCase(), {
      ...first,
      properties: { ...(first["properties"] as object), subnets },
    });
    await create("network:VirtualNetwork", vnet);
    expect(stored(vnetId)).toMatchObject({ properties: { subnets } });
  });

  it("does not go on when it cannot tell", async () => {
    arm.answer = () => ({ status: 403, body: { error: { code: "AuthorizationFailed", message: "no" } } });
    await expect(create("network:VirtualNetwork", vnet)).rejects.toThrow(
      /cannot check existence of resource .* status code 403/,
    );
  });

  it("keeps nothing when ARM refuses", async () => {
    arm.answer = ({ method }) =>
      method === "PUT"
        ? { status: 400, body: { error: { code: "InvalidRequest", message: "bad" } } }
        : undefined;
    const failure = await create("network:VirtualNetwork", vnet).catch((error: unknown) => error);
    expect(failure).not.toBeInstanceOf(InitFailedError);
    expect(String(failure)).toContain("status 400, InvalidRequest: bad");
  });

  it("keeps what was accepted and then failed, with its reason", async () => {
    arm.longRunning = () => "operation";
    arm.outcome = { status: "Failed", error: { code: "QuotaExceeded", message: "no cores left" } };
    const failure = await create("network:VirtualNetwork", {
      ...vnet,
      tags: { key: new Secret("hidden") },
    }).catch((error: unknown) => error);
    if (!(failure instanceof InitFailedError)) throw new Error(String(failure));
    expect(failure.reasons).toEqual(["the operation ended as Failed: QuotaExceeded: no cores left"]);
    expect(failure.id).toBe(vnetId);
    expect(failure.properties).toMatchObject({ name: "vnet", tags: { key: new Secret("hidden") } });
  });

  it("marks as secret what ARM answers of secret inputs", async () => {
    const server = {
      resourceGroupName: "rg",
      serverName: "pg",
      location: "westeurope",
      administratorLogin: new Secret("admin"),
      administratorLoginPassword: new Secret("hidden"),
    };
    const { properties } = await create("dbforpostgresql:Server", server);
    expect(properties["administratorLogin"]).toEqual(new Secret("admin"));
    expect(properties).not.toHaveProperty("administratorLoginPassword");
    const id = `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg`;
    expect(stored(id)).toMatchObject({ properties: { administratorLoginPassword: "hidden" } });
  });

  it("sends nothing in a preview", async () => {
    const { id, properties } = await create("network:VirtualNetwork", vnet, { preview: true });
    expect(id).toBe("");
    expect(properties).toMatchObject({ location: "westeurope" });
    expect(arm.requests).toEqual([]);
  });

  it("does not look for a singleton first", async () => {
    const inputs = {
      resourceGroupName: "rg",
      serverName: "pg",
      configurationName: "wal_level",
      value: "logical",
    };
    await create("dbforpostgresql:Configuration", inputs);
    expect(arm.calls()[0]).toMatch(/^PUT .*\/configurations\/wal_level$/);
  });

  it("registers a namespace that the subscription lacks", async () => {
    let registered = false;
    arm.answer = ({ method, path }) => {
      if (path.endsWith("/register")) registered = true;
      if (path.includes("/providers/Microsoft.Network") && !path.includes("/virtualNetworks"))
        return { status: 200, body: { registrationState: "Registered" } };
      return method === "PUT" && !registered
        ? { status: 409, body: { error: { code: "MissingSubscriptionRegistration", message: "register" } } }
        : undefined;
    };
    await create("network:VirtualNetwork", vnet);
    expect(arm.calls()).toContain("POST /providers/Microsoft.Network/register");
  });

  it("recovers a deleted secret of the same name", async () => {
    const vaultId = `${group}/providers/Microsoft.KeyVault/vaults/v`;
    arm.resources.set(vaultId.toLowerCase(), {
      id: vaultId,
      properties: { vaultUri: `${arm.origin}/vaults/v/` },
    });
    arm.answer = ({ path }) => (path.startsWith("/vaults/v/") ? { status: 200, body: {} } : undefined);
    const inputs = { resourceGroupName: "rg", vaultName: "v", secretName: "s", properties: { value: "x" } };
    await create("keyvault:Secret", inputs);
    expect(arm.calls().filter((call) => call.includes(" /vaults/"))).toEqual([
      "GET /vaults/v/deletedsecrets/s",
      "POST /vaults/v/deletedsecrets/s/recover",
      "GET /vaults/v/secrets/s",
    ]);
    expect(arm.tokens.map((token) => token.form["scope"])).toContain("https://vault.azure.net/.default");
  });
});

const short = (id: string) => id.replace(`/subscriptions/${SUBSCRIPTION}`, "");

describe("a request is sent again", () => {
  it.each([
    ["429", { status: 429, headers: { "retry-after-ms": "2" } }],
    ["503", { status: 503 }],
    [
      "409 AnotherOperationInProgress",
      { status: 409, body: { error: { code: "AnotherOperationInProgress" } } },
    ],
  ])("after %s", async (_, reply) => {
    let left = 2;
    arm.answer = ({ method }) => (method === "PUT" && left-- > 0 ? reply : undefined);
    await create("network:VirtualNetwork", vnet);
    expect(arm.calls().filter((call) => call.startsWith("PUT"))).toHaveLength(3);
  });

  it("three times and no more, and never after another conflict", async () => {
    arm.answer = ({ method }) => (method === "PUT" ? { status: 503 } : undefined);
    await expect(create("network:VirtualNetwork", vnet)).rejects.toThrow(/status 503/);
    expect(arm.calls().filter((call) => call.startsWith("PUT"))).toHaveLength(4);
    arm.requests.length = 0;
    arm.answer = ({ method }) =>
      method === "PUT"
        ? { status: 409, body: { error: { code: "ScopeLocked", message: "locked" } } }
        : undefined;
    await expect(create("network:VirtualNetwork", vnet)).rejects.toThrow(/ScopeLocked/);
    expect(arm.calls().filter((call) => call.startsWith("PUT"))).toHaveLength(1);
  });
});

describe("an operation that takes too long", () => {
  beforeEach(() => {
    arm.longRunning = ({ method }) => (method === "PUT" ? "operation" : undefined);
    arm.answer = ({ path }) =>
      path.startsWith("/operations/")
        ? { status: 200, body: { status: "InProgress" }, headers: { "retry-after-ms": "20" } }
        : undefined;
  });

  it("ends with its timeout, and what it began is kept", async () => {
    const failure = await create("network:VirtualNetwork", vnet, { timeoutSeconds: 0.2 }).catch(
      (error: unknown) => error,
    );
    if (!(failure instanceof InitFailedError)) throw new Error(String(failure));
    expect(failure.message).toBe("operation timed out");
    expect(failure.properties).toMatchObject({ name: "vnet" });
  });

  it("ends when it is cancelled, and what it began is kept", async () => {
    const creating = create("network:VirtualNetwork", vnet).catch((error: unknown) => error);
    await expect.poll(() => shown).toEqual(["InProgress"]);
    cancel.abort();
    const failure = await creating;
    if (!(failure instanceof InitFailedError)) throw new Error(String(failure));
    expect(failure.message).toBe("the operation was cancelled");
    expect(failure.id).toBe(vnetId);
  });
});

describe("update", () => {
  it("writes the whole body, with the sub-resources that others made", async () => {
    await create("network:VirtualNetwork", vnet);
    const subnets = [{ name: "nodes", properties: { addressPrefix: "10.0.1.0/24" } }];
    stored(vnetId)["properties"] = { subnets };
    const { properties } = await update("network:VirtualNetwork", vnetId, { ...vnet, tags: { a: "1" } });
    expect(stored(vnetId)).toMatchObject({ tags: { a: "1" }, properties: { subnets } });
    expect(properties).toMatchObject({ tags: { a: "1" }, subnets: [] });
  });

  it("keeps the access policies of a vault that the program does not list", async () => {
    const vaultId = `${group}/providers/Microsoft.KeyVault/vaults/v`;
    const properties = { tenantId: "t", sku: { family: "A", name: "standard" } };
    const inputs = { resourceGroupName: "rg", vaultName: "v", location: "a", properties };
    await create("keyvault:Vault", inputs);
    expect(stored(vaultId)).toMatchObject({ properties: { accessPolicies: [] } });
    const accessPolicies = [{ tenantId: "t", objectId: "o", permissions: {} }];
    stored(vaultId)["properties"] = { ...properties, accessPolicies };
    await update("keyvault:Vault", vaultId, inputs);
    expect(stored(vaultId)).toMatchObject({ properties: { accessPolicies } });
  });

  it("opens a storage account's network rules when the program no longer gives any", async () => {
    const id = `${group}/providers/Microsoft.Storage/storageAccounts/acc`;
    const inputs = { resourceGroupName: "rg", accountName: "acc", kind: "StorageV2", sku: { name: "x" } };
    await create("storage:StorageAccount", inputs);
    await update("storage:StorageAccount", id, inputs, { networkRuleSet: { defaultAction: "Deny" } });
    expect(stored(id)).toMatchObject({
      properties: { networkAcls: { defaultAction: "Allow", ipRules: [] } },
    });
  });

  it("keeps what was accepted and then failed", async () => {
    await create("network:VirtualNetwork", vnet);
    arm.longRunning = () => "location";
    arm.answer = ({ path }) =>
      path.startsWith("/operations/")
        ? { status: 200, body: { properties: { provisioningState: "Failed" } } }
        : undefined;
    await expect(update("network:VirtualNetwork", vnetId, vnet)).rejects.toBeInstanceOf(InitFailedError);
  });
});

describe("delete", () => {
  beforeEach(async () => {
    await create("network:VirtualNetwork", vnet);
  });

  it.each([undefined, "operation", "location"] as const)("ends (%s)", async (style) => {
    arm.longRunning = () => style;
    await remove("network:VirtualNetwork", vnetId);
    expect(arm.resources.size).toBe(0);
  });

  it("is done where nothing is", async () => {
    await remove("network:VirtualNetwork", `${vnetId}-other`);
    arm.answer = () => ({ status: 404 });
    await remove("network:VirtualNetwork", vnetId);
  });

  it("is done when the operation is gone with the group", async () => {
    arm.longRunning = () => "operation";
    arm.answer = ({ path }) => (path.startsWith("/operations/") ? { status: 404 } : undefined);
    await remove("network:VirtualNetwork", vnetId);
  });

  it("fails with ARM's reason", async () => {
    arm.answer = ({ method }) =>
      method === "DELETE"
        ? { status: 400, body: { error: { code: "InUse", message: "in use" } } }
        : undefined;
    await expect(remove("network:VirtualNetwork", vnetId)).rejects.toThrow(/InUse: in use/);
  });

  it("of a secret is the vault's to do, and done with the vault", async () => {
    const vaultId = `${group}/providers/Microsoft.KeyVault/vaults/v`;
    await remove("keyvault:Secret", `${vaultId}/secrets/s`);
    arm.resources.set(vaultId.toLowerCase(), {
      id: vaultId,
      properties: { vaultUri: `${arm.origin}/vaults/v` },
    });
    arm.answer = ({ path }) => (path.startsWith("/vaults/v/") ? { status: 200, body: {} } : undefined);
    await remove("keyvault:Secret", `${vaultId}/secrets/s`);
    expect(arm.requests.at(-1)).toMatchObject({
      method: "DELETE",
      path: "/vaults/v/secrets/s",
      query: { "api-version": "7.4" },
    });
  });

  it("of a server's parameter gives it its default back", async () => {
    const id = `${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg/configurations/wal_level`;
    const properties = { value: "logical", defaultValue: "replica", source: "user-override" };
    arm.resources.set(id.toLowerCase(), { id, properties });
    await remove("dbforpostgresql:Configuration", id);
    expect(stored(id)).toMatchObject({ properties: { value: "replica", source: "user-override" } });
    arm.resources.delete(id.toLowerCase());
    await remove("dbforpostgresql:Configuration", id);
  });

  it("of a blob service writes its defaults", async () => {
    const id = `${group}/providers/Microsoft.Storage/storageAccounts/a/blobServices/default`;
    await remove("storage:BlobServiceProperties", id);
    expect(arm.requests.at(-1)).toMatchObject({
      method: "PUT",
      path: id,
      body: { properties: { deleteRetentionPolicy: { enabled: false } } },
    });
  });
});

describe("read", () => {
  it("makes inputs of an id and what ARM answers", async () => {
    await create("network:VirtualNetwork", vnet);
    const { id, inputs, properties } = await read("network:VirtualNetwork", vnetId);
    expect(id).toBe(vnetId);
    expect(inputs).toEqual({
      resourceGroupName: "rg",
      virtualNetworkName: "vnet",
      location: "westeurope",
      addressSpace: { addressPrefixes: ["10.0.0.0/16"] },
      subnets: [],
    });
    expect(properties).toMatchObject({ name: "vnet", provisioningState: "Succeeded" });
  });

  it("says that a resource is gone, and when an id is none of its type", async () => {
    expect(await read("network:VirtualNetwork", vnetId)).toEqual({ id: "", inputs: {}, properties: {} });
    arm.answer = () => ({ status: 200, body: { id: "/x" } });
    await expect(read("network:VirtualNetwork", `${group}/providers/Microsoft.Network/x/y`)).rejects.toThrow(
      /is not the id of a Microsoft.Network\/virtualNetworks/,
    );
  });

  it("keeps secrets secret", async () => {
    const tagged = { ...vnet, tags: { key: new Secret("hidden"), open: "1" } };
    const { properties } = await create("network:VirtualNetwork", tagged);
    stored(vnetId)["tags"] = { key: "changed", open: "2" };
    const refreshed = await read("network:VirtualNetwork", vnetId, tagged, properties);
    expect(refreshed.inputs["tags"]).toEqual({ key: new Secret("changed"), open: "2" });
    expect(refreshed.properties["tags"]).toEqual({ key: new Secret("changed"), open: "2" });
  });
});

describe("functions", () => {
  const args = { resourceGroupName: "rg" };

  it.each<[string, PropertyMap, string]>([
    [
      "containerservice:listManagedClusterUserCredentials",
      { resourceName: "aks", serverFqdn: "f" },
      "/Microsoft.ContainerService/managedClusters/aks/listClusterUserCredential",
    ],
    [
      "containerservice:listManagedClusterAdminCredentials",
      { resourceName: "aks" },
      "/Microsoft.ContainerService/managedClusters/aks/listClusterAdminCredential",
    ],
    ["storage:listStorageAccountKeys", { accountName: "a" }, "/Microsoft.Storage/storageAccounts/a/listKeys"],
    [
      "redisenterprise:listDatabaseKeys",
      { clusterName: "c", databaseName: "default" },
      "/Microsoft.Cache/redisEnterprise/c/databases/default/listKeys",
    ],
    [
      "eventhub:listNamespaceKeys",
      { namespaceName: "n", authorizationRuleName: "RootManageSharedAccessKey" },
      "/Microsoft.EventHub/namespaces/n/authorizationRules/RootManageSharedAccessKey/listKeys",
    ],
    [
      "operationalinsights:getSharedKeys",
      { workspaceName: "w" },
      "/Microsoft.OperationalInsights/workspaces/w/sharedKeys",
    ],
    [
      "containerregistry:listRegistryCredentials",
      { registryName: "r" },
      "/Microsoft.ContainerRegistry/registries/r/listCredentials",
    ],
  ])("%s posts an empty body to the action", async (token, own, path) => {
    arm.answer = () => ({ status: 200, body: { answered: true } });
    expect((await invoke(token, { ...args, ...own })).result).toEqual({ answered: true });
    expect(arm.requests).toMatchObject([{ method: "POST", path: `${group}/providers${path}`, body: {} }]);
  });

  it("get a resource by its type, with id and API version", async () => {
    await create("network:VirtualNetwork", vnet);
    const { result } = await invoke("network:getVirtualNetwork", { ...args, virtualNetworkName: "vnet" });
    expect(result).toMatchObject({ id: vnetId, name: "vnet", azureApiVersion: "2024-05-01" });
    arm.resources.set(group.toLowerCase(), { id: group, name: "rg", location: "westeurope" });
    const found = await invoke("resources:getResourceGroup", args);
    expect(found.result).toMatchObject({ id: group, location: "westeurope" });
  });

  it("give a token, also for another audience", async () => {
    const { result } = await invoke("authorization:getClientToken", { endpoint: "https://graph" });
    expect(result?.["token"]).toMatch(/^e30\./);
    expect(arm.tokens.at(-1)?.form["scope"]).toBe("https://graph/.default");
  });

  it("fail with ARM's reason, or as unknown", async () => {
    await expect(
      invoke("network:getSubnet", { ...args, virtualNetworkName: "v", subnetName: "s" }),
    ).rejects.toThrow(/status 404, ResourceNotFound/);
    await expect(invoke("compute:getVirtualMachine", args)).rejects.toThrow(/not found/);
    await expect(invoke("network:rebootEverything", args)).rejects.toThrow(/not found/);
  });
});

it("says that a type is not known", async () => {
  await expect(create("compute:VirtualMachine", {})).rejects.toThrow(
    "resource type azure-native:compute:VirtualMachine is not known to the local target's azure-native plugin",
  );
});

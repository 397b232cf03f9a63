import * as authorization from "@pulumi/azure-native/authorization/index.js";
import * as dbforpostgresql from "@pulumi/azure-native/dbforpostgresql/index.js";
import * as dns from "@pulumi/azure-native/dns/index.js";
import * as keyvault from "@pulumi/azure-native/keyvault/index.js";
import * as managedidentity from "@pulumi/azure-native/managedidentity/index.js";
import * as network from "@pulumi/azure-native/network/index.js";
import * as azure from "@pulumi/azure-native/provider.js";
import * as resources from "@pulumi/azure-native/resources/index.js";
import * as storage from "@pulumi/azure-native/storage/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A cloud to declare into, and who declares. */
export interface Account {
  metadataHost: string;
  caFile: string;
  clientId: string;
  clientSecret: string;
  tenantId: string;
  subscriptionId: string;
}

export interface Variant {
  tag: string;
  prefix: string;
  sku: string;
  tier: string;
}

export const first: Variant = { tag: "one", prefix: "10.0.1.0/24", sku: "Basic", tier: "small" };

/** What must not be in a state file in the clear. */
export const hidden = "Hidden-Password-1";

const reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/** 14 resources of 14 types, with the ways in which they refer to each other. */
export const createProgram = (account: Account, variant: Variant) => (): Promise<Record<string, unknown>> => {
  const { subscriptionId, tenantId, clientId, clientSecret, metadataHost } = account;
  const provider = new azure.Provider("tenant", {
    clientId,
    clientSecret,
    tenantId,
    subscriptionId,
    metadataHost,
  });
  const opts = { provider };
  const group = new resources.ResourceGroup(
    "rg",
    { resourceGroupName: "rg-acme", location: "westeurope", tags: { tag: variant.tag } },
    opts,
  );
  const resourceGroupName = group.name;
  const vnet = new network.VirtualNetwork(
    "vnet",
    { resourceGroupName, virtualNetworkName: "vnet", addressSpace: { addressPrefixes: ["10.0.0.0/16"] } },
    opts,
  );
  const nsg = new network.NetworkSecurityGroup("nsg", { resourceGroupName }, opts);
  new network.Subnet(
    "nodes",
    {
      resourceGroupName,
      virtualNetworkName: vnet.name,
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
      // The fake cloud gives identities no principal.
      principalId: identity.principalId.apply((id) => id || subscriptionId),
      principalType: "ServicePrincipal",
      roleDefinitionId: `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${reader}`,
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
      properties: { tenantId, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true },
    },
    opts,
  );
  new keyvault.Secret(
    "password",
    {
      resourceGroupName,
      vaultName: vault.name,
      secretName: "password",
      properties: { value: pulumi.secret(hidden) },
    },
    opts,
  );
  const store = new storage.StorageAccount(
    "account",
    { resourceGroupName, kind: "StorageV2", sku: { name: "Standard_LRS" } },
    opts,
  );
  new storage.BlobContainer(
    "data",
    {
      resourceGroupName,
      accountName: store.name,
      metadata: { tier: variant.tier, key: pulumi.secret(hidden) },
    },
    opts,
  );
  new dbforpostgresql.Server(
    "pg",
    {
      resourceGroupName,
      serverName: "pg-acme",
      version: "17",
      sku: { name: "Standard_B1ms", tier: "Burstable" },
      storage: { storageSizeGB: 32 },
      administratorLogin: "admin1",
      administratorLoginPassword: pulumi.secret(hidden),
    },
    opts,
  );
  return Promise.resolve({ groupId: group.id, account: store.name });
};

/** Stack, provider and the program's resources. */
export const resourceCount = 16;

const plugin = fileURLToPath(new URL("../../../../local/providers/azure-native", import.meta.url));

/** A stack of that program on a file backend in `folder`, with this repository's plugin. */
export async function createStack(engine: string, folder: string, account: Account): Promise<Stack> {
  // The engine knows `plugins`, the SDK's type does not.
  const projectSettings = {
    name: "tierlift",
    runtime: "nodejs" as const,
    backend: { url: `file://${folder}` },
    plugins: { providers: [{ name: "azure-native", path: plugin }] },
  };
  return LocalWorkspace.createOrSelectStack(
    { stackName: "acme", projectName: "tierlift", program: createProgram(account, first) },
    {
      pulumiCommand: await PulumiCommand.get({ root: engine }),
      workDir: folder,
      projectSettings,
      envVars: {
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_HOME: join(folder, "home"),
        NODE_EXTRA_CA_CERTS: account.caFile,
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    },
  );
}

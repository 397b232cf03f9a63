/** Microsoft.Storage: accounts as resources; a blob server behind them is a backend's matter. */
import { randomBytes } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import { badRequest, conflict } from "../errors.ts";
import { recordAt, stringAt, valueAt } from "../http.ts";
import { idKey } from "../path.ts";
import type { StoredResource } from "../store.ts";
import { plain } from "./behaviour.ts";
import type { ActionContext, TypeBehaviour } from "./behaviour.ts";

const accountType = "Microsoft.Storage/storageAccounts";
const newKey = (): string => randomBytes(64).toString("base64");

const storageAccounts: TypeBehaviour = {
  type: accountType,
  put: { created: 202, updated: 200, operation: "location" },
  delete: { accepted: 200 },
  hasState: true,
  busyCode: "StorageAccountOperationInProgress",
  nameError: {
    code: "AccountNameInvalid",
    message:
      "The storage account name is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only.",
  },
  namePattern: /^[a-z0-9]{3,24}$/,
  createOnly: [
    { path: "properties.isHnsEnabled" },
    { path: "properties.isNfsV3Enabled" },
    { path: "properties.encryption.requireInfrastructureEncryption" },
    { path: "properties.dnsEndpointType" },
  ],
  // The keys: kept with the account, answered by listKeys only.
  writeOnly: ["private"],
  defaults: () => ({
    kind: "StorageV2",
    properties: {
      accessTier: "Hot",
      allowBlobPublicAccess: false,
      allowCrossTenantReplication: false,
      minimumTlsVersion: "TLS1_0",
      supportsHttpsTrafficOnly: true,
      networkAcls: { bypass: "AzureServices", defaultAction: "Allow", ipRules: [], virtualNetworkRules: [] },
      encryption: {
        keySource: "Microsoft.Storage",
        services: {
          blob: { enabled: true, keyType: "Account" },
          file: { enabled: true, keyType: "Account" },
        },
      },
    },
  }),
  check: ({ cloud, resource, previous }) => {
    if (previous === undefined && isTaken(cloud, resource)) {
      throw conflict(
        "StorageAccountAlreadyTaken",
        `The storage account named ${resource.name} is already taken.`,
      );
    }
    const [before, after] = [previous, resource].map((one) => stringAt(one?.body, "sku.name") ?? "");
    if (before === undefined || after === undefined || before === "" || before === after) return;
    const isOtherKind = before.startsWith("Premium") !== after.startsWith("Premium");
    const isZoneChange = /ZRS/.test(before) !== /ZRS/.test(after);
    if (!isOtherKind && !isZoneChange) return;
    throw badRequest(
      "InvalidAccountSkuChange",
      `The storage account sku cannot be changed from ${before} to ${after} by an update.`,
      "sku.name",
    );
  },
  outputs: ({ resource, previous }) => ({
    sku: { tier: (stringAt(resource.body, "sku.name") ?? "Standard").split("_")[0] },
    ...(previous === undefined ? accountOutputs(resource) : {}),
  }),
  actions: { listkeys: listKeys, regeneratekey: regenerateKey },
};

const isTaken = (cloud: Cloud, resource: StoredResource): boolean =>
  cloud.store
    .list(resource.type)
    .some(
      (one) => one.name.toLowerCase() === resource.name.toLowerCase() && idKey(one.id) !== idKey(resource.id),
    );

function accountOutputs(account: StoredResource): Record<string, unknown> {
  const endpoint = (service: string): string => `https://${account.name}.${service}.core.windows.net/`;
  const services = ["blob", "dfs", "file", "queue", "table"];
  return {
    private: { keys: { key1: newKey(), key2: newKey() } },
    properties: {
      primaryEndpoints: {
        ...Object.fromEntries(services.map((service) => [service, endpoint(service)])),
        web: endpoint("z6.web"),
      },
      primaryLocation: account.location,
      statusOfPrimary: "available",
      creationTime: account.createdAt,
      keyCreationTime: { key1: account.createdAt, key2: account.createdAt },
      privateEndpointConnections: [],
    },
  };
}

function listKeys({ resource }: ActionContext): unknown {
  const keys = recordAt(resource.body, "private.keys");
  return {
    keys: Object.entries(keys).map(([keyName, value]) => ({
      keyName,
      value,
      permissions: "FULL",
      creationTime: resource.createdAt,
    })),
  };
}

function regenerateKey(context: ActionContext): unknown {
  const { cloud, resource, body } = context;
  const name = stringAt(body, "keyName") ?? "";
  const keys = recordAt(resource.body, "private.keys");
  if (!(name in keys)) throw badRequest("InvalidKeyName", `The key name '${name}' is not valid.`, "keyName");
  const fresh = { keys: { ...keys, [name]: newKey() } };
  const changed = {
    ...resource,
    body: { ...resource.body, private: fresh },
    outputs: { ...resource.outputs, private: fresh },
  };
  cloud.store.put(changed);
  return listKeys({ ...context, resource: changed });
}

const blobServices: TypeBehaviour = {
  type: `${accountType}/blobServices`,
  put: { created: 200, updated: 200 },
  delete: { accepted: 200 },
  virtual: (name) =>
    name === "default"
      ? {
          properties: {
            cors: { corsRules: [] },
            deleteRetentionPolicy: { enabled: false, allowPermanentDelete: false },
          },
        }
      : undefined,
};

const containers: TypeBehaviour = {
  type: `${accountType}/blobServices/containers`,
  ...plain,
  nameError: {
    code: "ContainerOperationFailure",
    message: "The specified resource name contains invalid characters.",
  },
  namePattern: /^(?!.*--)[a-z0-9$][a-z0-9-]{1,61}[a-z0-9]$/,
  createOnly: [
    { path: "properties.defaultEncryptionScope" },
    { path: "properties.denyEncryptionScopeOverride" },
  ],
  defaults: () => ({
    properties: {
      publicAccess: "None",
      defaultEncryptionScope: "$account-encryption-key",
      denyEncryptionScopeOverride: false,
    },
  }),
  check: ({ cloud, resource }) => {
    const account = cloud.store.get(resource.id.split("/").slice(0, -4).join("/"));
    const access = stringAt(resource.body, "properties.publicAccess");
    if (access === "None" || valueAt(account?.body, "properties.allowBlobPublicAccess") === true) return;
    throw conflict("PublicAccessNotPermitted", "Public access is not permitted on this storage account.");
  },
  outputs: ({ resource }) => ({
    properties: {
      leaseStatus: "Unlocked",
      leaseState: "Available",
      lastModifiedTime: resource.changedAt,
      hasImmutabilityPolicy: false,
      hasLegalHold: false,
      deleted: false,
      remainingRetentionDays: 0,
    },
  }),
};

const managementPolicies: TypeBehaviour = {
  type: `${accountType}/managementPolicies`,
  put: { created: 200, updated: 200 },
  delete: { accepted: 200 },
  nameError: { code: "InvalidManagementPolicyName" },
  namePattern: /^default$/,
  outputs: ({ resource }) => ({ properties: { lastModifiedTime: resource.changedAt } }),
};

export const storage: TypeBehaviour[] = [storageAccounts, blobServices, containers, managementPolicies];

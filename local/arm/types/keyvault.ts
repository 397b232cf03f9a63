/** Microsoft.KeyVault through the resource manager; the data plane is in `vaults/`. */
import { ArmError, badRequest, conflict } from "../errors.ts";
import { recordAt, stringAt, valueAt } from "../http.ts";
import { idKey } from "../path.ts";
import { findDeletedVault, recoverVault, vaultType } from "../vaults/soft-delete.ts";
import type { PutContext, TypeBehaviour } from "./behaviour.ts";

const vaults: TypeBehaviour = {
  type: vaultType,
  put: { created: 201, updated: 200, operation: "body" },
  delete: { accepted: 200 },
  hasState: true,
  busyStates: { creating: "RegisteringDns", updating: "RegisteringDns" },
  nameError: {
    code: "VaultNameNotValid",
    message:
      "The vault name is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens.",
  },
  namePattern: /^(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/,
  defaults: () => ({
    properties: {
      accessPolicies: [],
      enabledForDeployment: false,
      enableSoftDelete: true,
      softDeleteRetentionInDays: 90,
      enableRbacAuthorization: false,
      publicNetworkAccess: "Enabled",
    },
  }),
  check: checkVault,
  answer: (resource, cloud) => ({
    properties: { vaultUri: `${cloud.origin()}/vaults/${resource.name}/`, privateEndpointConnections: [] },
  }),
};

function checkVault(context: PutContext): void {
  const { cloud, resource, previous } = context;
  const properties = recordAt(resource.body, "properties");
  const before = recordAt(previous?.body, "properties");
  const tenantId = cloud.directory.subscription(resource.subscriptionId)?.tenantId;
  if (stringAt(properties, "tenantId") !== tenantId) {
    throw badRequest(
      "BadRequest",
      `The tenant ID in the request ('${stringAt(properties, "tenantId") ?? ""}') does not match the tenant of the subscription ('${tenantId ?? ""}').`,
      "properties.tenantId",
    );
  }
  if (properties["enableSoftDelete"] === false) {
    throw badRequest(
      "BadRequest",
      'The property "enableSoftDelete" cannot be set to false. Soft delete is always on.',
      "properties.enableSoftDelete",
    );
  }
  if (
    previous !== undefined &&
    before["softDeleteRetentionInDays"] !== properties["softDeleteRetentionInDays"]
  ) {
    throw badRequest(
      "BadRequest",
      'The property "softDeleteRetentionInDays" has been set already and it can\'t be modified.',
      "properties.softDeleteRetentionInDays",
    );
  }
  if (before["enablePurgeProtection"] === true && properties["enablePurgeProtection"] !== true) {
    throw badRequest(
      "BadRequest",
      'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.',
      "properties.enablePurgeProtection",
    );
  }
  if (previous === undefined) checkVaultName(context);
}

function checkVaultName(context: PutContext): void {
  const { cloud, resource } = context;
  const mode = stringAt(resource.body, "properties.createMode");
  const deleted = findDeletedVault(cloud, resource.name);
  const taken = cloud.store
    .list(vaultType)
    .some((vault) => vault.name.toLowerCase() === resource.name.toLowerCase());
  if (taken) {
    throw conflict(
      "VaultAlreadyExists",
      `The vault name '${resource.name}' is already in use. Vault names are globally unique so it is possible that the name is already taken.`,
    );
  }
  if (mode === "recover") {
    if (deleted === undefined || idKey(deleted.resource.id) !== idKey(resource.id)) {
      throw conflict(
        "SoftDeletedVaultDoesNotExist",
        `A soft deleted vault with the given name '${resource.name}' does not exist. Ensure that the name for the vault that is being attempted to recover is in a recoverable state.`,
      );
    }
    recoverVault(context, deleted);
    return;
  }
  if (deleted === undefined) return;
  throw conflict(
    "ConflictError",
    `A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.`,
  );
}

const secrets: TypeBehaviour = {
  type: `${vaultType}/secrets`,
  put: { created: 201, updated: 200 },
  delete: { accepted: 200 },
  nameError: { code: "BadRequest", message: "The secret name is invalid." },
  namePattern: /^[a-zA-Z0-9-]{1,127}$/,
  writeOnly: ["properties.value"],
  inUse: () =>
    new ArmError(405, "MethodNotAllowed", "Secrets are deleted through the vault, not the resource manager."),
  check: ({ cloud, resource }) => {
    if (cloud.secrets.deleted(vaultOf(resource.id), resource.name) === undefined) return;
    throw conflict(
      "ConflictError",
      `Secret ${resource.name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`,
    );
  },
  // The value goes to the vault's own store, and no further.
  outputs: ({ cloud, resource }) => {
    const { value, ...properties } = recordAt(resource.body, "properties");
    resource.body = { ...resource.body, properties };
    if (typeof value === "string") {
      cloud.secrets.set(vaultOf(resource.id), resource.name, {
        value,
        contentType: stringAt(properties, "contentType"),
        attributes: recordAt(properties, "attributes"),
        tags: recordAt(resource.body, "tags"),
      });
    }
    return {};
  },
  answer: (resource, cloud) => {
    const current = cloud.secrets.current(vaultOf(resource.id), resource.name);
    const vault = resource.id.split("/").at(-3) ?? "";
    const secretUri = `${cloud.origin()}/vaults/${vault}/secrets/${resource.name}`;
    const attributes = {
      enabled: valueAt(resource.body, "properties.attributes.enabled") ?? true,
      created: current?.created,
      updated: current?.updated,
    };
    return {
      properties: { secretUri, secretUriWithVersion: `${secretUri}/${current?.version ?? ""}`, attributes },
    };
  },
};

const vaultOf = (secretId: string): string => secretId.split("/").slice(0, -2).join("/");

export const keyvault: TypeBehaviour[] = [vaults, secrets];

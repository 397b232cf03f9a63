/**
 * Key Vault's data plane at `/vaults/<name>/…`: secrets with versions, soft deletion, recovery and purge.
 *
 * Rights: a data action of a role on the vault or above it (Key Vault Secrets Officer, Secrets User, Administrator),
 * an access policy where the vault works by policies, or having made the vault. The operator may read.
 */
import { rolesOn } from "../authorization.ts";
import type { Cloud } from "../cloud.ts";
import { ArmError, badRequest, conflict, notFound } from "../errors.ts";
import type { ArmAnswer } from "../http.ts";
import { isRecord, listAt, recordAt, stringAt, valueAt, without } from "../http.ts";
import type { Caller } from "../identity/caller.ts";
import { vaultAudience } from "../identity/oauth.ts";
import { isAllowed } from "../identity/roles.ts";
import type { StoredResource } from "../store.ts";
import type { SecretVersion, StoredSecret } from "./secrets.ts";
import { vaultType } from "./soft-delete.ts";

export interface VaultRequest {
  method: string;
  /** Segments after `/vaults/<name>`. */
  path: string[];
  vault: StoredResource;
  body: unknown;
  caller: Caller;
}

/** The vault a data-plane path names. */
export function vaultByName(cloud: Cloud, name: string): StoredResource {
  const vault = cloud.store.list(vaultType).find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (vault === undefined) throw notFound("VaultNotFound", `There is no vault named '${name}'.`);
  return vault;
}

/** The 401 by which clients learn where to get a token: the vault's tenant, and Key Vault as the resource. */
export function challenge(cloud: Cloud, vault: StoredResource): Record<string, string> {
  const tenant = cloud.directory.subscription(vault.subscriptionId)?.tenantId ?? "common";
  return {
    "www-authenticate": `Bearer authorization="${cloud.origin()}/${tenant}", resource="${vaultAudience}"`,
  };
}

type Right = "get" | "list" | "set" | "delete" | "recover" | "purge";

const dataActions: Record<Right, string> = {
  get: "Microsoft.KeyVault/vaults/secrets/getSecret/action",
  list: "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
  set: "Microsoft.KeyVault/vaults/secrets/setSecret/action",
  delete: "Microsoft.KeyVault/vaults/secrets/delete",
  recover: "Microsoft.KeyVault/vaults/secrets/recover/action",
  purge: "Microsoft.KeyVault/vaults/secrets/purge/action",
};

export function answerVault(cloud: Cloud, request: VaultRequest): ArmAnswer {
  const [collection = "", name, last] = request.path.map((segment) => decodeURIComponent(segment));
  const kind = `${request.method} ${collection.toLowerCase()}`;
  if (kind === "GET secrets" && name === undefined) return listSecrets(cloud, request, false);
  if (kind === "GET deletedsecrets" && name === undefined) return listSecrets(cloud, request, true);
  if (name === undefined) throw badRequest("BadParameter", "Method or path not allowed.");
  switch (kind) {
    case "GET secrets":
      return last === "versions" ? listVersions(cloud, request, name) : getSecret(cloud, request, name, last);
    case "PUT secrets":
      return setSecret(cloud, request, name);
    case "PATCH secrets":
      return updateSecret(cloud, request, name, last);
    case "DELETE secrets":
      return deleteSecret(cloud, request, name);
    case "GET deletedsecrets":
      requireVaultRight(cloud, request, "get");
      return { status: 200, body: describeDeleted(cloud, request, requireDeleted(cloud, request, name)) };
    case "POST deletedsecrets":
      return recoverSecret(cloud, request, name);
    case "DELETE deletedsecrets":
      return purgeSecret(cloud, request, name);
    default:
      throw new ArmError(405, "MethodNotAllowed", `${request.method} is not allowed here.`);
  }
}

function requireVaultRight(cloud: Cloud, { vault, caller }: VaultRequest, right: Right): void {
  if (caller.kind === "operator") {
    if (right === "get" || right === "list") return;
  } else if (vault.createdBy === caller.objectId) return;
  else if (isAllowed(rolesOn(cloud, caller.objectId, vault.id), dataActions[right], "data")) return;
  else if (
    valueAt(vault.body, "properties.enableRbacAuthorization") !== true &&
    hasPolicy(vault, caller, right)
  )
    return;
  throw new ArmError(
    403,
    "Forbidden",
    `Caller is not authorized to perform action on resource. If role assignments, deny assignments or role definitions were changed recently, please observe propagation time. Caller: appid=${caller.clientId};oid=${caller.objectId} Action: '${dataActions[right]}' Resource: '${vault.id.toLowerCase()}'`,
  );
}

function hasPolicy(vault: StoredResource, caller: Caller, right: Right): boolean {
  return listAt(vault.body, "properties.accessPolicies").some((policy) => {
    const given = listAt(policy, "permissions.secrets").map((one) => String(one).toLowerCase());
    return (
      stringAt(policy, "objectId") === caller.objectId && (given.includes("all") || given.includes(right))
    );
  });
}

function getSecret(
  cloud: Cloud,
  request: VaultRequest,
  name: string,
  version: string | undefined,
): ArmAnswer {
  requireVaultRight(cloud, request, "get");
  const secret = requireSecret(cloud, request, name);
  const found = version ? secret.versions.find((one) => one.version === version) : secret.versions.at(-1);
  if (found === undefined) throw secretNotFound(request, name);
  if (found.attributes["enabled"] === false) {
    throw new ArmError(403, "Forbidden", "Operation get is not allowed on a disabled secret.");
  }
  return {
    status: 200,
    body: { value: found.value, ...describeVersion(cloud, request, secret.name, found) },
  };
}

function setSecret(cloud: Cloud, request: VaultRequest, name: string): ArmAnswer {
  requireVaultRight(cloud, request, "set");
  const value = stringAt(request.body, "value");
  if (value === undefined) throw badRequest("BadParameter", "The request body must have a value.");
  if (!/^[a-zA-Z0-9-]{1,127}$/.test(name))
    throw badRequest("BadParameter", `The secret name '${name}' is invalid.`);
  if (cloud.secrets.deleted(request.vault.id, name) !== undefined) {
    throw conflict(
      "Conflict",
      `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`,
    );
  }
  const version = cloud.secrets.set(request.vault.id, name, {
    value,
    contentType: stringAt(request.body, "contentType"),
    attributes: recordAt(request.body, "attributes"),
    tags: recordAt(request.body, "tags"),
  });
  showToArm(cloud, request, name);
  return { status: 200, body: { value, ...describeVersion(cloud, request, name, version) } };
}

function updateSecret(
  cloud: Cloud,
  request: VaultRequest,
  name: string,
  version: string | undefined,
): ArmAnswer {
  requireVaultRight(cloud, request, "set");
  const secret = requireSecret(cloud, request, name);
  const wanted = version ?? secret.versions.at(-1)?.version ?? "";
  const body = isRecord(request.body) ? request.body : {};
  const changed = cloud.secrets.update(request.vault.id, name, wanted, {
    ...(isRecord(body["attributes"]) ? { attributes: body["attributes"] } : {}),
    ...(typeof body["contentType"] === "string" ? { contentType: body["contentType"] } : {}),
    ...(isRecord(body["tags"]) ? { tags: body["tags"] } : {}),
  });
  if (changed === undefined) throw secretNotFound(request, name);
  return { status: 200, body: describeVersion(cloud, request, secret.name, changed) };
}

function deleteSecret(cloud: Cloud, request: VaultRequest, name: string): ArmAnswer {
  requireVaultRight(cloud, request, "delete");
  const days = Number(valueAt(request.vault.body, "properties.softDeleteRetentionInDays") ?? 90);
  const secret = cloud.secrets.delete(request.vault.id, name, days);
  if (secret === undefined) throw secretNotFound(request, name);
  cloud.store.remove(`${request.vault.id}/secrets/${name}`);
  return { status: 200, body: describeDeleted(cloud, request, secret) };
}

function recoverSecret(cloud: Cloud, request: VaultRequest, name: string): ArmAnswer {
  requireVaultRight(cloud, request, "recover");
  if (request.path.at(-1) !== "recover") throw badRequest("BadParameter", "Method or path not allowed.");
  requireDeleted(cloud, request, name);
  const secret = cloud.secrets.recover(request.vault.id, name);
  const current = secret?.versions.at(-1);
  if (current === undefined) throw secretNotFound(request, name);
  showToArm(cloud, request, name);
  return { status: 200, body: describeVersion(cloud, request, name, current) };
}

function purgeSecret(cloud: Cloud, request: VaultRequest, name: string): ArmAnswer {
  requireVaultRight(cloud, request, "purge");
  requireDeleted(cloud, request, name);
  cloud.secrets.purge(request.vault.id, name);
  return { status: 204 };
}

function listSecrets(cloud: Cloud, request: VaultRequest, isDeleted: boolean): ArmAnswer {
  requireVaultRight(cloud, request, "list");
  const all = cloud.secrets
    .list(request.vault.id)
    .filter((one) => (one.deletedDate !== undefined) === isDeleted);
  const value = all.map((secret) => {
    const current = secret.versions.at(-1) as SecretVersion;
    const described = isDeleted
      ? describeDeleted(cloud, request, secret)
      : describeVersion(cloud, request, secret.name, current);
    return { ...described, id: secretId(cloud, "secrets", secret.name) };
  });
  return { status: 200, body: { value, nextLink: null } };
}

function listVersions(cloud: Cloud, request: VaultRequest, name: string): ArmAnswer {
  requireVaultRight(cloud, request, "list");
  const secret = requireSecret(cloud, request, name);
  const value = secret.versions.map((version) => describeVersion(cloud, request, secret.name, version));
  return { status: 200, body: { value, nextLink: null } };
}

/** What the data plane sets can be read through the resource manager too. */
function showToArm(cloud: Cloud, { vault, caller }: VaultRequest, name: string): void {
  const id = `${vault.id}/secrets/${name}`;
  if (cloud.store.get(id) !== undefined) return;
  const common = without(vault, "operationId");
  const now = new Date().toISOString();
  const stamps = { createdAt: now, changedAt: now, createdBy: caller.objectId, changedBy: caller.objectId };
  const body = { properties: { attributes: { enabled: true } } };
  cloud.store.put({ ...common, ...stamps, id, type: `${vaultType}/secrets`, name, body, outputs: {} });
}

function requireSecret(cloud: Cloud, request: VaultRequest, name: string): StoredSecret {
  const secret = cloud.secrets.get(request.vault.id, name);
  if (secret === undefined) throw secretNotFound(request, name);
  return secret;
}

function requireDeleted(cloud: Cloud, request: VaultRequest, name: string): StoredSecret {
  const secret = cloud.secrets.deleted(request.vault.id, name);
  if (secret === undefined) throw notFound("SecretNotFound", `Deleted Secret not found: ${name}`);
  return secret;
}

const secretNotFound = ({ vault }: VaultRequest, name: string): ArmError =>
  notFound(
    "SecretNotFound",
    `A secret with (name/id) ${name} was not found in this key vault (${vault.name}). If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`,
  );

/**
 * A secret's id as Key Vault's clients take it apart: host, collection, name, version and nothing else. So it cannot
 * name the vault here, where all vaults share a host; the address of a secret is `secretUri` of the resource manager.
 */
const secretId = (cloud: Cloud, collection: string, name: string): string =>
  `${cloud.origin()}/${collection}/${name}`;

function describeVersion(
  cloud: Cloud,
  request: VaultRequest,
  name: string,
  version: SecretVersion,
): Record<string, unknown> {
  const days = Number(valueAt(request.vault.body, "properties.softDeleteRetentionInDays") ?? 90);
  return {
    id: `${secretId(cloud, "secrets", name)}/${version.version}`,
    ...(version.contentType === undefined ? {} : { contentType: version.contentType }),
    attributes: {
      enabled: true,
      ...version.attributes,
      created: version.created,
      updated: version.updated,
      recoveryLevel: "Recoverable+Purgeable",
      recoverableDays: days,
    },
    tags: version.tags,
  };
}

function describeDeleted(cloud: Cloud, request: VaultRequest, secret: StoredSecret): Record<string, unknown> {
  const current = secret.versions.at(-1) as SecretVersion;
  return {
    recoveryId: secretId(cloud, "deletedsecrets", secret.name),
    deletedDate: secret.deletedDate,
    scheduledPurgeDate: secret.scheduledPurgeDate,
    ...describeVersion(cloud, request, secret.name, current),
  };
}

/** Names that stay taken: deleted vaults until they are purged, workspaces for two weeks. */
import type { Cloud } from "../cloud.ts";
import { badRequest, notFound } from "../errors.ts";
import type { ArmAnswer } from "../http.ts";
import { merge, valueAt } from "../http.ts";
import { idKey } from "../path.ts";
import type { SoftDeleted, StoredResource } from "../store.ts";
import type { PutContext } from "../types/behaviour.ts";

export const vaultType = "Microsoft.KeyVault/vaults";
const workspaceType = "Microsoft.OperationalInsights/workspaces";
const dayMs = 24 * 3600 * 1000;
const workspaceDays = 14;

/** Keeps what a deletion leaves behind; nothing for most types. Also called for what goes with its group. */
export function softDelete(cloud: Cloud, root: StoredResource): void {
  for (const resource of [root, ...cloud.store.all(root.id)]) {
    const kind = { [vaultType]: "vault", [workspaceType]: "workspace" }[resource.type];
    if (kind === undefined) continue;
    const retention = valueAt(resource.body, "properties.softDeleteRetentionInDays");
    const days = kind === "vault" ? Number(retention ?? 90) : workspaceDays;
    cloud.store.softDelete({
      kind,
      resource: { ...resource, state: "Succeeded" },
      children: kind === "vault" ? cloud.store.list(`${vaultType}/secrets`, resource.id) : [],
      deletedAt: new Date().toISOString(),
      purgeAt: new Date(Date.now() + days * dayMs).toISOString(),
    });
  }
}

export const findDeletedVault = (cloud: Cloud, name: string): SoftDeleted | undefined =>
  cloud.store.deleted("vault").find((record) => record.resource.name.toLowerCase() === name.toLowerCase());

/** The deleted workspace that a PUT of the same id brings back with its data. */
export const findDeletedWorkspace = (cloud: Cloud, id: string): SoftDeleted | undefined =>
  cloud.store.deleted("workspace").find((record) => idKey(record.resource.id) === idKey(id));

/** Takes a deleted vault's properties and secrets over into the resource about to be stored. */
export function recoverVault({ cloud, resource }: PutContext, deleted: SoftDeleted): void {
  resource.body = merge(resource.body, deleted.resource.body);
  resource.createdAt = deleted.resource.createdAt;
  for (const secret of deleted.children) cloud.store.put(secret);
  cloud.store.purge(deleted);
}

/** The entry of a deleted vault in lists and answers. */
export function describeDeletedVault(record: SoftDeleted): Record<string, unknown> {
  const { resource } = record;
  const location = resource.location ?? "";
  return {
    id: `/subscriptions/${resource.subscriptionId}/providers/Microsoft.KeyVault/locations/${location}/deletedVaults/${resource.name}`,
    type: "Microsoft.KeyVault/deletedVaults",
    name: resource.name,
    properties: {
      vaultId: resource.id,
      location,
      tags: resource.body["tags"] ?? {},
      deletionDate: record.deletedAt,
      scheduledPurgeDate: record.purgeAt,
      purgeProtectionEnabled: valueAt(resource.body, "properties.enablePurgeProtection") === true,
    },
  };
}

/** Purges a deleted vault: its name is free and its secrets are gone. */
export function purgeVault(cloud: Cloud, subscriptionId: string, name: string): ArmAnswer {
  const record = requireDeletedVault(cloud, subscriptionId, name);
  if (valueAt(record.resource.body, "properties.enablePurgeProtection") === true) {
    throw badRequest(
      "MethodNotAllowed",
      `Operation 'DeletedVaultPurge' is not allowed: purge protection is enabled for vault '${name}'.`,
    );
  }
  cloud.secrets.purgeVault(record.resource.id);
  cloud.store.purge(record);
  return { status: 200 };
}

export function requireDeletedVault(cloud: Cloud, subscriptionId: string, name: string): SoftDeleted {
  const record = findDeletedVault(cloud, name);
  if (record !== undefined && record.resource.subscriptionId === subscriptionId) return record;
  throw notFound("DeletedVaultNotFound", `The deleted vault '${name}' does not exist.`);
}

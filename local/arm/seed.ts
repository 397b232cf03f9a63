/** What a new local cloud holds: the principals' roles, and the platform's vault with their secrets. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Cloud } from "./cloud.ts";
import { writeFileDurably } from "./durable.ts";
import { cloudItself } from "./identity/caller.ts";
import { groupId } from "./path.ts";
import type { StoredResource } from "./store.ts";
import { vaultType } from "./vaults/soft-delete.ts";

export const platformPrincipal = "tierlift-platform";
export const tenantPrincipal = "sp-tenant";
const vaultName = "tierlift-platform";
const vaultGroup = "tierlift-bootstrap";
const location = "westeurope";

/** Makes what is missing; the directory's file is written last, so that an interrupted start begins anew. */
export function seedCloud(
  cloud: Cloud,
  folder: string,
): { platformSecretFile: string; platformVaultUrl: string } {
  const platformSecretFile = join(folder, "platform-client-secret");
  const { directory } = cloud;
  const platform = directory.principal(platformPrincipal);
  const vaultId = `${groupId(platform.subscriptionId, vaultGroup)}/providers/${vaultType}/${vaultName}`;
  if (directory.isNew) {
    seedRoles(cloud);
    seedVault(cloud, vaultId);
    writeFileDurably(platformSecretFile, `${platform.secret.value}\n`);
    directory.save();
  }
  return { platformSecretFile, platformVaultUrl: `${cloud.origin()}/vaults/${vaultName}` };
}

function seeded(
  of: Pick<StoredResource, "id" | "type" | "name" | "subscriptionId" | "body"> & Partial<StoredResource>,
): StoredResource {
  const now = new Date().toISOString();
  return {
    resourceGroup: "",
    apiVersion: "2022-04-01",
    outputs: {},
    etag: randomUUID(),
    state: "Succeeded",
    createdAt: now,
    changedAt: now,
    createdBy: cloudItself.objectId,
    changedBy: cloudItself.objectId,
    ...of,
  };
}

function seedRoles(cloud: Cloud): void {
  for (const principal of cloud.directory.principals) {
    if (cloud.directory.subscription(principal.subscriptionId) === undefined) continue;
    for (const roleId of principal.roles)
      assignRole(cloud, principal.subscriptionId, principal.objectId, roleId);
  }
}

function assignRole(cloud: Cloud, subscriptionId: string, principalId: string, roleId: string): void {
  const scope = `/subscriptions/${subscriptionId}`;
  const name = randomUUID();
  const type = "Microsoft.Authorization/roleAssignments";
  const roleDefinitionId = `${scope}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`;
  const body = { properties: { scope, roleDefinitionId, principalId, principalType: "ServicePrincipal" } };
  cloud.store.put(seeded({ id: `${scope}/providers/${type}/${name}`, type, name, subscriptionId, body }));
}

function seedVault(cloud: Cloud, vaultId: string): void {
  const platform = cloud.directory.principal(platformPrincipal);
  const { subscriptionId, tenantId } = platform;
  const id = groupId(subscriptionId, vaultGroup);
  const common = { subscriptionId, resourceGroup: vaultGroup, location, createdBy: platform.objectId };
  cloud.store.put(
    seeded({ ...common, id, type: "Microsoft.Resources/resourceGroups", name: vaultGroup, body: {} }),
  );
  const properties = {
    tenantId,
    sku: { family: "A", name: "standard" },
    accessPolicies: [],
    enableRbacAuthorization: true,
    enableSoftDelete: true,
    softDeleteRetentionInDays: 90,
    publicNetworkAccess: "Enabled",
  };
  cloud.store.put(seeded({ ...common, id: vaultId, type: vaultType, name: vaultName, body: { properties } }));
  for (const { reference, purpose } of cloud.directory.principals) {
    cloud.secrets.set(vaultId, reference.name, { value: reference.value, attributes: {}, tags: { purpose } });
    const secret = {
      id: `${vaultId}/secrets/${reference.name}`,
      type: `${vaultType}/secrets`,
      name: reference.name,
    };
    cloud.store.put(
      seeded({ ...common, ...secret, body: { properties: { attributes: { enabled: true } } } }),
    );
  }
}

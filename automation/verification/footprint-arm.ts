/** A tenant's footprint as its subscription lists it: by tags, by the names this project gives, by scopes. */
import { z } from "zod";
import type { ArmClient } from "../azure/arm.ts";
import type { Tenant } from "../model.ts";
import { planNames } from "../../stacks/naming.ts";

const RESOURCES_API = "2021-04-01";
const ROLES_API = "2022-04-01";
const VAULTS_API = "2023-07-01";

export interface FootprintReader {
  /** Ids of the resource groups that carry the tenant's tag or one of its names. */
  groups(): Promise<string[]>;
  /** Ids of the resources that carry the tenant's tag, wherever they are. */
  resources(): Promise<string[]>;
  /** Ids of the role assignments on the tenant's groups and what was in them. */
  roleAssignments(): Promise<string[]>;
  /** Names of the tenant's vaults that are deleted and not purged. */
  deletedVaults(): Promise<string[]>;
  /** Deletes the resource groups that this migration made, with all that is in them. Answers their ids. */
  removeGroups(migrationId: string): Promise<string[]>;
}

const tagged = z.object({
  id: z.string(),
  name: z.string(),
  tags: z.record(z.string(), z.string()).optional(),
});
const assignment = z.object({ id: z.string(), properties: z.object({ scope: z.string() }) });
const deletedVault = z.object({
  name: z.string(),
  properties: z.object({ tags: z.record(z.string(), z.string()).nullish() }),
});

export function createFootprintReader(
  arm: ArmClient,
  { subscriptionId, tenant, signal }: { subscriptionId: string; tenant: Tenant; signal: AbortSignal },
): FootprintReader {
  const subscription = `/subscriptions/${subscriptionId}`;
  // Without a migration: these two names do not depend on one.
  const { resourceGroup, nodeResourceGroup } = planNames(tenant.slug, "");
  const isOwn = ({ tags }: { tags?: Record<string, string> | undefined }): boolean =>
    tags?.["tenant-id"] === tenant.id;
  const isNamed = (name: string): boolean =>
    [resourceGroup, nodeResourceGroup].some((own) => own.toLowerCase() === name.toLowerCase());
  const list = async <T>(path: string, api: string, item: z.ZodType<T>): Promise<T[]> =>
    z.array(item).parse(await arm.list(`${subscription}${path}`, api, signal));
  const groups = () => list("/resourcegroups", RESOURCES_API, tagged);

  return {
    groups: async () =>
      (await groups()).filter((group) => isOwn(group) || isNamed(group.name)).map(({ id }) => id),
    resources: async () => {
      const filter = encodeURIComponent(`tagName eq 'tenant-id' and tagValue eq '${tenant.id}'`);
      return (await list(`/resources?$filter=${filter}`, RESOURCES_API, tagged)).map(({ id }) => id);
    },
    roleAssignments: async () => {
      const found = await list("/providers/Microsoft.Authorization/roleAssignments", ROLES_API, assignment);
      return found.filter(({ properties }) => isNamed(groupIn(properties.scope))).map(({ id }) => id);
    },
    deletedVaults: async () => {
      const found = await list("/providers/Microsoft.KeyVault/deletedVaults", VAULTS_API, deletedVault);
      return found
        .filter(({ properties }) => isOwn({ tags: properties.tags ?? {} }))
        .map(({ name }) => `vault ${name}`);
    },
    async removeGroups(migrationId) {
      const made = (await groups()).filter(
        (group) => isOwn(group) && group.tags?.["migration"] === migrationId,
      );
      for (const { id } of made) await arm.remove(id, RESOURCES_API, signal);
      return made.map(({ id }) => id);
    },
  };
}

/** The name of the resource group that a scope is or is in; empty for a whole subscription. */
const groupIn = (scope: string): string => /\/resourceGroups\/([^/]+)/i.exec(scope)?.[1] ?? "";

/** Built-in roles, as far as rights in the local cloud hang on them. Ids are Azure's own, the same in every directory. */

export interface RoleDefinition {
  id: string;
  name: string;
  actions: string[];
  notActions: string[];
  dataActions: string[];
  notDataActions: string[];
}

const role = (
  id: string,
  name: string,
  actions: string[],
  more: Partial<Pick<RoleDefinition, "notActions" | "dataActions">> = {},
): RoleDefinition => ({ id, name, actions, notActions: [], dataActions: [], notDataActions: [], ...more });

const contributorLacks = [
  "Microsoft.Authorization/*/Delete",
  "Microsoft.Authorization/*/Write",
  "Microsoft.Authorization/elevateAccess/Action",
];

export const owner = role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", ["*"]);

export const contributor = role("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", ["*"], {
  notActions: contributorLacks,
});

export const reader = role("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", ["*/read"]);

export const userAccessAdministrator = role(
  "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
  "User Access Administrator",
  ["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
);

export const accessControlAdministrator = role(
  "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
  "Role Based Access Control Administrator",
  [
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
    "*/read",
    "Microsoft.Support/*",
  ],
);

/** Not one of Azure's: deploys like a Contributor, but may not register resource providers. */
export const contributorWithoutRegistration = role(
  "6f1ad5d0-93f5-4ed5-9f1c-2f6b1f0a7c11",
  "Contributor without provider registration",
  ["*"],
  { notActions: [...contributorLacks, "*/register/action"] },
);

export const secretsOfficer = role(
  "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
  "Key Vault Secrets Officer",
  ["Microsoft.KeyVault/vaults/read", "Microsoft.KeyVault/vaults/secrets/read"],
  { dataActions: ["Microsoft.KeyVault/vaults/secrets/*"] },
);

export const secretsUser = role("4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", [], {
  dataActions: [
    "Microsoft.KeyVault/vaults/secrets/getSecret/action",
    "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
  ],
});

export const vaultAdministrator = role(
  "00482a5a-887f-4fb3-b363-3b7fe8e74483",
  "Key Vault Administrator",
  ["Microsoft.KeyVault/vaults/read"],
  { dataActions: ["Microsoft.KeyVault/vaults/*"] },
);

/** Roles a program hands to identities; what they allow is used inside clusters and stores, not in this API. */
const runtimeRoles = [
  role("4d97b98b-1d4f-4787-a291-c67834d212e7", "Network Contributor", ["Microsoft.Network/*"]),
  role("b12aa53e-6015-4669-85d0-8515ebb3ae7f", "Private DNS Zone Contributor", [
    "Microsoft.Network/privateDnsZones/*",
  ]),
  role("befefa01-2a29-4197-83a8-272ff33ce314", "DNS Zone Contributor", ["Microsoft.Network/dnsZones/*"]),
  role("7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull", [
    "Microsoft.ContainerRegistry/registries/pull/read",
  ]),
  role("f1a07417-d97a-45cb-824c-7a7467783830", "Managed Identity Operator", [
    "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
  ]),
  role("b0d8363b-8ddd-447d-831f-62ca05bff136", "Monitoring Data Reader", []),
  role("3913510d-42f4-4e42-8a64-420c390055eb", "Monitoring Metrics Publisher", []),
  role("ba92f5b4-2d11-453d-a403-e96b0029c9fe", "Storage Blob Data Contributor", []),
  role("f526a384-b230-433a-b45c-95f59c4a2dec", "Azure Event Hubs Data Owner", []),
  role("b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b", "Azure Kubernetes Service RBAC Cluster Admin", []),
];

export const roleDefinitions: readonly RoleDefinition[] = [
  owner,
  contributor,
  reader,
  userAccessAdministrator,
  accessControlAdministrator,
  contributorWithoutRegistration,
  secretsOfficer,
  secretsUser,
  vaultAdministrator,
  ...runtimeRoles,
];

/** A role by the last segment of a role definition's id; roles not in the table give no rights here. */
export function roleOf(roleDefinitionId: string): RoleDefinition | undefined {
  const id = roleDefinitionId.split("/").at(-1)?.toLowerCase();
  return roleDefinitions.find((definition) => definition.id === id);
}

/** Whether an action's name fits a pattern with `*`; case does not count. */
export function isActionMatch(pattern: string, action: string): boolean {
  const source = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`, "i").test(action);
}

/** Rights of a set of roles: the union over them of actions minus their own exceptions (not of all exceptions). */
export function isAllowed(
  roles: RoleDefinition[],
  action: string,
  kind: "control" | "data" = "control",
): boolean {
  return roles.some((definition) => {
    const [given, taken] =
      kind === "control"
        ? [definition.actions, definition.notActions]
        : [definition.dataActions, definition.notDataActions];
    const fits = (pattern: string): boolean => isActionMatch(pattern, action);
    return given.some(fits) && !taken.some(fits);
  });
}

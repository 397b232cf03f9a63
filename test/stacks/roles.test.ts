import { describe, expect, it } from "vitest";
import { roleOf } from "../../local/arm/identity/roles.ts";
import { planRoleDefinitionId, ROLES } from "../../stacks/cluster/plan.ts";
import type { RoleName } from "../../stacks/cluster/plan.ts";

/** The program's names beside Azure's; the local cloud's table of built-in roles was written on its own. */
const NAMES: Record<RoleName, string> = {
  networkContributor: "Network Contributor",
  managedIdentityOperator: "Managed Identity Operator",
  clusterAdmin: "Azure Kubernetes Service RBAC Cluster Admin",
  keyVaultSecretsUser: "Key Vault Secrets User",
  blobDataContributor: "Storage Blob Data Contributor",
  eventHubsDataOwner: "Azure Event Hubs Data Owner",
  monitoringDataReader: "Monitoring Data Reader",
  monitoringMetricsPublisher: "Monitoring Metrics Publisher",
};

describe("the roles that the programs give", () => {
  it.each(Object.keys(ROLES) as RoleName[])("%s is a built-in role of Azure", (role) => {
    expect(roleOf(planRoleDefinitionId("s", role))?.name).toBe(NAMES[role]);
  });
});

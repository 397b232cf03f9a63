import { afterAll, beforeAll, expect, it } from "vitest";
import type { SecretClient } from "@azure/keyvault-secrets";
import type { ArmUnderTest } from "../local/arm/support/arm.ts";
import { openArm } from "../local/arm/support/arm.ts";
import type { Clients } from "./support/clients.ts";
import { createClients } from "./support/clients.ts";
import { openGroup, refusalOf } from "./support/group.ts";

let arm: ArmUnderTest;
let clients: Clients;
let group: string;
let vault: SecretClient;

beforeAll(async () => {
  arm = await openArm();
  clients = createClients(arm);
  group = await openGroup(clients);
  const made = await clients.vaults.vaults.beginCreateOrUpdateAndWait(group, "kv-clients", {
    location: "westeurope",
    properties: {
      tenantId: clients.tenantId,
      sku: { family: "A", name: "standard" },
      enableRbacAuthorization: true,
    },
  });
  // The principal may hand out roles; reading secrets takes one that has data actions.
  await clients.authorization.roleAssignments.create(made.id ?? "", "0f0f0f0f-1111-4222-8333-444455556666", {
    principalId: arm.running.cloud.directory.principal("sp-tenant").objectId,
    principalType: "ServicePrincipal",
    roleDefinitionId: `/subscriptions/${clients.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/b86a8fe4-44ce-4948-aee5-eccb2c155cd7`,
  });
  vault = clients.secrets(made.properties.vaultUri ?? "");
});
afterAll(() => arm.close());

it("a secret is set, read, listed, deleted and recovered at the address that ARM tells", async () => {
  await vault.setSecret("one", "first");
  const { properties } = await vault.setSecret("one", "second");
  expect(await vault.getSecret("one")).toMatchObject({
    value: "second",
    properties: { version: properties.version },
  });
  const names: string[] = [];
  for await (const { name } of vault.listPropertiesOfSecrets()) names.push(name);
  expect(names).toEqual(["one"]);
  await (await vault.beginDeleteSecret("one")).pollUntilDone();
  expect(await refusalOf(vault.getSecret("one"))).toEqual({ status: 404, code: "SecretNotFound" });
  await (await vault.beginRecoverDeletedSecret("one")).pollUntilDone();
  expect((await vault.getSecret("one")).value).toBe("second");
});

it("a secret made through ARM is read at the vault, and ARM never answers its value", async () => {
  const made = await clients.vaults.secrets.createOrUpdate(group, "kv-clients", "two", {
    properties: { value: "by ARM" },
  });
  expect(made.properties.value).toBeUndefined();
  expect((await vault.getSecret("two")).value).toBe("by ARM");
});

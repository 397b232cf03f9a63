import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ResourceManagementClient } from "@azure/arm-resources";
import type { ArmUnderTest } from "../local/arm/support/arm.ts";
import { openArm } from "../local/arm/support/arm.ts";
import type { Clients } from "./support/clients.ts";
import { createClients } from "./support/clients.ts";
import { openGroup, refusalOf } from "./support/group.ts";

let arm: ArmUnderTest;
let clients: Clients;
let group: string;
const location = "westeurope";

beforeAll(async () => {
  arm = await openArm();
  clients = createClients(arm);
});
afterAll(() => arm.close());
beforeEach(async () => {
  group = await openGroup(clients);
});

const cluster = (vmSize = "Standard_D2ds_v5", count = 1) => ({
  location,
  identity: { type: "SystemAssigned" as const },
  dnsPrefix: "k",
  agentPoolProfiles: [{ name: "sys", mode: "System", count, vmSize }],
});

describe("a client's bad request is refused", () => {
  it.each<[string, () => Promise<unknown>, number, string]>([
    [
      "in a group that is not there",
      () => clients.network.networkSecurityGroups.beginCreateOrUpdateAndWait("nowhere", "nsg", { location }),
      404,
      "ResourceGroupNotFound",
    ],
    [
      "below a parent that is not there",
      () =>
        clients.network.subnets.beginCreateOrUpdateAndWait(group, "no", "a", {
          addressPrefix: "10.0.0.0/24",
        }),
      404,
      "ParentResourceNotFound",
    ],
    [
      "for a resource that is not there",
      () => clients.containers.managedClusters.get(group, "no"),
      404,
      "ResourceNotFound",
    ],
    [
      "without a region",
      () =>
        clients.resources.resources.beginCreateOrUpdateByIdAndWait(
          `/subscriptions/${clients.subscriptionId}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id`,
          "2023-01-31",
          {},
        ),
      400,
      "LocationRequired",
    ],
    [
      "in a region that is none",
      () => clients.identities.userAssignedIdentities.createOrUpdate(group, "id", { location: "atlantis" }),
      400,
      "LocationNotAvailableForResourceType",
    ],
    [
      "for a name that breaks the rules",
      () =>
        clients.storage.storageAccounts.beginCreateAndWait(group, "abc.def", {
          location,
          kind: "StorageV2",
          sku: { name: "Standard_LRS" },
        }),
      400,
      "AccountNameInvalid",
    ],
    [
      "with a property that the type does not have",
      () =>
        clients.resources.resources.beginCreateOrUpdateByIdAndWait(
          `/subscriptions/${clients.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/networkSecurityGroups/nsg`,
          "2024-05-01",
          { location, properties: { noSuchThing: true } },
        ),
      400,
      "InvalidRequestContent",
    ],
    [
      "in an API version that nobody has",
      () =>
        clients.resources.resources.beginCreateOrUpdateByIdAndWait(
          `/subscriptions/${clients.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/networkSecurityGroups/nsg`,
          "1999-01-01",
          { location },
        ),
      400,
      "NoRegisteredProviderFound",
    ],
    [
      "for a subnet outside its network",
      async () => {
        const addressSpace = { addressPrefixes: ["10.0.0.0/16"] };
        await clients.network.virtualNetworks.beginCreateOrUpdateAndWait(group, "net", {
          location,
          addressSpace,
        });
        await clients.network.subnets.beginCreateOrUpdateAndWait(group, "net", "a", {
          addressPrefix: "192.168.0.0/24",
        });
      },
      400,
      "NetcfgInvalidSubnet",
    ],
    [
      "for a change of what is set at creation",
      async () => {
        await clients.containers.managedClusters.beginCreateOrUpdateAndWait(group, "k", cluster());
        await clients.containers.managedClusters.beginCreateOrUpdateAndWait(
          group,
          "k",
          cluster("Standard_D8ds_v5"),
        );
      },
      400,
      "PropertyChangeNotAllowed",
    ],
    [
      "for a deletion under a lock",
      async () => {
        await clients.identities.userAssignedIdentities.createOrUpdate(group, "id", { location });
        const { managementLocks } = clients.locks;
        await managementLocks.createOrUpdateAtResourceGroupLevel(group, "keep", { level: "CanNotDelete" });
        await clients.identities.userAssignedIdentities
          .delete(group, "id")
          .finally(() => managementLocks.deleteAtResourceGroupLevel(group, "keep"));
      },
      409,
      "ScopeLocked",
    ],
  ])("%s", async (_what, ask, status, code) => {
    expect(await refusalOf(ask())).toEqual({ status, code });
  });

  it.each([
    ["sp-reader", 403, "AuthorizationFailed"],
    ["sp-no-role", 403, "AuthorizationFailed"],
    ["sp-no-subscription", 404, "SubscriptionNotFound"],
  ])("as %s", async (principal, status, code) => {
    const { resourceGroups } = createClients(arm, principal).resources;
    expect(await refusalOf(resourceGroups.createOrUpdate("rg", { location }))).toEqual({ status, code });
  });

  it("of a namespace that is not registered", async () => {
    const others = createClients(arm, "sp-unregistered");
    const there = await openGroup(others);
    const { managedClusters } = others.containers;
    expect(await refusalOf(managedClusters.beginCreateOrUpdateAndWait(there, "k", cluster()))).toEqual({
      status: 409,
      code: "MissingSubscriptionRegistration",
    });
    const { registrationState } = await others.resources.providers.get("Microsoft.ContainerService");
    expect(registrationState).toBe("NotRegistered");
  });

  it("beyond the quota", async () => {
    const poor = createClients(arm, "sp-low-quota");
    const there = await openGroup(poor);
    const refused = poor.containers.managedClusters.beginCreateOrUpdateAndWait(
      there,
      "k",
      cluster(undefined, 3),
    );
    expect(await refusalOf(refused)).toMatchObject({ code: "ErrCode_InsufficientVCPUQuota" });
  });

  it("with a credential of another directory", async () => {
    const strangers = createClients(arm, "tierlift-platform").credential;
    const client = new ResourceManagementClient(strangers, clients.subscriptionId, {
      endpoint: arm.running.url,
      tlsOptions: { ca: arm.authority.certificate },
    });
    expect(await refusalOf(client.resourceGroups.get(group))).toEqual({
      status: 401,
      code: "InvalidAuthenticationTokenTenant",
    });
  });
});

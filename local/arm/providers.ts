/** Resource providers: their registration, what a region offers, how much of it is used. */
import type { Cloud } from "./cloud.ts";
import { conflict, notFound } from "./errors.ts";
import type { ArmAnswer, ArmRequest } from "./http.ts";
import { queryValue, stringAt } from "./http.ts";
import type { Subscription } from "./identity/directory.ts";
import { roleDefinitions } from "./identity/roles.ts";
import { rolesOn } from "./authorization.ts";
import { locationKey, regionDisplayNames, regionNames } from "./locations.ts";
import type { CollectionPath } from "./path.ts";
import { coresOf, coreUsage } from "./quota.ts";
import { behaviours, behaviourOf, hasNamespace, namespaces } from "./types/index.ts";
import { findDeletedVault } from "./vaults/soft-delete.ts";
import { versionsOf } from "./versions.ts";

/** Always registered, in Azure too. */
const alwaysThere = new Set(["microsoft.authorization", "microsoft.resources"]);

const isUnregistered = (subscription: Subscription, namespace: string): boolean =>
  subscription.unregistered.some((one) => one.toLowerCase() === namespace.toLowerCase());

/** Throws 409 unless the subscription has the namespace registered. */
export function requireRegistration(subscription: Subscription, namespace: string): void {
  if (alwaysThere.has(namespace.toLowerCase()) || !isUnregistered(subscription, namespace)) return;
  throw conflict(
    "MissingSubscriptionRegistration",
    `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`,
  );
}

export function describeProvider(subscription: Subscription, namespace: string): Record<string, unknown> {
  const name = namespaces.find((one) => one.toLowerCase() === namespace.toLowerCase());
  if (name === undefined)
    throw notFound("InvalidResourceNamespace", `The resource namespace '${namespace}' is invalid.`);
  const types = behaviours.filter((behaviour) => behaviour.type.startsWith(`${name}/`));
  return {
    id: `/subscriptions/${subscription.id}/providers/${name}`,
    namespace: name,
    registrationPolicy: "RegistrationRequired",
    registrationState: isUnregistered(subscription, name) ? "NotRegistered" : "Registered",
    resourceTypes: types.map((behaviour) => ({
      resourceType: behaviour.type.slice(name.length + 1),
      locations: behaviour.isGlobal ? ["global"] : regionDisplayNames,
      apiVersions: versionsOf(behaviour.type),
      zoneMappings: regionDisplayNames.map((location) => ({ location, zones: ["1", "2", "3"] })),
    })),
  };
}

/** GET of one, of all, or POST register. */
export function answerProvider(
  cloud: Cloud,
  subscription: Subscription,
  namespace: string,
  action?: string,
): ArmAnswer {
  if (action?.toLowerCase() === "register") {
    if (!hasNamespace(namespace))
      throw notFound("InvalidResourceNamespace", `The resource namespace '${namespace}' is invalid.`);
    cloud.directory.register(subscription, namespace);
  }
  return { status: 200, body: describeProvider(subscription, namespace) };
}

export const listProviders = (subscription: Subscription): ArmAnswer => ({
  status: 200,
  body: { value: namespaces.map((namespace) => describeProvider(subscription, namespace)) },
});

/** The rights the caller has on a scope, as a list of what each role gives. */
export function listPermissions(cloud: Cloud, request: ArmRequest, scope: string): ArmAnswer {
  const value = rolesOn(cloud, request.caller.objectId, scope).map((role) => ({
    actions: role.actions,
    notActions: role.notActions,
    dataActions: role.dataActions,
    notDataActions: role.notDataActions,
  }));
  return { status: 200, body: { value } };
}

const describeRole = (role: (typeof roleDefinitions)[number]): Record<string, unknown> => ({
  id: `/providers/Microsoft.Authorization/roleDefinitions/${role.id}`,
  type: "Microsoft.Authorization/roleDefinitions",
  name: role.id,
  properties: {
    roleName: role.name,
    type: "BuiltInRole",
    assignableScopes: ["/"],
    permissions: [
      {
        actions: role.actions,
        notActions: role.notActions,
        dataActions: role.dataActions,
        notDataActions: role.notDataActions,
      },
    ],
  },
});

export function listRoleDefinitions(request: ArmRequest): ArmAnswer {
  const name = /roleName\s+eq\s+'([^']*)'/i.exec(queryValue(request.query, "$filter") ?? "")?.[1];
  const found = roleDefinitions.filter((role) => name === undefined || role.name === name);
  return { status: 200, body: { value: found.map(describeRole) } };
}

export function getRoleDefinition(id: string): ArmAnswer {
  const role = roleDefinitions.find((one) => one.id === id.toLowerCase());
  if (role === undefined)
    throw notFound(
      "RoleDefinitionDoesNotExist",
      `The specified role definition with ID '${id}' does not exist.`,
    );
  return { status: 200, body: describeRole(role) };
}

const usage = (
  value: string,
  localizedValue: string,
  currentValue: number,
  limit: number,
): Record<string, unknown> => ({
  unit: "Count",
  currentValue,
  limit,
  name: { value, localizedValue },
});

/** `/providers/{namespace}/locations/{location}/usages`. */
export function listUsages(
  cloud: Cloud,
  subscription: Subscription,
  namespace: string,
  location: string,
): ArmAnswer {
  const count = (type: string): number =>
    cloud.store
      .list(type)
      .filter(
        (one) =>
          one.subscriptionId === subscription.id && locationKey(one.location ?? "") === locationKey(location),
      ).length;
  const used = coreUsage(cloud.store, subscription.id, location);
  const limit = subscription.coreLimit;
  const byNamespace: Record<string, Record<string, unknown>[]> = {
    "microsoft.compute": [
      usage("cores", "Total Regional vCPUs", used, limit),
      ...familyNames.map((family) =>
        usage(`standard${family}Family`, `Standard ${family} Family vCPUs`, 0, limit),
      ),
    ],
    "microsoft.network": [
      usage("VirtualNetworks", "Virtual Networks", count("Microsoft.Network/virtualNetworks"), 1000),
      usage(
        "NetworkSecurityGroups",
        "Network Security Groups",
        count("Microsoft.Network/networkSecurityGroups"),
        5000,
      ),
      usage("PublicIPAddresses", "Public IP Addresses", count("Microsoft.Network/publicIPAddresses"), 1000),
      usage(
        "StandardSkuPublicIpAddresses",
        "Public IPv4 Addresses - Standard",
        count("Microsoft.Network/publicIPAddresses"),
        1000,
      ),
      usage("NatGateways", "NAT Gateways", count("Microsoft.Network/natGateways"), 1000),
    ],
    "microsoft.storage": [
      usage("StorageAccounts", "Storage Accounts", count("Microsoft.Storage/storageAccounts"), 250),
    ],
  };
  return { status: 200, body: { value: byNamespace[namespace.toLowerCase()] ?? [] } };
}

/** Sizes of the families programs choose from; all zones, no restrictions. */
const familyNames = ["DSv5", "DDSv5", "DASv5", "DADSv5", "ESv5", "EDSv5", "BS", "DSv6", "DDSv6"];
const sizeNames = ["Standard_B2s", "Standard_B2ms", "Standard_B4ms"].concat(
  ["D{}s_v5", "D{}ds_v5", "D{}as_v5", "D{}ads_v5", "E{}s_v5", "E{}ds_v5", "D{}s_v6", "D{}ds_v6"].flatMap(
    (pattern) => [2, 4, 8, 16, 32].map((cores) => `Standard_${pattern.replace("{}", String(cores))}`),
  ),
);

/** `/providers/Microsoft.Compute/skus`, of one region when the filter names it. */
export function listSkus(request: ArmRequest): ArmAnswer {
  const filter = queryValue(request.query, "$filter") ?? "";
  const wanted = /location\s+eq\s+'([^']*)'/i.exec(filter)?.[1];
  const locations =
    wanted === undefined ? ["westeurope"] : [locationKey(wanted)].filter((one) => regionNames.includes(one));
  const value = locations.flatMap((location) =>
    sizeNames.map((name) => ({
      resourceType: "virtualMachines",
      name,
      tier: "Standard",
      size: name.replace("Standard_", ""),
      family: `standard${name.replace(/^Standard_([A-Z])\d+([a-z]*)_?(v\d+)?$/, (_, letter: string, more: string, version?: string) => `${letter}${more.toUpperCase()}${version ?? ""}`)}Family`,
      locations: [location],
      locationInfo: [{ location, zones: ["1", "2", "3"], zoneDetails: [] }],
      capabilities: [{ name: "vCPUs", value: String(coresOf(name)) }],
      restrictions: [],
    })),
  );
  return { status: 200, body: { value } };
}

/** `/providers/Microsoft.DBforPostgreSQL/locations/{location}/capabilities`. */
export function listPostgresCapabilities(): ArmAnswer {
  const sku = (name: string, vCores: number, supportedMemoryPerVcoreMb = 4096): Record<string, unknown> => ({
    name,
    vCores,
    supportedIops: 3200,
    supportedMemoryPerVcoreMb,
    supportedZones: ["1", "2", "3"],
    supportedHaMode: ["SameZone", "ZoneRedundant"],
  });
  const edition = (name: string, sizes: Record<string, unknown>[]): Record<string, unknown> => ({
    name,
    supportedServerSkus: sizes,
    supportedStorageEditions: [
      {
        name: "ManagedDisk",
        supportedStorageMb: [32, 64, 128, 256, 512, 1024, 2048, 4096].map((gb) => ({
          storageSizeMb: gb * 1024,
        })),
      },
    ],
  });
  const editions = [
    edition("Burstable", [sku("Standard_B1ms", 1, 2048), sku("Standard_B2s", 2, 2048)]),
    edition(
      "GeneralPurpose",
      [2, 4, 8, 16, 32].flatMap((n) => [sku(`Standard_D${n}ds_v5`, n), sku(`Standard_D${n}ds_v4`, n)]),
    ),
    edition(
      "MemoryOptimized",
      [2, 4, 8, 16, 32].map((n) => sku(`Standard_E${n}ds_v5`, n, 8192)),
    ),
  ];
  const versions = ["14", "15", "16", "17", "18"].map((name) => ({ name }));
  const capability = {
    name: "FlexibleServerCapabilities",
    supportedServerEditions: editions,
    supportedServerVersions: versions,
    zoneRedundantHaSupported: "Enabled",
    geoBackupSupported: "Enabled",
    restricted: "Disabled",
  };
  return { status: 200, body: { value: [capability] } };
}

/** POST `checkNameAvailability` of the namespaces with names that are unique over all of Azure. */
export function checkNameAvailability(cloud: Cloud, path: CollectionPath, body: unknown): ArmAnswer {
  const name = stringAt(body, "name") ?? "";
  const type = stringAt(body, "type") ?? "";
  const behaviour = behaviourOf(type);
  if (behaviour === undefined || !behaviour.type.toLowerCase().startsWith(path.namespace.toLowerCase())) {
    throw notFound(
      "InvalidResourceType",
      `The resource type '${type}' could not be found in the namespace '${path.namespace}'.`,
    );
  }
  if (behaviour.namePattern?.test(name) === false) {
    return unavailable(
      "AccountNameInvalid",
      behaviour.nameError?.message ?? `'${name}' is not a valid name.`,
    );
  }
  const isTaken = cloud.store
    .list(behaviour.type)
    .some((one) => one.name.toLowerCase() === name.toLowerCase());
  const isKept =
    behaviour.type === "Microsoft.KeyVault/vaults" && findDeletedVault(cloud, name) !== undefined;
  if (isTaken || isKept) return unavailable("AlreadyExists", `The name '${name}' is already in use.`);
  return { status: 200, body: { nameAvailable: true } };
}

const unavailable = (reason: string, message: string): ArmAnswer => ({
  status: 200,
  body: { nameAvailable: false, reason, message },
});

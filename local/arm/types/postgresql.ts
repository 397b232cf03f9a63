/** Microsoft.DBforPostgreSQL flexible servers; the server itself is a backend's. */
import { badRequest, conflict } from "../errors.ts";
import { stringAt, valueAt } from "../http.ts";
import { idKey } from "../path.ts";
import type { StoredResource } from "../store.ts";
import type { PutContext, TypeBehaviour } from "./behaviour.ts";
import { requireReference } from "./references.ts";

const serverType = "Microsoft.DBforPostgreSQL/flexibleServers";

const accepted = {
  put: { created: 202, updated: 202, operation: "async" },
  delete: { accepted: 202, operation: "async" },
} as const;

const flexibleServers: TypeBehaviour = {
  type: serverType,
  ...accepted,
  busyStates: { creating: "Provisioning", updating: "Updating" },
  busyCode: "ServerIsBusy",
  nameError: { code: "InvalidServerName", message: "The server name is invalid." },
  namePattern: /^(?!-)[a-z0-9-]{3,63}(?<!-)$/,
  createOnly: [
    { path: "properties.administratorLogin" },
    { path: "properties.availabilityZone" },
    { path: "properties.sourceServerResourceId" },
    { path: "properties.network.delegatedSubnetResourceId" },
    { path: "properties.backup.geoRedundantBackup" },
  ],
  writeOnly: ["properties.administratorLoginPassword"],
  defaults: (resource) => {
    const isPrivate = valueAt(resource.body, "properties.network.delegatedSubnetResourceId") !== undefined;
    return {
      properties: {
        version: "17",
        availabilityZone: "1",
        replicationRole: "Primary",
        storage: { type: "", storageSizeGB: 32, tier: "P4", iops: 120, autoGrow: "Disabled" },
        backup: { backupRetentionDays: 7, geoRedundantBackup: "Disabled" },
        highAvailability: { mode: "Disabled" },
        authConfig: { activeDirectoryAuth: "Disabled", passwordAuth: "Enabled" },
        network: { publicNetworkAccess: isPrivate ? "Disabled" : "Enabled" },
        maintenanceWindow: { customWindow: "Disabled", dayOfWeek: 0, startHour: 0, startMinute: 0 },
        dataEncryption: { type: "SystemManaged" },
      },
    };
  },
  check: checkServer,
  outputs: ({ resource, previous }) => {
    const hasStandby = stringAt(resource.body, "properties.highAvailability.mode") !== "Disabled";
    const zone = stringAt(resource.body, "properties.availabilityZone");
    const standby = stringAt(resource.body, "properties.highAvailability.standbyAvailabilityZone");
    return {
      properties: {
        minorVersion: "0",
        replicaCapacity: 5,
        privateEndpointConnections: [],
        highAvailability: {
          state: hasStandby ? "Healthy" : "NotEnabled",
          ...(hasStandby ? { standbyAvailabilityZone: standby ?? (zone === "2" ? "3" : "2") } : {}),
        },
        backup: { earliestRestoreDate: resource.createdAt },
        // Until its server reports where it listens.
        ...(previous === undefined
          ? { fullyQualifiedDomainName: `${resource.name}.postgres.database.azure.com` }
          : {}),
      },
    };
  },
  answer: (resource) => ({
    properties: { state: resource.state === "Succeeded" ? "Ready" : resource.state },
  }),
};

function checkServer(context: PutContext): void {
  const { cloud, resource, previous } = context;
  const text = (path: string, of: { body: unknown } | undefined = resource): string =>
    stringAt(of?.body, `properties.${path}`) ?? "";
  // The SDK always sends an empty zone: Azure picks one then, and keeps it.
  if (text("availabilityZone") === "") setZone(resource, "1");
  if (previous === undefined) checkNewServer(context);
  const tier = stringAt(resource.body, "sku.tier");
  if (tier === "Burstable" && !["", "Disabled"].includes(text("highAvailability.mode"))) {
    throw badRequest(
      "HighAvailabilityNotSupportedForBurstable",
      "High availability is not supported for the Burstable pricing tier.",
      "properties.highAvailability.mode",
    );
  }
  const [size, before] = [resource, previous].map((one) =>
    Number(valueAt(one?.body, "properties.storage.storageSizeGB") ?? 0),
  );
  if ((size ?? 0) < (before ?? 0)) {
    throw badRequest(
      "StorageSizeCannotBeReduced",
      `Storage size cannot be reduced from ${before} GB to ${size} GB.`,
      "properties.storage.storageSizeGB",
    );
  }
  if (previous !== undefined && Number(text("version")) < Number(text("version", previous))) {
    throw badRequest(
      "VersionDowngradeNotAllowed",
      `The server's version cannot go from ${text("version", previous)} to ${text("version")}.`,
      "properties.version",
    );
  }
  const zoneId = stringAt(resource.body, "properties.network.privateDnsZoneArmResourceId");
  requireReference(cloud, resource, zoneId, "PrivateDnsZoneNotFound");
  if (zoneId !== undefined && !zoneId.toLowerCase().endsWith("postgres.database.azure.com")) {
    throw badRequest(
      "PrivateDnsZoneNameNotValid",
      `The private DNS zone '${zoneId}' must end in 'postgres.database.azure.com'.`,
      "properties.network.privateDnsZoneArmResourceId",
    );
  }
  checkSubnet(context);
}

function checkNewServer({ cloud, resource }: PutContext): void {
  const isTaken = cloud.store
    .list(serverType)
    .some((one) => one.name === resource.name && idKey(one.id) !== idKey(resource.id));
  if (isTaken)
    throw conflict("ServerNameAlreadyExists", `Specified server name '${resource.name}' is already used.`);
  const hasPasswords = stringAt(resource.body, "properties.authConfig.passwordAuth") !== "Disabled";
  const mode = stringAt(resource.body, "properties.createMode") ?? "Default";
  for (const name of ["administratorLogin", "administratorLoginPassword"]) {
    if (
      !hasPasswords ||
      !["Default", "Create"].includes(mode) ||
      stringAt(resource.body, `properties.${name}`)
    )
      continue;
    throw badRequest(
      "InvalidParameterValue",
      `Invalid value given for parameter ${name}. Specify a valid parameter value.`,
      `properties.${name}`,
    );
  }
}

function checkSubnet({ cloud, resource }: PutContext): void {
  const id = stringAt(resource.body, "properties.network.delegatedSubnetResourceId");
  if (id === undefined) return;
  requireReference(cloud, resource, id, "SubnetNotFound");
  const delegations = valueAt(cloud.store.get(id)?.body, "properties.delegations");
  const isDelegated = JSON.stringify(delegations ?? [])
    .toLowerCase()
    .includes(`"${serverType.toLowerCase()}"`);
  if (isDelegated) return;
  throw badRequest(
    "SubnetNotDelegated",
    `The subnet '${id}' must be delegated to '${serverType}'.`,
    "properties.network.delegatedSubnetResourceId",
  );
}

function setZone(resource: StoredResource, zone: string): void {
  const properties = resource.body["properties"] as Record<string, unknown>;
  resource.body = { ...resource.body, properties: { ...properties, availabilityZone: zone } };
}

/** Names PostgreSQL and Azure keep for themselves. */
const systemDatabases = new Set(["azure_maintenance", "azure_sys", "template0", "template1"]);

const databases: TypeBehaviour = {
  type: `${serverType}/databases`,
  ...accepted,
  nameError: { code: "InvalidDatabaseName", message: "The database name is invalid." },
  namePattern: /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/,
  createOnly: [{ path: "properties.charset" }, { path: "properties.collation" }],
  defaults: () => ({ properties: { charset: "UTF8", collation: "en_US.utf8" } }),
  check: ({ resource }) => {
    if (!systemDatabases.has(resource.name)) return;
    throw badRequest("SystemDatabaseNotAllowed", `'${resource.name}' is a system database.`);
  },
};

const configurations: TypeBehaviour = {
  type: `${serverType}/configurations`,
  ...accepted,
  // Every parameter of the server is there, whether somebody set it or not.
  virtual: async (name, serverId, { unsetConfiguration }) => {
    const properties = await unsetConfiguration?.(serverId, name);
    return properties && { properties };
  },
  defaults: () => ({ properties: { source: "user-override" } }),
};

const firewallRules: TypeBehaviour = {
  type: `${serverType}/firewallRules`,
  ...accepted,
  nameError: { code: "InvalidFirewallRuleName" },
  namePattern: /^[a-zA-Z0-9_-]{1,128}$/,
};

export const postgresql: TypeBehaviour[] = [flexibleServers, databases, configurations, firewallRules];

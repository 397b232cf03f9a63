/**
 * What azure-native knows of a resource type beside Microsoft's published types, which carry no x-ms-mutability.
 * Sources: pulumi-azure-native `provider/pkg/gen/replacement.go` (the list by hand), x-ms-mutability of the REST
 * specifications of the API versions in use, `provider/pkg/openapi/defaults/`, `gen/properties.go` (sub-resources).
 */
export interface Rules {
  /** Inputs whose change replaces the resource; path parameters always do. */
  replaceOn?: readonly string[];
  /** Lists compared as sets: path → the member that tells elements apart (x-ms-identifiers). */
  keyedLists?: Readonly<Record<string, string>>;
  /** Lists whose elements belong to resources of their own: left out, they are never emptied by an update. */
  subResources?: readonly string[];
  /** Values that count as not given when they are added (the SDK sends them by itself). */
  defaults?: Readonly<Record<string, string | boolean>>;
  /** Inputs that are written with these values when the program no longer gives them: left out, they would stay. */
  restored?: Readonly<Record<string, unknown>>;
  /** Inputs that ARM never returns although the published types do not say so. */
  unreturned?: readonly string[];
  /** Always there with its parent: no check for existence, and no DELETE; the body that puts the default back. */
  singleton?: { defaultBody: Record<string, unknown> } | "configuration";
  /** The name where the program gives none; else made from the logical name. */
  autoName?: "uuid";
}

const trackedResource: Rules = { replaceOn: ["location"] };

const managedCluster = [
  "diskEncryptionSetID",
  "dnsPrefix",
  "fqdnSubdomain",
  "linuxProfile",
  "location",
  "nodeResourceGroup",
  "windowsProfile",
  ...[
    "dnsServiceIP",
    "networkDataplane",
    "networkMode",
    "networkPlugin",
    "networkPluginMode",
    "networkPolicy",
    "outboundType",
    "podCidr",
    "serviceCidr",
    "serviceCidrs",
  ].map((name) => `networkProfile.${name}`),
];

const dataCollectionLists = {
  dataSources: [
    "extensions",
    "iisLogs",
    "logFiles",
    "performanceCounters",
    "platformTelemetry",
    "prometheusForwarder",
    "syslog",
    "windowsEventLogs",
    "windowsFirewallLogs",
  ],
  destinations: [
    "eventHubs",
    "eventHubsDirect",
    "logAnalytics",
    "monitoringAccounts",
    "storageAccounts",
    "storageBlobsDirect",
    "storageTablesDirect",
  ],
};

const byType: Record<string, Rules> = {
  "resources:ResourceGroup": trackedResource,
  "network:VirtualNetwork": {
    replaceOn: ["location"],
    subResources: ["subnets"],
    defaults: { enableDdosProtection: false, enableVmProtection: false },
  },
  "network:Subnet": {
    defaults: { privateEndpointNetworkPolicies: "Disabled", privateLinkServiceNetworkPolicies: "Enabled" },
  },
  "network:PublicIPAddress": { replaceOn: ["location", "publicIPAddressVersion", "publicIPPrefix", "sku"] },
  "network:PrivateEndpoint": { replaceOn: ["subnet"] },
  "dns:Zone": { defaults: { zoneType: "Public" } },
  "containerservice:ManagedCluster": { replaceOn: managedCluster },
  "containerservice:AgentPool": {
    replaceOn: ["gpuInstanceProfile", "networkProfile.nodePublicIPTags", "vmSize"],
  },
  "storage:StorageAccount": {
    replaceOn: ["isHnsEnabled", "location"],
    restored: {
      networkRuleSet: {
        bypass: "AzureServices",
        defaultAction: "Allow",
        ipRules: [],
        virtualNetworkRules: [],
      },
    },
  },
  "storage:BlobServiceProperties": {
    singleton: {
      defaultBody: { properties: { cors: { corsRules: [] }, deleteRetentionPolicy: { enabled: false } } },
    },
  },
  "keyvault:Secret": { unreturned: ["properties.value"] },
  "keyvault:Vault": { subResources: ["properties.accessPolicies"] },
  "managedidentity:UserAssignedIdentity": trackedResource,
  "authorization:RoleAssignment": {
    replaceOn: ["principalId"],
    defaults: { principalType: "User" },
    autoName: "uuid",
  },
  "dbforpostgresql:Server": {
    replaceOn: [
      "administratorLogin",
      "availabilityZone",
      "location",
      "pointInTimeUTC",
      "sourceServerResourceId",
    ],
    defaults: { availabilityZone: "" },
  },
  "dbforpostgresql:Configuration": { singleton: "configuration" },
  "redisenterprise:RedisEnterprise": trackedResource,
  "redisenterprise:Database": { replaceOn: ["geoReplication", "modules", "port"] },
  "redis:Redis": {
    replaceOn: ["location"],
    defaults: { disableAccessKeyAuthentication: false, enableNonSslPort: false },
  },
  "eventhub:Namespace": { defaults: { publicNetworkAccess: "Enabled" } },
  "operationalinsights:Workspace": trackedResource,
  "applicationinsights:Component": {
    replaceOn: ["location"],
    defaults: {
      applicationType: "web",
      flowType: "Bluefield",
      ingestionMode: "LogAnalytics",
      publicNetworkAccessForIngestion: "Enabled",
      publicNetworkAccessForQuery: "Enabled",
      requestSource: "rest",
    },
  },
  "monitor:AzureMonitorWorkspace": trackedResource,
  "monitor:DataCollectionEndpoint": trackedResource,
  "monitor:DataCollectionRule": {
    ...trackedResource,
    keyedLists: Object.fromEntries(
      Object.entries(dataCollectionLists).flatMap(([at, lists]) =>
        lists.map((list) => [`${at}.${list}`, "name"]),
      ),
    ),
  },
  "alertsmanagement:PrometheusRuleGroup": trackedResource,
  "dashboard:Grafana": trackedResource,
  "containerregistry:Registry": {
    replaceOn: ["location"],
    defaults: {
      adminUserEnabled: false,
      anonymousPullEnabled: false,
      networkRuleBypassOptions: "AzureServices",
      publicNetworkAccess: "Enabled",
      zoneRedundancy: "Disabled",
    },
  },
};

/** The rules of a type by its token; those of a type without any are empty. */
export function rulesOf(token: string): Rules {
  const [, module = "", type = ""] = token.split(":");
  return byType[`${module.split("/")[0]}:${type}`] ?? {};
}

/** Runs whole programs without an engine and keeps what they declare. */
import * as pulumi from "@pulumi/pulumi";
import type { MockCallArgs, MockResourceArgs } from "@pulumi/pulumi/runtime/index.js";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { createProgram } from "../../stacks/program.ts";
import type { ProgramRequest, ProgramSettings, TenantSpec } from "../../stacks/spec.ts";

export interface Declared {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** Of the resource options. */
  ignoreChanges: string[];
}

/**
 * What the program registers, by its request: mocks are not told of resource options. The monitor asks its mocks
 * before it waits for anything.
 */
let registering: { getIgnorechangesList(): string[] } | undefined;
type Register = typeof MockMonitor.prototype.registerResource;
const register = Object.getOwnPropertyDescriptor(MockMonitor.prototype, "registerResource")
  ?.value as Register;
MockMonitor.prototype.registerResource = function (request, callback) {
  registering = request as typeof registering;
  return register.call(this, request, callback);
};

export const TENANT: TenantSpec["tenant"] = {
  id: "7d3f0a52-8d0c-4a5e-9a4c-0d7b1f0c9b11",
  slug: "acme",
  name: "Acme",
  region: "westeurope",
};
export const SUBSCRIPTION = "11111111-2222-3333-4444-555555555555";
export const DIRECTORY = "99999999-8888-7777-6666-555555555555";

export const SETTINGS: ProgramSettings = {
  metadataHost: "127.0.0.1:8443",
  platform: {
    clientId: "aaaaaaaa-0000-0000-0000-000000000001",
    azureTenantId: DIRECTORY,
    subscriptionId: SUBSCRIPTION,
    useDefaultCredential: false,
  },
  platformClientSecret: "platform-secret-value",
  images: { registry: "registry.example", tag: "20260101-abcdef0" },
  certificateIssuer: "letsencrypt",
  dataCommand: ["node", "data.ts"],
  platformStack: "organization/tierlift/platform",
};
export const SECRETS = { passwordSeed: "seed-of-the-test", clientSecret: "tenant-secret-value" };

export function tenantSpec(changes: Partial<TenantSpec> = {}): TenantSpec {
  return {
    kind: "tenant",
    tenant: TENANT,
    slice: { tier: "STARTER" },
    dedicated: null,
    route: "slice",
    next: false,
    recordTtlSeconds: 300,
    ...changes,
  };
}

export function dedicatedPart(
  changes: Partial<NonNullable<TenantSpec["dedicated"]>> = {},
): NonNullable<TenantSpec["dedicated"]> {
  return {
    tier: "PROFESSIONAL",
    layers: ["infrastructure", "kubernetes", "services", "ingress", "data", "observability"],
    migrationId: "0b9f5ab4-2a1c-4f34-9d31-1b3f2d0f4e55",
    clientId: "aaaaaaaa-0000-0000-0000-000000000002",
    azureTenantId: DIRECTORY,
    subscriptionId: SUBSCRIPTION,
    ...changes,
  };
}

const PLATFORM_OUTPUTS = {
  kubeconfig: "apiVersion: v1\nkind: Config\n",
  clusterId: "/subscriptions/s/resourcegroups/rg/providers/Microsoft.ContainerService/managedClusters/shared",
  ingressAddress: "20.0.0.1",
  postgres: {
    serverId: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/shared",
    host: "shared.example",
    port: 5432,
    user: "tierlift",
    password: "shared-password",
    databases: ["query", "catalog"],
  },
  storage: { name: "stshared", endpoint: "https://stshared.blob.core.windows.net/", container: "tenants" },
  zoneName: "matih.example",
  zoneResourceGroup: "rg-tierlift-platform",
  cache: { host: "cache.example", port: 10000, password: "cache-password" },
  kafka: { bootstrapServers: "events.example:9093", namespace: "events" },
};

/** Read-only properties that programs use, by type; ids and names are filled in for every resource. */
const ANSWERS: Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>> = {
  "azure-native:network:PublicIPAddress": () => ({ ipAddress: "20.0.0.2" }),
  "azure-native:managedidentity:UserAssignedIdentity": () => ({
    clientId: "cccccccc-0000-0000-0000-000000000001",
    principalId: "dddddddd-0000-0000-0000-000000000001",
  }),
  "azure-native:containerservice:ManagedCluster": () => ({
    oidcIssuerProfile: { issuerURL: "https://issuer.example/" },
  }),
  "azure-native:dbforpostgresql:Server": () => ({ fullyQualifiedDomainName: "127.0.0.1:15432" }),
  "azure-native:redisenterprise:RedisEnterprise": () => ({ hostName: "acme.redis.azure.net" }),
  "azure-native:eventhub:Namespace": () => ({
    serviceBusEndpoint: "https://acme.servicebus.windows.net:443/",
  }),
  "azure-native:storage:StorageAccount": () => ({
    primaryEndpoints: { blob: "https://acme.blob.core.windows.net/" },
  }),
  "azure-native:dns:Zone": () => ({ nameServers: ["ns1.example.", "ns2.example."] }),
  "azure-native:keyvault:Vault": ({ properties }) => ({
    properties: { ...(properties as object), vaultUri: "https://acme.vault.azure.net/" },
  }),
  "azure-native:applicationinsights:Component": () => ({
    connectionString: "InstrumentationKey=ffffffff-0000-0000-0000-000000000001",
  }),
  "azure-native:monitor:AzureMonitorWorkspace": () => ({
    metrics: { prometheusQueryEndpoint: "https://acme.prometheus" },
    defaultIngestionSettings: {
      dataCollectionEndpointResourceId:
        "/subscriptions/s/resourceGroups/MA_acme/providers/Microsoft.Insights/dataCollectionEndpoints/acme",
      dataCollectionRuleResourceId:
        "/subscriptions/s/resourceGroups/MA_acme/providers/Microsoft.Insights/dataCollectionRules/acme",
    },
  }),
  "azure-native:dashboard:Grafana": () => ({
    identity: { principalId: "dddddddd-0000-0000-0000-000000000002" },
  }),
  "kubernetes:core/v1:Service": () => ({ status: { loadBalancer: { ingress: [{ ip: "20.0.0.2" }] } } }),
  "command:local:Command": () => ({ stdout: "{}" }),
};

const CALLS: Record<string, Record<string, unknown>> = {
  "azure-native:authorization:getClientConfig": {
    objectId: "eeeeeeee-0000-0000-0000-000000000001",
    clientId: "aaaaaaaa-0000-0000-0000-000000000002",
    tenantId: DIRECTORY,
    subscriptionId: SUBSCRIPTION,
  },
  "azure-native:containerservice:listManagedClusterUserCredentials": {
    kubeconfigs: [{ name: "clusterUser", value: Buffer.from("kind: Config\n").toString("base64") }],
  },
  "azure-native:redisenterprise:listDatabaseKeys": { primaryKey: "cache-key", secondaryKey: "other" },
};

/** The input that holds a resource's own name; the others with `Name` in them are its parents'. */
const NAME_INPUTS: Record<string, string> = {
  "resources:ResourceGroup": "resourceGroupName",
  "network:VirtualNetwork": "virtualNetworkName",
  "network:PublicIPAddress": "publicIpAddressName",
  "network:PrivateEndpoint": "privateEndpointName",
  "privatedns:PrivateZone": "privateZoneName",
  "dns:Zone": "zoneName",
  "containerservice:ManagedCluster": "resourceName",
  "managedidentity:UserAssignedIdentity": "resourceName",
  "dbforpostgresql:Server": "serverName",
  "dbforpostgresql:Database": "databaseName",
  "redisenterprise:RedisEnterprise": "clusterName",
  "redisenterprise:Database": "databaseName",
  "storage:StorageAccount": "accountName",
  "eventhub:Namespace": "namespaceName",
  "eventhub:EventHub": "eventHubName",
  "keyvault:Vault": "vaultName",
};

function nameOf({ type, name, inputs }: MockResourceArgs): unknown {
  const input = NAME_INPUTS[type.replace("azure-native:", "")];
  return input === undefined ? name : (inputs as Record<string, unknown>)[input];
}

/** What makes some of the resources and answers some of the calls in place of the tables above. */
export interface World {
  make?: (args: MockResourceArgs) => Promise<{ id: string; state: Record<string, unknown> } | undefined>;
  call?: (args: MockCallArgs) => Promise<Record<string, unknown> | undefined>;
  platformOutputs?: Record<string, unknown>;
  /** For outputs that are not resolved. */
  withinMs?: number;
}

/** Declares what `run` asks for and resolves to what was declared and what `run` gave back, all outputs awaited. */
export async function declare<T>(
  run: () => T | Promise<T>,
  { make, call, platformOutputs = PLATFORM_OUTPUTS, withinMs = 25_000 }: World = {},
): Promise<{ declared: Declared[]; result: pulumi.Unwrap<T> }> {
  const declared: Declared[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: async (args: MockResourceArgs) => {
        if (args.type === "pulumi:pulumi:StackReference") {
          return {
            id: args.name,
            state: { ...(args.inputs as object), outputs: platformOutputs, secretOutputNames: [] },
          };
        }
        const inputs = args.inputs as Record<string, unknown>;
        const ignoreChanges = registering?.getIgnorechangesList() ?? [];
        declared.push({ type: args.type, name: args.name, inputs, ignoreChanges });
        const made = await make?.(args);
        if (made !== undefined) return made;
        const answer = ANSWERS[args.type]?.(inputs) ?? {};
        const state = args.type.startsWith("azure-native:")
          ? { name: nameOf(args), ...inputs, ...answer }
          : { ...inputs, ...answer };
        return { id: `/id/${args.type}/${args.name}`, state };
      },
      call: async (args: MockCallArgs) => (await call?.(args)) ?? CALLS[args.token] ?? {},
    },
    "tierlift",
    "acme",
    false,
  );
  const result = await resolve(await run(), withinMs);
  await pulumi.runtime.disconnect();
  return { declared, result };
}

function resolve<T>(value: T, withinMs: number): Promise<pulumi.Unwrap<T>> {
  return new Promise((done, failed) => {
    pulumi.output(value).apply((unwrapped) => done(unwrapped));
    setTimeout(() => failed(new Error("An output was not resolved.")), withinMs).unref();
  });
}

type Stack = Awaited<ReturnType<typeof declare<Record<string, unknown>>>>;
const stacks = new Map<string, Promise<Stack>>();

/** Declares a request's whole stack; once for each request, since programs are pure functions of it. */
export function declareStack(
  request: Partial<ProgramRequest> & Pick<ProgramRequest, "spec">,
): Promise<Stack> {
  const whole = { secrets: SECRETS, settings: SETTINGS, ...request };
  const key = JSON.stringify(whole);
  const stack = stacks.get(key) ?? declare(createProgram(whole));
  stacks.set(key, stack);
  return stack;
}

export function azureResources(declared: Declared[]): Declared[] {
  return declared.filter(({ type }) => type.startsWith("azure-native:"));
}

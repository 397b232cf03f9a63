import * as keyvault from "@pulumi/azure-native/keyvault/index.js";
import * as network from "@pulumi/azure-native/network/index.js";
import * as redisenterprise from "@pulumi/azure-native/redisenterprise/index.js";
import * as storage from "@pulumi/azure-native/storage/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { StoresPlan } from "../azure-sizes.ts";
import type { StoreConnections } from "../connections.ts";
import { dependingOn } from "../answers.ts";
import { parseEndpoint } from "../endpoints.ts";
import type { Network } from "../network/network.ts";
import { ENDPOINT_ZONES } from "../network/plan.ts";
import type { EndpointName } from "../network/plan.ts";
import { inGroup } from "../placement.ts";
import type { Placement } from "../placement.ts";
import { Events } from "./events.ts";
import { CACHE_PORT } from "./plan.ts";
import { Postgres } from "./postgres.ts";

export interface StoresArgs {
  placement: Placement;
  plan: StoresPlan;
  network: Network;
  /** The directory that the vault asks about its readers. */
  azureTenantId: string;
  containers: readonly string[];
  /** Secret. */
  postgresPassword: pulumi.Output<string>;
}

/** Rows, objects, keys, topics and secrets of a footprint, each reached inside its network only. */
export class Stores extends pulumi.ComponentResource {
  readonly postgres: Postgres;
  readonly connections: StoreConnections;
  readonly storageId: pulumi.Output<string>;
  readonly storageName: pulumi.Output<string>;
  readonly blobEndpoint: pulumi.Output<string>;
  readonly cacheId: pulumi.Output<string>;
  readonly eventsId: pulumi.Output<string>;
  readonly vaultId: pulumi.Output<string>;
  readonly vaultUri: pulumi.Output<string>;

  constructor(name: string, args: StoresArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:stores:Stores", name, {}, opts);
    const { placement, plan } = args;
    this.postgres = new Postgres(
      name,
      {
        placement,
        plan: plan.postgres,
        password: args.postgresPassword,
        subnetId: args.network.subnetIds.postgres,
        zoneId: args.network.postgresZoneId,
      },
      { parent: this, dependsOn: args.network.links },
    );
    const events = new Events(name, { placement, units: plan.eventHubsUnits }, { parent: this });
    const cache = this.createCache(name, placement, args.plan);
    const account = this.createStorage(name, args);
    const vault = this.createVault(name, args, cache.password);

    const targets = { blob: account.id, vault: vault.id, events: events.namespaceId, cache: cache.id };
    for (const [endpoint, target] of Object.entries(targets)) {
      this.createEndpoint(name, endpoint as EndpointName, target, args);
    }

    this.storageId = account.id;
    this.storageName = account.name;
    this.blobEndpoint = account.primaryEndpoints.apply((endpoints) => endpoints.blob);
    this.cacheId = cache.id;
    this.eventsId = events.namespaceId;
    this.vaultId = vault.id;
    this.vaultUri = vault.properties.apply((properties) => properties.vaultUri ?? "");
    this.connections = {
      postgres: this.postgres.login,
      cache: { host: cache.host, port: cache.port, password: cache.password },
      kafka: events.kafka,
    };
    this.registerOutputs({ vaultUri: this.vaultUri });
  }

  private createCache(name: string, placement: Placement, { cacheSku, keepsSize }: StoresPlan) {
    const cluster = new redisenterprise.RedisEnterprise(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        clusterName: placement.names.cache,
        location: placement.location,
        sku: { name: cacheSku },
        highAvailability: "Enabled",
        minimumTlsVersion: "1.2",
        publicNetworkAccess: "Disabled",
        tags: placement.tags,
      },
      inGroup(this, placement, { ignoreChanges: keepsSize ? ["sku"] : [] }),
    );
    const database = new redisenterprise.Database(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        clusterName: cluster.name,
        databaseName: "default",
        port: CACHE_PORT,
        clientProtocol: "Encrypted",
        // One address for all keys: the services' clients do not follow a cluster's redirections.
        clusteringPolicy: "EnterpriseCluster",
        evictionPolicy: "VolatileLRU",
        // The service's default is Disabled, and the services log in by key.
        accessKeysAuthentication: "Enabled",
      },
      inGroup(this, placement, { deletedWith: cluster }),
    );
    const keys = redisenterprise.listDatabaseKeysOutput(
      {
        resourceGroupName: placement.resourceGroupName,
        clusterName: cluster.name,
        databaseName: database.name,
      },
      { parent: this },
    );
    const endpoint = cluster.hostName.apply((host) => parseEndpoint(host, CACHE_PORT));
    return {
      id: cluster.id,
      host: endpoint.host,
      port: endpoint.port,
      password: pulumi.secret(
        dependingOn(keys.primaryKey, [placement.resourceGroupName, cluster.name, database.name]),
      ),
    };
  }

  private createStorage(name: string, args: StoresArgs): storage.StorageAccount {
    const { placement } = args;
    const account = new storage.StorageAccount(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        accountName: placement.names.storage,
        location: placement.location,
        kind: "StorageV2",
        sku: { name: args.plan.storageSku },
        accessTier: "Hot",
        minimumTlsVersion: "TLS1_2",
        enableHttpsTrafficOnly: true,
        allowBlobPublicAccess: false,
        allowSharedKeyAccess: false,
        allowCrossTenantReplication: false,
        publicNetworkAccess: "Disabled",
        networkRuleSet: { bypass: "AzureServices", defaultAction: "Deny" },
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    for (const containerName of args.containers) {
      new storage.BlobContainer(
        `${name}-${containerName}`,
        {
          resourceGroupName: placement.resourceGroupName,
          accountName: account.name,
          containerName,
          publicAccess: "None",
        },
        inGroup(this, placement, { deletedWith: account }),
      );
    }
    return account;
  }

  private createVault(name: string, args: StoresArgs, cachePassword: pulumi.Output<string>): keyvault.Vault {
    const { placement } = args;
    const vault = new keyvault.Vault(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        vaultName: placement.names.vault,
        location: placement.location,
        properties: {
          tenantId: args.azureTenantId,
          sku: { family: "A", name: "standard" },
          enableRbacAuthorization: true,
          enableSoftDelete: true,
          softDeleteRetentionInDays: 7,
          // A deleted vault keeps its name for those days; names hold the migration, so the next one is not stopped.
          enablePurgeProtection: true,
          publicNetworkAccess: "Disabled",
          networkAcls: { bypass: "AzureServices", defaultAction: "Deny" },
        },
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    for (const [secretName, value] of [
      ["postgres-password", args.postgresPassword],
      ["cache-password", cachePassword],
    ] as const) {
      new keyvault.Secret(
        `${name}-${secretName}`,
        {
          resourceGroupName: placement.resourceGroupName,
          vaultName: vault.name,
          secretName,
          properties: { value, contentType: "password" },
          tags: placement.tags,
        },
        // Resource management has no delete for secrets, and the data plane is not open to the program.
        inGroup(this, placement, { deletedWith: vault }),
      );
    }
    return vault;
  }

  private createEndpoint(
    name: string,
    endpoint: EndpointName,
    target: pulumi.Output<string>,
    { placement, network: { subnetIds, endpointZoneIds } }: StoresArgs,
  ): void {
    const privateEndpoint = new network.PrivateEndpoint(
      `${name}-${endpoint}`,
      {
        resourceGroupName: placement.resourceGroupName,
        privateEndpointName: `pe-${endpoint}`,
        location: placement.location,
        subnet: { id: subnetIds.endpoints },
        privateLinkServiceConnections: [
          { name: endpoint, privateLinkServiceId: target, groupIds: [ENDPOINT_ZONES[endpoint].groupId] },
        ],
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    new network.PrivateDnsZoneGroup(
      `${name}-${endpoint}`,
      {
        resourceGroupName: placement.resourceGroupName,
        privateEndpointName: privateEndpoint.name,
        privateDnsZoneGroupName: "default",
        privateDnsZoneConfigs: [{ name: endpoint, privateDnsZoneId: endpointZoneIds[endpoint] }],
      },
      inGroup(this, placement, { deletedWith: privateEndpoint }),
    );
  }
}

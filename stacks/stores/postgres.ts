import * as azure from "@pulumi/azure-native/dbforpostgresql/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { PostgresPlan } from "../azure-sizes.ts";
import type { PostgresLogin } from "../connections.ts";
import { parseEndpoint } from "../endpoints.ts";
import { inGroup } from "../placement.ts";
import type { Placement } from "../placement.ts";
import { DATABASES } from "../services/catalogue.ts";
import { POSTGRES_ADMINISTRATOR, POSTGRES_PORT, planServerConfigurations } from "./plan.ts";

export interface PostgresArgs {
  placement: Placement;
  plan: PostgresPlan;
  /** Secret. */
  password: pulumi.Output<string>;
  subnetId: pulumi.Output<string>;
  zoneId: pulumi.Output<string>;
}

/** A flexible server inside the network with a database for each service that keeps rows. */
export class Postgres extends pulumi.ComponentResource {
  readonly server: azure.Server;
  /** The server's administrator. */
  readonly login: PostgresLogin;
  /** Resolves when all databases are there. */
  readonly databases: pulumi.Output<string[]>;

  constructor(name: string, args: PostgresArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:stores:Postgres", name, {}, opts);
    const { placement, plan } = args;
    this.server = new azure.Server(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        serverName: placement.names.postgres,
        location: placement.location,
        version: plan.version,
        sku: plan.sku,
        administratorLogin: POSTGRES_ADMINISTRATOR,
        administratorLoginPassword: args.password,
        authConfig: { passwordAuth: "Enabled", activeDirectoryAuth: "Disabled" },
        // Storage only grows: growth by itself would leave the program asking for a smaller one.
        storage: { storageSizeGB: plan.storageGb, autoGrow: "Disabled" },
        backup: { backupRetentionDays: plan.backupRetentionDays, geoRedundantBackup: "Disabled" },
        highAvailability: { mode: plan.zoneRedundant ? "ZoneRedundant" : "Disabled" },
        network: {
          publicNetworkAccess: "Disabled",
          delegatedSubnetResourceId: args.subnetId,
          privateDnsZoneArmResourceId: args.zoneId,
        },
        createMode: "Default",
        tags: placement.tags,
      },
      // A failover changes both zones, and a changed zone in the inputs would replace the server.
      inGroup(this, placement, {
        ignoreChanges: [
          "availabilityZone",
          "highAvailability.standbyAvailabilityZone",
          ...(plan.keepsSize ? ["storage.storageSizeGB"] : []),
        ],
      }),
    );

    // One change at a time: in parallel the server answers ServerBusy.
    const within = { resourceGroupName: placement.resourceGroupName, serverName: this.server.name };
    let previous: pulumi.Resource = this.server;
    const inServer = (): pulumi.CustomResourceOptions =>
      inGroup(this, placement, { deletedWith: this.server, dependsOn: [previous] });
    const databases = DATABASES.map((databaseName) => {
      const database = new azure.Database(
        `${name}-${databaseName}`,
        { ...within, databaseName, charset: "UTF8", collation: "en_US.utf8" },
        inServer(),
      );
      previous = database;
      return database.name;
    });
    for (const [configurationName, value] of Object.entries(planServerConfigurations(plan))) {
      previous = new azure.Configuration(
        `${name}-${configurationName}`,
        { ...within, configurationName, value, source: "user-override" },
        inServer(),
      );
    }

    const endpoint = this.server.fullyQualifiedDomainName.apply((name) => parseEndpoint(name, POSTGRES_PORT));
    this.login = {
      host: endpoint.host,
      port: endpoint.port,
      user: pulumi.output(POSTGRES_ADMINISTRATOR),
      password: args.password,
    };
    this.databases = pulumi.all(databases);
    this.registerOutputs({ host: this.login.host });
  }
}

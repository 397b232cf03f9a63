/** Everything that is a tenant's own, in its own subscription, layer by layer. */
import * as azure from "@pulumi/azure-native/provider.js";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Footing, PostgresLogin, StoreConnections, Tenant, TlsPair } from "../connections.ts";
import { DataMigration } from "../data/data-migration.ts";
import { IngressController } from "../ingress/controller.ts";
import { TenantIngress } from "../ingress/tenant-ingress.ts";
import { TenantNamespace } from "../kubernetes/tenant-namespace.ts";
import { planDedicatedNames } from "../naming.ts";
import { ClusterObservability } from "../observability/cluster.ts";
import { AzureObservability } from "../observability/azure.ts";
import { Services } from "../services/services.ts";
import type { DedicatedTier, Layer, ProgramSettings } from "../spec.ts";
import { Infrastructure } from "./infrastructure.ts";
import { IngressIp } from "./ingress-ip.ts";

export interface DedicatedArgs {
  tenant: Tenant;
  tier: DedicatedTier;
  layers: Layer[];
  migrationId: string;
  clientId: string;
  azureTenantId: string;
  subscriptionId: string;
  clientSecret: pulumi.Output<string>;
  passwordSeed: string;
  settings: ProgramSettings;
  /** `<slug>.<zone>` */
  zoneName: pulumi.Output<string>;
  tls?: TlsPair;
  /** The shared server as its administrator: what the tenant's rows are copied from. */
  source: PostgresLogin & { databases: pulumi.Output<string[]> };
}

/** The namespace of the services on a cluster of the tenant's own. */
export const DEDICATED_NAMESPACE = "matih";

/** The tenant's dedicated footprint: the layers asked for, each on top of the ones before it. */
export class Dedicated extends pulumi.ComponentResource {
  /** Where the dedicated ingress answers; from layer `ingress` on. */
  readonly ingressAddress?: pulumi.Output<string>;
  /** The stack's output `dedicated`; null before there is any infrastructure. */
  readonly summary: Record<string, unknown> | null;

  constructor(name: string, args: DedicatedArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:dedicated:Dedicated", name, {}, opts);
    const { tenant, tier, migrationId } = args;
    const has = (layer: Layer): boolean => args.layers.includes(layer);
    const provider = this.createAzureProvider(name, args);
    if (!has("infrastructure")) {
      this.summary = null;
      this.registerOutputs({});
      return;
    }

    const infrastructure = new Infrastructure(
      name,
      {
        tenant,
        tier,
        migrationId,
        subscriptionId: args.subscriptionId,
        passwordSeed: args.passwordSeed,
        login: { clientId: args.clientId, azureTenantId: args.azureTenantId, clientSecret: args.clientSecret },
      },
      { parent: this, providers: [provider] },
    );
    const { cluster, stores } = infrastructure;
    const footing: Footing = { tenant, tier, deletedWith: cluster.managedCluster };
    const onCluster = this.createKubernetesOptions(name, cluster, provider);

    let namespace: TenantNamespace | undefined;
    let services: Services | undefined;
    if (has("kubernetes")) {
      namespace = new TenantNamespace(
        name,
        {
          ...footing,
          namespace: DEDICATED_NAMESPACE,
          stores: stores.connections,
          workloadClientId: cluster.workloadClientId,
        },
        onCluster(),
      );
    }
    if (has("services") && namespace) {
      services = new Services(
        name,
        { ...footing, namespace: namespace.namespace, images: args.settings.images, stores: stores.connections },
        onCluster(namespace),
      );
    }
    if (has("ingress") && namespace && services) {
      const ip = new IngressIp(name, infrastructure.placement, { parent: this, providers: [provider] });
      const controller = new IngressController(name, { ...ip.ingress, deletedWith: cluster.managedCluster }, onCluster());
      new TenantIngress(
        name,
        {
          ...footing,
          namespace: namespace.namespace,
          // Both names from the start: the cutover then moves records only, not the ingress.
          domains: [args.zoneName, pulumi.interpolate`next.${args.zoneName}`],
          tls: args.tls,
          certificateIssuer: args.settings.certificateIssuer,
        },
        onCluster(services, controller),
      );
      this.ingressAddress = ip.ingress.address;
    }
    let migration: DataMigration | undefined;
    if (has("data")) {
      migration = new DataMigration(
        name,
        {
          tenant,
          migrationId,
          source: args.source,
          target: stores.connections.postgres,
          databases: stores.databases,
          dataCommand: args.settings.dataCommand,
          deletedWith: stores.postgresServer,
        },
        { parent: this, dependsOn: [infrastructure] },
      );
    }
    if (has("observability") && namespace) {
      new AzureObservability(
        name,
        { ...infrastructure.placement, cluster, stores },
        { parent: this, providers: [provider] },
      );
      new ClusterObservability(name, { ...footing, namespace: namespace.namespace }, onCluster(namespace));
    }

    this.summary = {
      resourceGroup: infrastructure.placement.resourceGroupName,
      clusterId: cluster.clusterId,
      clusterName: cluster.clusterName,
      kubeconfig: cluster.kubeconfig,
      namespace: DEDICATED_NAMESPACE,
      ingressAddress: this.ingressAddress ?? null,
      postgres: { serverId: stores.postgresServer.id, ...stores.connections.postgres, databases: stores.databases },
      serviceEndpoints: services?.endpoints ?? null,
      dataReport: migration?.report ?? null,
    };
    this.registerOutputs({});
  }
}

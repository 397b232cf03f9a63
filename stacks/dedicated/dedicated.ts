/** Everything that is a tenant's own, in its own subscription, layer by layer. */
import { Provider as AzureProvider } from "@pulumi/azure-native/provider.js";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { planStores, planUserPools } from "../azure-sizes.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { CacheLogin, Footing, PostgresLogin, Tenant, TlsPair } from "../connections.ts";
import type { BlobsDocument, KafkaDocument } from "../data/command.ts";
import { DataMigration } from "../data/data-migration.ts";
import { Infrastructure } from "../infrastructure/infrastructure.ts";
import { IngressIp } from "../infrastructure/ingress-ip.ts";
import { IngressController } from "../ingress/controller.ts";
import { planControllerReplicas } from "../ingress/plan.ts";
import { TenantIngress } from "../ingress/tenant-ingress.ts";
import { TenantNamespace } from "../kubernetes/tenant-namespace.ts";
import { planDedicatedNames, planTags } from "../naming.ts";
import { DEDICATED_OCTET } from "../network/plan.ts";
import { AzureObservability } from "../observability/azure.ts";
import { ClusterObservability } from "../observability/cluster.ts";
import { deriveTenantPassword } from "../passwords.ts";
import { planMetadataHost } from "../providers.ts";
import { IDENTITY_SERVICES } from "../services/catalogue.ts";
import { Services } from "../services/services.ts";
import { planReplicaFloor } from "../services/sizing.ts";
import type { DedicatedTier, Layer, ProgramSettings } from "../spec.ts";
import { CONTAINERS } from "../stores/plan.ts";

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
  /** The shared container, which the tenant's blobs are copied from. */
  sharedBlobs: BlobsDocument["blobs"];
  /** The shared cache, which the tenant's is warmed from; absent where there is no server behind it. */
  sharedCache?: CacheLogin;
  /** The shared namespace of topics; absent where there is no server behind it. */
  sharedKafka?: KafkaDocument["kafka"];
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

    const infrastructure = this.createInfrastructure(name, args, provider);
    const { cluster, stores } = infrastructure;
    const footing: Footing = { tenant, tier, deletedWith: cluster.managedCluster };
    const onCluster = this.reachCluster(name, cluster);

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
        {
          ...footing,
          namespace: namespace.namespace,
          images: args.settings.images,
          stores: stores.connections,
        },
        onCluster(namespace),
      );
    }
    if (has("ingress") && namespace && services) {
      const ip = new IngressIp(name, infrastructure.placement, { parent: this, providers: [provider] });
      const { publicIpName, resourceGroupName, address } = ip.ingress;
      const controller = new IngressController(
        name,
        {
          publicIpName,
          resourceGroupName,
          replicas: planControllerReplicas(planReplicaFloor(tier)),
          deletedWith: cluster.managedCluster,
        },
        onCluster(),
      );
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
      this.ingressAddress = address;
    }
    const blobs = { endpoint: stores.blobEndpoint, container: CONTAINERS.dedicated[0] };
    let migration: DataMigration | undefined;
    if (has("data")) {
      const { dataCommand, consumerOffsets } = args.settings;
      migration = new DataMigration(
        name,
        {
          tenant,
          migrationId,
          source: args.source,
          target: stores.connections.postgres,
          databases: stores.postgres.databases,
          blobs: { ...args.sharedBlobs, target: { ...blobs, login: this.login(args) } },
          ...(args.sharedCache && {
            cache: { source: args.sharedCache, target: stores.connections.cache },
          }),
          ...(args.sharedKafka && {
            kafka: {
              ...args.sharedKafka,
              target: { ...stores.connections.kafka, login: this.login(args) },
              ...(consumerOffsets && { offsets: consumerOffsets }),
            },
          }),
          dataCommand,
        },
        { parent: this, dependsOn: [infrastructure] },
      );
    }
    if (has("observability") && namespace) {
      const { telemetry } = new AzureObservability(
        name,
        { infrastructure, namespace: DEDICATED_NAMESPACE },
        { parent: this, providers: [provider] },
      );
      new ClusterObservability(
        name,
        { ...footing, namespace: namespace.namespace, telemetry },
        onCluster(namespace),
      );
    }

    this.summary = {
      resourceGroup: infrastructure.placement.resourceGroupName,
      clusterId: cluster.clusterId,
      clusterName: cluster.clusterName,
      kubeconfig: cluster.kubeconfig,
      namespace: DEDICATED_NAMESPACE,
      ingressAddress: this.ingressAddress,
      postgres: {
        serverId: stores.postgres.server.id,
        ...stores.connections.postgres,
        databases: stores.postgres.databases,
      },
      storage: blobs,
      cache: stores.connections.cache,
      kafka: stores.connections.kafka,
      serviceEndpoints: services?.endpoints,
      dataReports: migration?.reports,
    };
    this.registerOutputs({});
  }

  /** The tenant's subscription, reached as the tenant's service principal. */
  private createAzureProvider(name: string, args: DedicatedArgs): AzureProvider {
    return new AzureProvider(
      name,
      {
        clientId: args.clientId,
        clientSecret: args.clientSecret,
        tenantId: args.azureTenantId,
        subscriptionId: args.subscriptionId,
        ...planMetadataHost(args.settings),
      },
      { parent: this },
    );
  }

  private createInfrastructure(name: string, args: DedicatedArgs, provider: AzureProvider): Infrastructure {
    const { tenant, tier, migrationId } = args;
    return new Infrastructure(
      name,
      {
        names: planDedicatedNames(tenant, migrationId),
        identity: `${tenant.id}/${migrationId}`,
        tags: planTags(tenant, migrationId),
        location: tenant.region,
        subscriptionId: args.subscriptionId,
        login: this.login(args),
        octet: DEDICATED_OCTET,
        pools: planUserPools(tier),
        stores: planStores(tier),
        containers: CONTAINERS.dedicated,
        postgresPassword: pulumi.secret(
          deriveTenantPassword(args.passwordSeed, tenant.id, `postgres-administrator/${migrationId}`),
        ),
        serviceAccounts: IDENTITY_SERVICES.map((service) => `${DEDICATED_NAMESPACE}:${service}`),
      },
      { parent: this, providers: [provider] },
    );
  }

  private login({ clientId, azureTenantId, clientSecret }: DedicatedArgs) {
    return { clientId, azureTenantId, clientSecret };
  }

  /** Options of what is put on the dedicated cluster. */
  private reachCluster(
    name: string,
    cluster: Cluster,
  ): (...dependsOn: pulumi.Resource[]) => pulumi.ComponentResourceOptions {
    const provider = new KubernetesProvider(
      name,
      // Known by the cluster's id, so that a renewed credential is no other cluster.
      { kubeconfig: cluster.kubeconfig, clusterIdentifier: cluster.clusterId },
      { parent: this, dependsOn: cluster.ready },
    );
    return (...dependsOn) => ({ parent: this, providers: [provider], dependsOn });
  }
}

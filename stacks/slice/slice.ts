/** A shared tenant's part of the shared cluster and of the shared stores. */
import * as command from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { planConnections } from "../azure-sizes.ts";
import type { Footing, IngressHosts, PostgresLogin, StoreConnections, Tenant } from "../connections.ts";
import {
  planBlobsStdin,
  planCacheStdin,
  planDataCommand,
  planDataTenant,
  planKafkaStdin,
  planStdin,
} from "../data/command.ts";
import type { BlobsDocument, CacheDocument, KafkaDocument } from "../data/command.ts";
import { TenantIngress } from "../ingress/tenant-ingress.ts";
import { planSliceNamespace } from "../kubernetes/manifests.ts";
import { TenantNamespace } from "../kubernetes/tenant-namespace.ts";
import { Services } from "../services/services.ts";
import type { SharedTier } from "../spec.ts";

export interface SliceArgs {
  tenant: Tenant;
  tier: SharedTier;
  /** Of the shared cluster; secret. */
  kubeconfig: pulumi.Input<string>;
  clusterId: pulumi.Input<string>;
  /** What the services connect to, as the tenant's own role. */
  stores: StoreConnections;
  /** The shared server's administrator, who makes and removes that role. */
  administrator: PostgresLogin;
  databases: pulumi.Input<string[]>;
  /** The shared container of blobs. */
  blobs: BlobsDocument["blobs"];
  /** The shared cache; absent where there is no server behind it. */
  cache?: CacheDocument["cache"];
  /** The shared namespace of topics; absent where there is no server behind it. */
  kafka?: KafkaDocument["kafka"];
  images: { registry: string; tag: string };
  dataCommand: string[];
  ingress: IngressHosts;
}

/** The slice. Destroying it takes what the tenant has in the shared stores out of them as well. */
export class Slice extends pulumi.ComponentResource {
  readonly namespace: pulumi.Output<string>;
  /** Where each service answers inside the shared cluster. */
  readonly endpoints: Record<string, pulumi.Output<string>>;

  constructor(name: string, args: SliceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:slice:Slice", name, {}, opts);
    const provider = new kubernetes.Provider(
      `${name}-shared`,
      { kubeconfig: args.kubeconfig, clusterIdentifier: args.clusterId },
      { parent: this },
    );
    const onCluster = (...dependsOn: pulumi.Resource[]): pulumi.ComponentResourceOptions => ({
      parent: this,
      providers: [provider],
      dependsOn,
    });

    // First in, last out: what is in the stores leaves only after the namespace, and with it every writer, is gone.
    const stores = [
      this.provisionRole(name, args),
      this.claimBlobs(name, args),
      ...this.claimKeys(name, args),
      ...this.claimTopics(name, args),
    ];
    const footing: Footing = { tenant: args.tenant, tier: args.tier };
    const namespace = new TenantNamespace(
      name,
      { ...footing, namespace: planSliceNamespace(args.tenant.slug), stores: args.stores },
      onCluster(...stores),
    );
    const inside: Footing = { ...footing, deletedWith: namespace.resource };
    const services = new Services(
      name,
      { ...inside, namespace: namespace.namespace, images: args.images, stores: args.stores },
      onCluster(namespace),
    );
    new TenantIngress(
      name,
      { ...inside, namespace: namespace.namespace, ...args.ingress },
      onCluster(namespace, services),
    );

    this.namespace = namespace.namespace;
    this.endpoints = services.endpoints;
    this.registerOutputs({ namespace: this.namespace, endpoints: this.endpoints });
  }

  /**
   * The tenant's database role. Without triggers, so that it is updated and never replaced: a replacement would run the
   * delete, which removes the tenant's rows.
   */
  private provisionRole(name: string, args: SliceArgs): pulumi.Resource {
    const provision = planDataCommand(args.dataCommand, "postgres", "provision");
    return new command.local.Command(
      `${name}-postgres-role`,
      {
        create: provision,
        update: provision,
        delete: planDataCommand(args.dataCommand, "postgres", "purge"),
        stdin: planStdin({
          tenant: planDataTenant(args.tenant),
          source: args.administrator,
          databases: args.databases,
          role: {
            name: args.stores.postgres.user,
            password: args.stores.postgres.password,
            connectionLimit: planConnections(args.tier),
          },
        }),
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this, customTimeouts: { create: "10m", update: "10m", delete: "2h" } },
    );
  }

  private claimBlobs(name: string, args: SliceArgs): pulumi.Resource {
    const { tenant, blobs } = args;
    return this.claim(name, "blobs", planBlobsStdin({ tenant: planDataTenant(tenant), blobs }), args);
  }

  private claimKeys(name: string, args: SliceArgs): pulumi.Resource[] {
    const { tenant, cache } = args;
    if (!cache) return [];
    return [this.claim(name, "cache", planCacheStdin({ tenant: planDataTenant(tenant), cache }), args)];
  }

  private claimTopics(name: string, args: SliceArgs): pulumi.Resource[] {
    const { tenant, kafka } = args;
    if (!kafka) return [];
    return [this.claim(name, "kafka", planKafkaStdin({ tenant: planDataTenant(tenant), kafka }), args)];
  }

  /** What needs nothing before there is any of it, and leaves when this does. Without triggers, as the role. */
  private claim(
    name: string,
    store: "blobs" | "cache" | "kafka",
    stdin: pulumi.Output<string>,
    { dataCommand }: SliceArgs,
  ): pulumi.Resource {
    return new command.local.Command(
      `${name}-${store}`,
      {
        delete: planDataCommand(dataCommand, store, "purge"),
        stdin,
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this, customTimeouts: { delete: "2h" } },
    );
  }
}

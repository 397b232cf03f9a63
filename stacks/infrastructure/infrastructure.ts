import * as authorization from "@pulumi/azure-native/authorization/index.js";
import * as resources from "@pulumi/azure-native/resources/index.js";
import * as pulumi from "@pulumi/pulumi";
import { Cluster } from "../cluster/cluster.ts";
import type { Login } from "../cluster/cluster.ts";
import { assignRole } from "../cluster/role.ts";
import type { PoolPlan, StoresPlan } from "../azure-sizes.ts";
import type { FootprintNames } from "../naming.ts";
import { Network } from "../network/network.ts";
import type { Placement } from "../placement.ts";
import { Stores } from "../stores/stores.ts";

export interface InfrastructureArgs {
  names: FootprintNames;
  /** What derived names hold besides the label. */
  identity: string;
  tags: Record<string, string>;
  location: string;
  subscriptionId: string;
  login: Login & { azureTenantId: string };
  /** Second octet of the network's /16. */
  octet: number;
  pools: PoolPlan[];
  stores: StoresPlan;
  containers: readonly string[];
  /** Secret. */
  postgresPassword: pulumi.Output<string>;
  /** `<namespace>:<service account>` of the pods that reach Azure's stores as the workload identity. */
  serviceAccounts: string[];
}

/** Resource group, network, cluster and stores: what a footprint, shared or a tenant's own, stands on. */
export class Infrastructure extends pulumi.ComponentResource {
  readonly placement: Placement;
  readonly network: Network;
  readonly cluster: Cluster;
  readonly stores: Stores;

  constructor(name: string, args: InfrastructureArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:infrastructure:Infrastructure", name, {}, opts);
    const { names, location, tags } = args;
    const group = new resources.ResourceGroup(
      name,
      { resourceGroupName: names.resourceGroup, location, tags },
      { parent: this },
    );
    this.placement = {
      group,
      resourceGroupName: group.name,
      location,
      subscriptionId: args.subscriptionId,
      names,
      tags,
      identity: args.identity,
    };
    const { placement } = this;
    this.network = new Network(name, { placement, octet: args.octet }, { parent: this });
    this.cluster = new Cluster(
      name,
      {
        placement,
        login: args.login,
        pools: args.pools,
        subnetId: this.network.subnetIds.aks,
        serviceAccounts: args.serviceAccounts,
      },
      { parent: this },
    );
    this.stores = new Stores(
      name,
      {
        placement,
        plan: args.stores,
        network: this.network,
        azureTenantId: args.login.azureTenantId,
        containers: args.containers,
        postgresPassword: args.postgresPassword,
      },
      { parent: this },
    );
    this.admitWorkload(name);
    this.admitProgram(name);
    this.registerOutputs({ resourceGroupName: group.name });
  }

  /** What the services may do in the stores that know identities. */
  private admitWorkload(name: string): void {
    const { placement, stores } = this;
    const principalId = this.cluster.workloadPrincipalId;
    for (const [purpose, role, scope] of [
      ["workload-blobs", "blobDataContributor", stores.storageId],
      ["workload-events", "eventHubsDataOwner", stores.eventsId],
      ["workload-secrets", "keyVaultSecretsUser", stores.vaultId],
    ] as const) {
      assignRole(`${name}-${purpose}`, { placement, role, principalId, scope }, this);
    }
  }

  /** Who made a store may not read it by that: the data command works as the program's principal. */
  private admitProgram(name: string): void {
    const { placement, stores } = this;
    const { objectId: principalId } = authorization.getClientConfigOutput({ parent: this });
    for (const [purpose, role, scope] of [
      ["program-blobs", "blobDataContributor", stores.storageId],
      ["program-events", "eventHubsDataOwner", stores.eventsId],
    ] as const) {
      assignRole(`${name}-${purpose}`, { placement, role, principalId, scope }, this);
    }
  }
}

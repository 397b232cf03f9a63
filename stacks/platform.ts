/** The platform's stack: the shared cluster, the shared stores and the zone that tenants' zones are delegated from. */
import * as dns from "@pulumi/azure-native/dns/index.js";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { planSharedPool, planSharedStores } from "./azure-sizes.ts";
import { Infrastructure } from "./infrastructure/infrastructure.ts";
import { IngressIp } from "./infrastructure/ingress-ip.ts";
import { IngressController } from "./ingress/controller.ts";
import { planControllerReplicas } from "./ingress/plan.ts";
import { planNames } from "./naming.ts";
import { PLATFORM_OCTET } from "./network/plan.ts";
import { derivePlatformPassword } from "./passwords.ts";
import { inGroup } from "./placement.ts";
import { createPlatformProvider, planPlatformLogin } from "./providers.ts";
import { planReplicaFloor } from "./services/sizing.ts";
import type { PlatformSpec, ProgramSecrets, ProgramSettings } from "./spec.ts";
import { CONTAINERS } from "./stores/plan.ts";

export interface PlatformArgs {
  spec: PlatformSpec;
  secrets: ProgramSecrets;
  settings: ProgramSettings;
}

/** What all shared tenants stand on, in the platform's own subscription. */
export class Platform extends pulumi.ComponentResource {
  /** The stack's outputs; tenants' stacks read them by a stack reference. */
  readonly summary: Record<string, unknown>;

  constructor(name: string, args: PlatformArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:platform:Platform", name, {}, opts);
    const { settings } = args;
    const provider = createPlatformProvider(name, settings, { parent: this });
    const infrastructure = this.createInfrastructure(name, args, { parent: this, providers: [provider] });
    const { placement, cluster, stores } = infrastructure;
    const zone = new dns.Zone(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        zoneName: args.spec.zoneName,
        location: "global",
        zoneType: "Public",
        tags: placement.tags,
      },
      inGroup(this, placement, { provider }),
    );
    const ip = new IngressIp(name, placement, { parent: this, providers: [provider] });
    const kubernetes = new KubernetesProvider(
      name,
      { kubeconfig: cluster.kubeconfig, clusterIdentifier: cluster.clusterId },
      { parent: this, dependsOn: cluster.ready },
    );
    const { publicIpName, resourceGroupName, address } = ip.ingress;
    new IngressController(
      name,
      {
        publicIpName,
        resourceGroupName,
        replicas: planControllerReplicas(Math.max(planReplicaFloor("FREE"), planReplicaFloor("STARTER"))),
        deletedWith: cluster.managedCluster,
      },
      { parent: this, providers: [kubernetes] },
    );

    this.summary = {
      kubeconfig: cluster.kubeconfig,
      clusterId: cluster.clusterId,
      ingressAddress: address,
      postgres: {
        serverId: stores.postgres.server.id,
        ...stores.connections.postgres,
        databases: stores.postgres.databases,
      },
      zoneName: zone.name,
      zoneNameServers: zone.nameServers,
      zoneResourceGroup: placement.resourceGroupName,
      keyVaultUri: stores.vaultUri,
      storage: { name: stores.storageName, endpoint: stores.blobEndpoint, container: CONTAINERS.platform[0] },
      cache: stores.connections.cache,
      kafka: stores.connections.kafka,
    };
    this.registerOutputs({});
  }

  private createInfrastructure(
    name: string,
    { spec, secrets, settings }: PlatformArgs,
    opts: pulumi.ComponentResourceOptions,
  ): Infrastructure {
    const { subscriptionId, azureTenantId } = settings.platform;
    if (!azureTenantId) {
      throw new pulumi.InputPropertyError({
        propertyPath: "platform.azureTenantId",
        reason: "The platform's vault and cluster ask one directory about their users: name it.",
      });
    }
    const identity = `platform/${subscriptionId}`;
    return new Infrastructure(
      name,
      {
        names: planNames("platform", identity),
        identity,
        tags: { "managed-by": "tierlift" },
        location: spec.region,
        subscriptionId,
        login: { ...planPlatformLogin(settings), azureTenantId },
        octet: PLATFORM_OCTET,
        pools: [planSharedPool()],
        stores: planSharedStores(),
        containers: CONTAINERS.platform,
        postgresPassword: pulumi.secret(
          derivePlatformPassword(secrets.passwordSeed, "postgres-administrator"),
        ),
        // A shared tenant's services log in by password; the identity is the platform's own.
        serviceAccounts: [],
      },
      opts,
    );
  }
}

/** Declares the platform and returns the stack's outputs. */
export function declarePlatform(args: PlatformArgs): Record<string, unknown> {
  return new Platform("platform", args).summary;
}

import * as authorization from "@pulumi/azure-native/authorization/index.js";
import * as azure from "@pulumi/azure-native/containerservice/index.js";
import type * as managedidentity from "@pulumi/azure-native/managedidentity/index.js";
import * as pulumi from "@pulumi/pulumi";
import { dependingOn } from "../answers.ts";
import type { PoolPlan } from "../azure-sizes.ts";
import { inGroup } from "../placement.ts";
import type { Placement } from "../placement.ts";
import { createIdentity, federate } from "./identity.ts";
import { planKubeconfig } from "./kubeconfig.ts";
import {
  KUBERNETES_VERSION,
  MAINTENANCE_CONFIGURATIONS,
  MAINTENANCE_WINDOW,
  planClusterNetwork,
  planSystemPool,
  planUserPool,
} from "./plan.ts";
import { assignRole } from "./role.ts";

/** The principal that the program works as; without a secret it is the ambient one. */
export interface Login {
  azureTenantId?: string;
  clientId?: string;
  clientSecret?: pulumi.Output<string>;
}

export interface ClusterArgs {
  placement: Placement;
  login: Login;
  pools: PoolPlan[];
  subnetId: pulumi.Output<string>;
  /** `<namespace>:<service account>` of the pods that act as the workload identity. */
  serviceAccounts: string[];
}

/** A managed Kubernetes cluster with its pools, identities and upgrade window. */
export class Cluster extends pulumi.ComponentResource {
  readonly managedCluster: azure.ManagedCluster;
  readonly clusterId: pulumi.Output<string>;
  readonly clusterName: pulumi.Output<string>;
  /** Secret; admits the program's principal as the cluster's administrator. */
  readonly kubeconfig: pulumi.Output<string>;
  /** Pods need nodes: what is put on the cluster waits for these. */
  readonly ready: pulumi.Resource[];
  /** Of the cluster's service account tokens, for federated credentials. */
  readonly issuer: pulumi.Output<string>;
  readonly workloadClientId: pulumi.Output<string>;
  readonly workloadPrincipalId: pulumi.Output<string>;

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:cluster:Cluster", name, {}, opts);
    const { placement } = args;
    const identities = {
      cluster: createIdentity(`${name}-cluster`, placement.names.clusterIdentity, placement, this),
      kubelet: createIdentity(`${name}-kubelet`, placement.names.kubeletIdentity, placement, this),
      workload: createIdentity(`${name}-workload`, placement.names.workloadIdentity, placement, this),
    };
    const roles = [
      assignRole(
        `${name}-cluster-subnet`,
        {
          placement,
          role: "networkContributor",
          principalId: identities.cluster.principalId,
          scope: args.subnetId,
        },
        this,
      ),
      // The ingress address is in the footprint's own group, not in the nodes' group that the cluster owns.
      assignRole(
        `${name}-cluster-addresses`,
        {
          placement,
          role: "networkContributor",
          principalId: identities.cluster.principalId,
          scope: placement.group.id,
        },
        this,
      ),
      assignRole(
        `${name}-cluster-kubelet`,
        {
          placement,
          role: "managedIdentityOperator",
          principalId: identities.cluster.principalId,
          scope: identities.kubelet.id,
        },
        this,
      ),
    ];

    this.managedCluster = this.createCluster(name, args, identities, roles);
    const pools = args.pools.map((pool) => this.createPool(name, pool, args));
    this.createMaintenance(name, placement);
    this.issuer = this.managedCluster.oidcIssuerProfile.apply((profile) => profile?.issuerURL ?? "");
    federate(
      name,
      {
        placement,
        identity: identities.workload,
        issuer: this.issuer,
        serviceAccounts: args.serviceAccounts,
      },
      this,
    );
    const admin = this.admitProgram(name, placement);

    this.clusterId = this.managedCluster.id;
    this.clusterName = this.managedCluster.name;
    this.workloadClientId = identities.workload.clientId;
    this.workloadPrincipalId = identities.workload.principalId;
    this.ready = [...pools, admin];
    this.kubeconfig = this.readKubeconfig(args);
    this.registerOutputs({ clusterId: this.clusterId });
  }

  private createCluster(
    name: string,
    args: ClusterArgs,
    identities: Record<"cluster" | "kubelet", managedidentity.UserAssignedIdentity>,
    roles: pulumi.Resource[],
  ): azure.ManagedCluster {
    const { placement } = args;
    return new azure.ManagedCluster(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        resourceName: placement.names.cluster,
        location: placement.location,
        nodeResourceGroup: placement.names.nodeResourceGroup,
        dnsPrefix: placement.names.dnsPrefix,
        kubernetesVersion: KUBERNETES_VERSION,
        sku: { name: "Base", tier: "Standard" },
        identity: { type: "UserAssigned", userAssignedIdentities: [identities.cluster.id] },
        identityProfile: {
          kubeletidentity: {
            resourceId: identities.kubelet.id,
            clientId: identities.kubelet.clientId,
            objectId: identities.kubelet.principalId,
          },
        },
        agentPoolProfiles: [{ ...planSystemPool(), vnetSubnetID: args.subnetId }],
        networkProfile: planClusterNetwork(),
        enableRBAC: true,
        aadProfile: { managed: true, enableAzureRBAC: true, tenantID: args.login.azureTenantId },
        disableLocalAccounts: true,
        oidcIssuerProfile: { enabled: true },
        securityProfile: {
          workloadIdentity: { enabled: true },
          imageCleaner: { enabled: true, intervalHours: 168 },
        },
        autoUpgradeProfile: { upgradeChannel: "patch", nodeOSUpgradeChannel: "NodeImage" },
        azureMonitorProfile: { metrics: { enabled: true } },
        addonProfiles: {
          azureKeyvaultSecretsProvider: {
            enabled: true,
            config: { enableSecretRotation: "true", rotationPollInterval: "2m" },
          },
          azurepolicy: { enabled: true },
        },
        tags: placement.tags,
      },
      // Automatic upgrades move the version inside its minor.
      inGroup(this, placement, { dependsOn: roles, ignoreChanges: ["kubernetesVersion"] }),
    );
  }

  private createPool(name: string, pool: PoolPlan, { placement, subnetId }: ClusterArgs): azure.AgentPool {
    return new azure.AgentPool(
      `${name}-${pool.name}`,
      {
        resourceGroupName: placement.resourceGroupName,
        resourceName: this.managedCluster.name,
        ...planUserPool(pool),
        vnetSubnetID: subnetId,
        tags: placement.tags,
      },
      // The autoscaler moves the count.
      inGroup(this, placement, { ignoreChanges: ["count"], deletedWith: this.managedCluster }),
    );
  }

  private createMaintenance(name: string, placement: Placement): void {
    let previous: pulumi.Resource | undefined;
    for (const configName of MAINTENANCE_CONFIGURATIONS) {
      previous = new azure.MaintenanceConfiguration(
        `${name}-${configName}`,
        {
          resourceGroupName: placement.resourceGroupName,
          resourceName: this.managedCluster.name,
          configName,
          maintenanceWindow: MAINTENANCE_WINDOW,
        },
        inGroup(this, placement, {
          deletedWith: this.managedCluster,
          ...(previous ? { dependsOn: [previous] } : {}),
        }),
      );
    }
  }

  /** With Azure's roles in place of local accounts, who made the cluster has no rights inside it by itself. */
  private admitProgram(name: string, placement: Placement): pulumi.Resource {
    const principal = authorization.getClientConfigOutput({ parent: this });
    return assignRole(
      `${name}-program`,
      { placement, role: "clusterAdmin", principalId: principal.objectId, scope: this.managedCluster.id },
      this,
    );
  }

  private readKubeconfig(args: ClusterArgs): pulumi.Output<string> {
    const { resourceGroupName } = args.placement;
    const asked = { resourceGroupName, resourceName: this.managedCluster.name };
    const credentials = dependingOn(azure.listManagedClusterUserCredentialsOutput(asked, { parent: this }), [
      resourceGroupName,
      this.managedCluster.name,
    ]);
    const { clientId, azureTenantId, clientSecret } = args.login;
    return pulumi.secret(
      pulumi.all([credentials, clientSecret ?? ""]).apply(([{ kubeconfigs }, secret]) => {
        const text = Buffer.from(kubeconfigs[0]?.value ?? "", "base64").toString("utf8");
        const principal =
          clientId && azureTenantId && secret ? { clientId, azureTenantId, clientSecret: secret } : undefined;
        return planKubeconfig(text, principal);
      }),
    );
  }
}

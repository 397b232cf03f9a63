/** Microsoft.ContainerService: clusters, their pools and what Azure makes around them. */
import { randomBytes, randomUUID } from "node:crypto";
import type { Cloud } from "../cloud.ts";
import type { ArmError } from "../errors.ts";
import { badRequest, conflict } from "../errors.ts";
import { isRecord, listAt, merge, recordAt, stringAt, valueAt, without } from "../http.ts";
import { stableUuid } from "../../stable.ts";
import { coreUsage, coresOfPool, requireVmSize } from "../quota.ts";
import type { StoredResource } from "../store.ts";
import { groupId } from "../path.ts";
import { asynchronous, plain } from "./behaviour.ts";
import type { CreateOnly, PutContext, TypeBehaviour } from "./behaviour.ts";
import { requireReference } from "./references.ts";

const clusterType = "Microsoft.ContainerService/managedClusters";
const poolType = `${clusterType}/agentPools`;
/** The version a cluster gets when the program names none, and the one a pool follows. */
const defaultVersion = "1.34";

const fixed = (code: string, paths: string[]): CreateOnly[] => paths.map((path) => ({ path, code }));

/** azure-facts: create-only properties of a cluster, some with named ways out. */
const clusterCreateOnly = fixed("PropertyChangeNotAllowed", [
  "properties.dnsPrefix",
  "properties.fqdnSubdomain",
  "properties.nodeResourceGroup",
  "properties.diskEncryptionSetID",
  "properties.enableRBAC",
  "properties.linuxProfile.adminUsername",
  "properties.windowsProfile.adminUsername",
  "properties.apiServerAccessProfile.enablePrivateCluster",
  "properties.networkProfile.networkPlugin",
  "properties.networkProfile.serviceCidr",
  "properties.networkProfile.dnsServiceIP",
  "properties.networkProfile.podCidr",
  "properties.networkProfile.loadBalancerSku",
]);

const managedClusters: TypeBehaviour = {
  type: clusterType,
  ...asynchronous,
  hasState: true,
  lowerGroups: true,
  busyCode: "OperationNotAllowed",
  createOnly: clusterCreateOnly,
  writeOnly: ["properties.windowsProfile.adminPassword", "properties.servicePrincipalProfile.secret"],
  defaults: clusterDefaults,
  check: checkCluster,
  outputs: clusterOutputs,
  stored: storeCluster,
  answer: (resource, { store }) => ({
    properties: {
      agentPoolProfiles: store.list(poolType, resource.id).map((pool) => ({
        name: pool.name,
        ...recordAt(pool.body, "properties"),
        eTag: pool.etag,
        provisioningState: pool.state,
      })),
    },
  }),
  takesAlong: (resource) => {
    const group = stringAt(resource.body, "properties.nodeResourceGroup");
    return group === undefined ? [] : [groupId(resource.subscriptionId, group)];
  },
};

function clusterDefaults(resource: StoredResource): Record<string, unknown> {
  return {
    kind: "Base",
    sku: { name: "Base", tier: "Free" },
    properties: {
      kubernetesVersion: defaultVersion,
      nodeResourceGroup: `MC_${resource.resourceGroup}_${resource.name}_${resource.location ?? ""}`.slice(
        0,
        80,
      ),
      enableRBAC: true,
      supportPlan: "KubernetesOfficial",
      disableLocalAccounts: false,
      oidcIssuerProfile: { enabled: false },
      securityProfile: {},
      storageProfile: {
        diskCSIDriver: { enabled: true },
        fileCSIDriver: { enabled: true },
        snapshotController: { enabled: true },
      },
      networkProfile: {
        networkPlugin: "azure",
        networkPluginMode: "overlay",
        networkPolicy: "none",
        networkDataplane: "azure",
        podCidr: "10.244.0.0/16",
        serviceCidr: "10.0.0.0/16",
        dnsServiceIP: "10.0.0.10",
        outboundType: "loadBalancer",
        loadBalancerSku: "standard",
        ipFamilies: ["IPv4"],
      },
    },
  };
}

function checkCluster(context: PutContext): void {
  const { cloud, resource, previous } = context;
  const pools = listAt(resource.body, "properties.agentPoolProfiles").filter(isRecord);
  if (
    stringAt(resource.body, "identity.type") === undefined &&
    stringAt(resource.body, "properties.servicePrincipalProfile.clientId") === undefined
  ) {
    throw badRequest(
      "BadRequest",
      "Provided service principal profile is invalid: a cluster needs a managed identity or a service principal.",
      "identity",
    );
  }
  if (previous === undefined && !pools.some((pool) => pool["mode"] === "System")) {
    throw badRequest("BadRequest", "Must define at least one system pool.", "agentPoolProfiles");
  }
  for (const pool of pools) {
    requireReference(cloud, resource, stringAt(pool, "vnetSubnetID"), "LinkedInvalidPropertyId");
    requireVmSize(stringAt(pool, "vmSize"), resource.location);
    if (previous !== undefined) checkInlinePool(cloud, resource, pool);
  }
  if (previous === undefined) requireCores(cloud, resource, pools);
  const isIssuerOff = valueAt(resource.body, "properties.oidcIssuerProfile.enabled") !== true;
  if (isIssuerOff && valueAt(previous?.body, "properties.oidcIssuerProfile.enabled") === true) {
    throw badRequest(
      "BadRequest",
      "OIDC issuer feature can not be disabled.",
      "properties.oidcIssuerProfile.enabled",
    );
  }
}

/** Pools of an existing cluster may change through its list, not appear in it. */
function checkInlinePool(cloud: Cloud, cluster: StoredResource, pool: Record<string, unknown>): void {
  const name = typeof pool["name"] === "string" ? pool["name"] : "";
  const stored = cloud.store.get(`${cluster.id}/agentPools/${name}`);
  if (stored === undefined) {
    throw badRequest(
      "BadRequest",
      `A new agent pool was introduced. Adding agent pools to an existing cluster is not allowed through managed cluster operations. For agent pool specific change, please use per agent pool operations: https://aka.ms/agent-pool-rest-api (${name})`,
      "agentPoolProfiles",
    );
  }
  for (const { path, code } of poolCreateOnly) {
    const before = valueAt(stored.body, path);
    const after = valueAt({ properties: pool }, path);
    if (after === undefined || JSON.stringify(before) === JSON.stringify(after)) continue;
    throw badRequest(code ?? "PropertyChangeNotAllowed", `Changing property '${path}' is not allowed.`, path);
  }
}

function requireCores(cloud: Cloud, cluster: StoredResource, pools: Record<string, unknown>[]): void {
  const subscription = cloud.directory.subscription(cluster.subscriptionId);
  const wanted = pools.reduce((sum, pool) => sum + coresOfPool(pool), 0);
  const used = coreUsage(cloud.store, cluster.subscriptionId, cluster.location ?? "");
  const limit = subscription?.coreLimit ?? 0;
  if (used + wanted <= limit) return;
  throw badRequest(
    "ErrCode_InsufficientVCPUQuota",
    `Insufficient regional vcpu quota left for location ${cluster.location ?? ""}. left regional vcpu quota ${limit - used}, requested quota ${wanted}. If you want to increase the quota, please follow this instruction: https://docs.microsoft.com/en-us/azure/azure-portal/supportability/per-vm-quota-requests. Surge nodes would also consume vcpu quota, please consider use smaller maxSurge or use maxUnavailable to proceed upgrade without surge nodes, details: aka.ms/aks/maxUnavailable.`,
  );
}

function clusterOutputs({ cloud, resource, previous }: PutContext): Record<string, unknown> {
  const location = resource.location ?? "";
  const tenantId = cloud.directory.subscription(resource.subscriptionId)?.tenantId ?? "";
  const version = stringAt(resource.body, "properties.kubernetesVersion");
  const always = { currentKubernetesVersion: version, powerState: { code: "Running" }, maxAgentPools: 100 };
  const hasIssuer = valueAt(resource.body, "properties.oidcIssuerProfile.enabled") === true;
  const known = stringAt(previous?.outputs, "properties.oidcIssuerProfile.issuerURL");
  const issuerURL = known ?? `https://${location}.oic.prod-aks.azure.com/${tenantId}/${randomUUID()}/`;
  const issuer = hasIssuer ? { oidcIssuerProfile: { issuerURL } } : {};
  if (previous !== undefined) return { properties: { ...always, ...issuer } };
  const prefix = stringAt(resource.body, "properties.dnsPrefix") ?? resource.name;
  const host = `${prefix}-${randomBytes(4).toString("hex")}`;
  const group = stringAt(resource.body, "properties.nodeResourceGroup") ?? "";
  const kubelet = `${groupId(resource.subscriptionId, group).replace("/resourceGroups/", "/resourcegroups/")}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${resource.name}-agentpool`;
  return {
    properties: {
      ...always,
      ...issuer,
      fqdn: `${host}.hcp.${location}.azmk8s.io`,
      azurePortalFQDN: `${host}.portal.hcp.${location}.azmk8s.io`,
      resourceUID: randomBytes(12).toString("hex"),
      ...(hasOwnKubelet(resource)
        ? {}
        : { identityProfile: { kubeletidentity: kubeletIdentity(resource, kubelet) } }),
    },
  };
}

/** The kubelets have an identity that the cluster was given: then Azure makes none. */
const hasOwnKubelet = ({ body }: StoredResource): boolean =>
  valueAt(body, "properties.identityProfile.kubeletidentity") !== undefined;

/** The same ids every time. */
const kubeletIdentity = (cluster: StoredResource, resourceId: string): Record<string, string> => ({
  resourceId,
  clientId: stableUuid(`${cluster.id}/kubelet/client`),
  objectId: stableUuid(`${cluster.id}/kubelet/object`),
});

/** The node resource group, with the kubelets' identity where none was given, and the pools declared inline. */
function storeCluster(context: PutContext): void {
  const { cloud, resource, previous } = context;
  for (const pool of listAt(resource.body, "properties.agentPoolProfiles").filter(isRecord)) {
    cloud.store.put(inlinePool(cloud, resource, pool));
  }
  // From here on the pools are resources of their own: one that is deleted must not live on in the cluster's body.
  const properties = without(recordAt(resource.body, "properties"), "agentPoolProfiles");
  cloud.store.put({ ...resource, body: { ...resource.body, properties } });
  if (previous === undefined) storeNodeGroup(context);
}

function storeNodeGroup({ cloud, resource }: PutContext): void {
  const name = stringAt(resource.body, "properties.nodeResourceGroup") ?? "";
  const common = without(resource, "operationId");
  const made = { ...common, state: "Succeeded", outputs: {}, etag: randomUUID(), resourceGroup: name };
  const body = { managedBy: resource.id, tags: { "aks-managed-cluster-name": resource.name } };
  const id = groupId(resource.subscriptionId, name);
  cloud.store.put({
    ...made,
    id,
    type: "Microsoft.Resources/resourceGroups",
    name,
    body,
    resourceGroup: name,
  });
  if (hasOwnKubelet(resource)) return;
  const kubelet = recordAt(resource.outputs, "properties.identityProfile.kubeletidentity");
  const properties = {
    clientId: kubelet["clientId"],
    principalId: kubelet["objectId"],
    tenantId: cloud.directory.subscription(resource.subscriptionId)?.tenantId,
  };
  cloud.store.put({
    ...made,
    id: String(kubelet["resourceId"]),
    type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    name: `${resource.name}-agentpool`,
    body: { properties },
    outputs: { properties },
  });
}

function inlinePool(cloud: Cloud, cluster: StoredResource, given: Record<string, unknown>): StoredResource {
  const { name: givenName, ...properties } = given;
  const name = typeof givenName === "string" ? givenName : "";
  const common = without(cluster, "location");
  const pool: StoredResource = {
    ...common,
    id: `${cluster.id}/agentPools/${name}`,
    type: poolType,
    name,
    etag: randomUUID(),
    body: {},
    outputs: poolOutputs(
      stringAt(given, "orchestratorVersion") ?? stringAt(cluster.body, "properties.kubernetesVersion"),
    ),
  };
  const stored = cloud.store.get(pool.id);
  const base = stored?.body ?? poolDefaults(cloud, pool);
  return { ...pool, body: merge(merge(base, { properties }), pool.outputs) };
}

const poolCreateOnly = fixed("PropertyChangeNotAllowed", [
  "properties.vmSize",
  "properties.osType",
  "properties.osDiskSizeGB",
  "properties.osDiskType",
  "properties.maxPods",
  "properties.availabilityZones",
  "properties.vnetSubnetID",
  "properties.podSubnetID",
  "properties.enableFIPS",
  "properties.enableEncryptionAtHost",
  "properties.enableUltraSSD",
  "properties.scaleSetPriority",
  "properties.scaleSetEvictionPolicy",
  "properties.gpuInstanceProfile",
  "properties.proximityPlacementGroupID",
]);

function poolDefaults(cloud: Cloud, pool: StoredResource): Record<string, unknown> {
  const cluster = cloud.store.get(pool.id.split("/").slice(0, -2).join("/"));
  const version = stringAt(cluster?.body, "properties.kubernetesVersion") ?? defaultVersion;
  return {
    properties: {
      count: 1,
      mode: "User",
      type: "VirtualMachineScaleSets",
      osType: "Linux",
      osSKU: "Ubuntu",
      osDiskSizeGB: 128,
      osDiskType: "Managed",
      kubeletDiskType: "OS",
      maxPods: 250,
      enableAutoScaling: false,
      scaleDownMode: "Delete",
      orchestratorVersion: version,
      powerState: { code: "Running" },
      upgradeSettings: { maxSurge: "10%" },
    },
  };
}

const poolOutputs = (version: string | undefined): Record<string, unknown> => ({
  properties: {
    currentOrchestratorVersion: version,
    nodeImageVersion: "AKSUbuntu-2204gen2containerd-202511.01.0",
  },
});

const agentPools: TypeBehaviour = {
  type: poolType,
  ...asynchronous,
  hasState: true,
  lowerGroups: true,
  busyCode: "OperationNotAllowed",
  createOnly: poolCreateOnly,
  defaults: (resource, cloud) => poolDefaults(cloud, resource),
  check: (context) => {
    const { cloud, resource, previous } = context;
    const cluster = cloud.store.get(resource.id.split("/").slice(0, -2).join("/"));
    if (cluster !== undefined && !["Succeeded", "Failed"].includes(cluster.state)) {
      throw conflict(
        "OperationNotAllowed",
        `Operation is not allowed because there's an in progress ${cluster.state.toLowerCase()} operation on managed cluster '${cluster.name}'.`,
      );
    }
    const properties = recordAt(resource.body, "properties");
    requireVmSize(stringAt(properties, "vmSize"), cluster?.location);
    requireReference(cloud, resource, stringAt(properties, "vnetSubnetID"), "LinkedInvalidPropertyId");
    if (cluster !== undefined && previous === undefined) requireCores(cloud, cluster, [properties]);
  },
  outputs: ({ resource }) => poolOutputs(stringAt(resource.body, "properties.orchestratorVersion")),
  answer: (resource) => ({ properties: { eTag: resource.etag } }),
  inUse: (resource, { store }): ArmError | undefined => {
    const siblings = store.list(poolType, resource.id.split("/").slice(0, -2).join("/"));
    const isSystem = (pool: StoredResource): boolean => stringAt(pool.body, "properties.mode") === "System";
    if (!isSystem(resource) || siblings.filter(isSystem).length > 1) return undefined;
    return badRequest("BadRequest", "There has to be at least one system agent pool.", "agentPoolProfiles");
  },
};

const maintenanceConfigurations: TypeBehaviour = {
  type: `${clusterType}/maintenanceConfigurations`,
  ...plain,
  lowerGroups: true,
  nameError: { code: "InvalidMaintenanceConfigName" },
  namePattern: /^(default|aksManagedAutoUpgradeSchedule|aksManagedNodeOSUpgradeSchedule)$/,
};

export const containerservice: TypeBehaviour[] = [managedClusters, agentPools, maintenanceConfigurations];

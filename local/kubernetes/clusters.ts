import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { ArmResource, Backend, BackendGroup, ResourceView } from "../arm/backend.ts";
import { badRequest } from "../arm/errors.ts";
import { createReviver } from "../revive.ts";
import { createSerial, type Serial } from "../serial.ts";
import { resourceKey } from "../stable.ts";
import type { ClusterPlans } from "./door/planned.ts";
import { endLeftOvers, startControlPlane, type ClusterPrograms, type ControlPlane } from "./control-plane.ts";
import { issuerUrl } from "./flags.ts";
import { startCloudController, type AddressPool, type CloudController } from "./cloud-controller.ts";
import { createAddressPool } from "./addresses.ts";
import {
  clusterOutputs,
  clusterProperties,
  clusterType,
  nodeResourceGroup,
  poolCluster,
  poolsOf,
  poolType,
} from "./managed-cluster.ts";
import { planNodes } from "./nodes.ts";
import { syncNodes } from "./node-sync.ts";

export interface ClusterBackendsOptions extends ClusterPrograms {
  /** A folder per cluster is made below it. */
  dir: string;
  /** The list of clusters has changed. */
  onChange: () => void;
  /** What the operator plans to go wrong between clients and API servers; without it, nothing. */
  plans?: ClusterPlans;
  /** Told what goes wrong beside the requests. */
  log?: (message: string, error?: unknown) => void;
}

export interface RunningCluster {
  name: string;
  resourceId: string;
  /** Path of a kubeconfig, readable by its owner only. */
  kubeconfig: string;
}

export interface ClusterBackends extends BackendGroup {
  clusters(): RunningCluster[];
}

interface Cluster {
  resource: ArmResource;
  view: ResourceView;
  dir: string;
  serial: Serial;
  revive: ReturnType<typeof createReviver>;
  plane?: ControlPlane;
  controller?: CloudController;
}

/**
 * A Kubernetes control plane behind every managed cluster, with nodes from its agent pools and a cloud controller for
 * addresses. Nothing scales the pools by load: an autoscaled pool stays at its count.
 */
export function createClusterBackends(options: ClusterBackendsOptions): ClusterBackends {
  const log = options.log ?? (() => undefined);
  const clusters = new Map<string, Cluster>();
  const addresses = createAddressPool(options.dir);

  const clusterOf = (resource: ArmResource, view: ResourceView): Cluster => {
    const key = resource.id.toLowerCase();
    const present = clusters.get(key);
    if (present) return Object.assign(present, { resource, view });
    const dir = path.join(options.dir, resourceKey(resource.name, resource.id));
    const cluster: Cluster = { resource, view, dir, serial: createSerial(), revive: createReviver() };
    clusters.set(key, cluster);
    return cluster;
  };
  let stopped = false;
  const running = (cluster: Cluster) => {
    if (stopped) throw new Error("The local cloud is stopping.");
    return ensureRunning(cluster, options, addresses, log);
  };
  const sync = async (cluster: Cluster, without?: string) => {
    const plane = await running(cluster);
    const pools = poolsOf(cluster.resource, cluster.view, without);
    await syncNodes(plane.client, planNodes(poolCluster(cluster.resource), pools));
    return plane;
  };
  const parentOf = (pool: ArmResource, view: ResourceView): Cluster | undefined => {
    const parent = view.get(pool.id.slice(0, pool.id.toLowerCase().lastIndexOf("/agentpools/")));
    return parent && clusterOf(parent, view);
  };

  const managedClusters: Backend = {
    type: clusterType,
    async ensure(resource, view) {
      const cluster = clusterOf(resource, view);
      const plane = await cluster.serial(() => sync(cluster));
      return clusterOutputs(resource, plane.endpoint, issuerUrl(plane.ports));
    },
    async remove(resource, view) {
      const cluster = clusterOf(resource, view);
      await cluster.serial(async () => {
        await halt(cluster);
        await endLeftOvers(cluster.dir);
        await rm(cluster.dir, { recursive: true, force: true });
        await addresses.release(cluster.dir);
        clusters.delete(resource.id.toLowerCase());
      });
      options.onChange();
    },
    actions: {
      listclusterusercredential: (resource, _body, view) =>
        credentials(clusterOf(resource, view), running, "clusterUser"),
      listclusteradmincredential: (resource, _body, view) => {
        if (clusterProperties(resource).disableLocalAccounts) throw localAccountsDisabled();
        return credentials(clusterOf(resource, view), running, "clusterAdmin");
      },
    },
  };
  const agentPools: Backend = {
    type: poolType,
    async ensure(resource, view) {
      const cluster = parentOf(resource, view);
      if (!cluster)
        throw badRequest(
          "ParentResourceNotFound",
          `The cluster of agent pool ${resource.name} was not found.`,
        );
      await cluster.serial(() => sync(cluster));
      const version = clusterProperties(cluster.resource).kubernetesVersion ?? "1.34";
      return { powerState: { code: "Running" }, currentOrchestratorVersion: version };
    },
    async remove(resource, view) {
      const cluster = parentOf(resource, view);
      // A cluster that is gone, or was never started, has taken its nodes with it.
      if (cluster?.plane) await cluster.serial(() => sync(cluster, resource.name));
    },
  };
  return {
    backends: [managedClusters, agentPools],
    clusters: () =>
      [...clusters.values()].flatMap(({ plane, resource }) =>
        plane ? [{ name: resource.name, resourceId: resource.id, kubeconfig: plane.kubeconfigFile }] : [],
      ),
    async stop() {
      stopped = true;
      await Promise.all([...clusters.values()].map((cluster) => cluster.serial(() => halt(cluster))));
    },
  };
}

async function ensureRunning(
  cluster: Cluster,
  options: ClusterBackendsOptions,
  addresses: AddressPool,
  log: (message: string, error?: unknown) => void,
): Promise<ControlPlane> {
  if (cluster.plane?.isRunning()) return cluster.plane;
  await halt(cluster);
  const { name, id } = cluster.resource;
  const planner = options.plans && { cluster: { name, resourceId: id }, plans: options.plans };
  const plane = await startControlPlane(cluster.dir, name, options, planner);
  cluster.plane = plane;
  const isWanted = () => cluster.plane === plane;
  cluster.revive({
    ended: plane.ended,
    isWanted,
    // Asked once more in turn: a stop or a removal may have been waiting before it.
    restart: () =>
      cluster.serial(async () => isWanted() && (await ensureRunning(cluster, options, addresses, log))),
    log,
  });
  cluster.controller = startCloudController({
    client: plane.client,
    address: (service) => addresses.claim(cluster.dir, service),
    publicAddress: (group, name) => publicAddress(cluster, group, name),
    log: (message, error) => log(`cluster ${cluster.resource.name}: ${message}`, error),
  });
  options.onChange();
  return plane;
}

async function halt(cluster: Cluster): Promise<void> {
  const { controller, plane } = cluster;
  delete cluster.controller;
  delete cluster.plane;
  await controller?.stop();
  await plane?.stop();
}

/** Address of a Microsoft.Network/publicIPAddresses resource; the group defaults to that of the cluster's nodes. */
function publicAddress(cluster: Cluster, group: string | undefined, name: string): string | undefined {
  const { resource, view } = cluster;
  const inGroup = group ?? nodeResourceGroup(resource);
  const found = view
    .list("microsoft.network/publicipaddresses")
    .find(
      (address) =>
        address.name.toLowerCase() === name.toLowerCase() &&
        address.resourceGroup.toLowerCase() === inGroup.toLowerCase() &&
        address.subscriptionId === resource.subscriptionId,
    );
  const properties = found?.body.properties as { ipAddress?: string } | undefined;
  return properties?.ipAddress;
}

async function credentials(
  cluster: Cluster,
  running: (cluster: Cluster) => Promise<ControlPlane>,
  name: string,
): Promise<unknown> {
  const plane = await cluster.serial(() => running(cluster));
  const kubeconfig = await readFile(plane.kubeconfigFile);
  return { kubeconfigs: [{ name, value: kubeconfig.toString("base64") }] };
}

/** As AKS answers `listClusterAdminCredential` on a cluster whose local accounts are off. */
function localAccountsDisabled(): Error {
  return badRequest(
    "BadRequest",
    "Getting static credential is not allowed because this cluster is set to disable local accounts.",
  );
}

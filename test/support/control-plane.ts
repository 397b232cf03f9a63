/** A real Kubernetes control plane for tests, from the parts that set-up brings. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArmResource, ResourceView } from "../../local/arm/backend.ts";
import type { ClusterPlans } from "../../local/kubernetes/door/planned.ts";
import { createClusterBackends } from "../../local/kubernetes/clusters.ts";
import { cacheFolder } from "../../setup/cache.ts";

export interface ControlPlanePrograms {
  hyper: string;
  kwok: string;
}

/** The programs, by environment or from the user's cache, or null (and a line that says so) when there are none. */
export function controlPlanePrograms(): ControlPlanePrograms | null {
  const hyper = findProgram("hyper", process.env.TIERLIFT_HYPER);
  const kwok = findProgram("kwok", process.env.TIERLIFT_KWOK);
  if (hyper && kwok) return { hyper, kwok };
  console.warn(
    "skipped: no Kubernetes control plane; `npm test` brings it, or set TIERLIFT_HYPER and TIERLIFT_KWOK",
  );
  return null;
}

function findProgram(name: string, given: string | undefined): string | undefined {
  if (given && existsSync(given)) return given;
  const cache = cacheFolder();
  const folders = existsSync(cache)
    ? readdirSync(cache).filter((folder) => folder.startsWith(`${name}-`))
    : [];
  return folders
    .flatMap((folder) => [join(cache, folder, name), join(cache, folder, "bin", name)])
    .find(existsSync);
}

export interface TestCluster {
  /** Path of an administrator's kubeconfig. */
  kubeconfig: string;
  stop(): Promise<void>;
}

/** A cluster with two nodes, named `test`, in a temporary folder; plans act between it and its clients. */
export async function startTestCluster(
  programs: ControlPlanePrograms,
  plans?: ClusterPlans,
): Promise<TestCluster> {
  const dir = mkdtempSync(join(tmpdir(), "tierlift-cluster-"));
  const backends = createClusterBackends({
    ...programs,
    dir,
    onChange: () => undefined,
    ...(plans && { plans }),
  });
  const backend = backends.backends[0]!;
  const view: ResourceView = { get: () => undefined, list: () => [] };
  const stop = async () => {
    await backends.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await backend.ensure(managedCluster, view);
    return { kubeconfig: backends.clusters()[0]!.kubeconfig, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const group = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/test";
const managedCluster: ArmResource = {
  id: `${group}/providers/Microsoft.ContainerService/managedClusters/test`,
  type: "Microsoft.ContainerService/managedClusters",
  name: "test",
  subscriptionId: "00000000-0000-4000-8000-000000000001",
  resourceGroup: "test",
  apiVersion: "2025-05-01",
  location: "westeurope",
  body: {
    properties: {
      agentPoolProfiles: [
        { name: "system", count: 2, vmSize: "Standard_D8s_v5", mode: "System", maxPods: 110 },
      ],
    },
  },
};

/** Cores: what a virtual machine size has, what pools use, what a subscription may use. */
import { parseSize } from "../kubernetes/sizes.ts";
import type { ResourceView } from "./backend.ts";
import { badRequest } from "./errors.ts";
import { valueAt } from "./http.ts";
import { locationKey } from "./locations.ts";

/** Cores of a size, 0 for one that is not known. */
export const coresOf = (vmSize: string | undefined): number => parseSize(vmSize ?? "")?.cpus ?? 0;

/** Throws 400 as AKS does for a size that the region does not have. */
export function requireVmSize(vmSize: string | undefined, location: string | undefined): void {
  if (vmSize === undefined || coresOf(vmSize) > 0) return;
  throw badRequest(
    "BadRequest",
    `The VM size of ${vmSize} is not allowed in your subscription in location '${location ?? ""}'. For more details, please visit https://aka.ms/aks/quotas-skus-regions`,
    "vmSize",
  );
}

/** Nodes a pool starts with times the cores of one. */
export function coresOfPool(pool: Record<string, unknown>): number {
  const count = Number(pool["count"] ?? pool["minCount"] ?? 1);
  return count * coresOf(typeof pool["vmSize"] === "string" ? pool["vmSize"] : undefined);
}

/** Cores used by the pools of a subscription in a region. */
export function coreUsage(view: ResourceView, subscriptionId: string, location: string): number {
  return view
    .list("Microsoft.ContainerService/managedClusters")
    .filter((cluster) => cluster.subscriptionId === subscriptionId)
    .filter((cluster) => locationKey(cluster.location ?? "") === locationKey(location))
    .flatMap((cluster) => view.list("Microsoft.ContainerService/managedClusters/agentPools", cluster.id))
    .reduce((sum, pool) => {
      const properties = valueAt(pool.body, "properties");
      return sum + coresOfPool((properties ?? {}) as Record<string, unknown>);
    }, 0);
}

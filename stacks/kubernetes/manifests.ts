/** A tenant namespace's labels, quota, limits and rights, as plain values. */
import type { types } from "@pulumi/kubernetes";
import type { Tenant } from "../connections.ts";
import type { Tier } from "../spec.ts";
import type { TierDefinition } from "../tiers.ts";

/** Namespace of a tenant on the shared cluster. */
export function planSliceNamespace(slug: string): string {
  return `tenant-${slug}`;
}

/** Who the namespace belongs to, and that nothing but `restricted` pods run in it. */
export function planNamespaceLabels(tenant: Tenant, tier: Tier): Record<string, string> {
  return {
    "matih.ai/tenant-id": tenant.id,
    "matih.ai/tenant-slug": tenant.slug,
    "matih.ai/tier": tier,
    "matih.ai/region": tenant.region,
    "matih.ai/managed-by": "tierlift",
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
    "pod-security.kubernetes.io/audit": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
  };
}

/** A tier's quota in the spelling of the API server. All claims together are at most what the tier may store. */
export function planQuota({
  quota,
  storageGb,
}: Pick<TierDefinition, "quota" | "storageGb">): Record<string, string> {
  return {
    "requests.cpu": String(quota.cpuRequests),
    "limits.cpu": String(quota.cpuLimits),
    "requests.memory": `${quota.memoryRequestsGi}Gi`,
    "limits.memory": `${quota.memoryLimitsGi}Gi`,
    pods: String(quota.pods),
    services: String(quota.services),
    persistentvolumeclaims: String(quota.volumeClaims),
    "requests.storage": `${storageGb}Gi`,
  };
}

/** What a container gets that asks for nothing, and the least and most that one may ask for. */
export function planLimitRange(): types.input.core.v1.LimitRangeItem {
  return {
    type: "Container",
    default: { cpu: "500m", memory: "512Mi" },
    defaultRequest: { cpu: "100m", memory: "256Mi" },
    max: { cpu: "2", memory: "4Gi" },
    min: { cpu: "50m", memory: "64Mi" },
  };
}

/**
 * Rights inside the namespace by role name. `workload-observer` is for the services that watch the tenant's workloads,
 * `tenant-viewer` for people of the tenant: neither reads Secrets.
 */
export function planRoles(): Record<"workload-observer" | "tenant-viewer", types.input.rbac.v1.PolicyRule[]> {
  const read = ["get", "list", "watch"];
  return {
    "workload-observer": [
      { apiGroups: [""], resources: ["pods", "services", "endpoints", "events", "configmaps"], verbs: read },
      { apiGroups: ["apps"], resources: ["deployments", "replicasets"], verbs: read },
      { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: read },
    ],
    "tenant-viewer": [
      { apiGroups: [""], resources: ["pods", "pods/log", "services", "events"], verbs: read },
      { apiGroups: ["apps"], resources: ["deployments", "replicasets"], verbs: read },
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: read },
    ],
  };
}

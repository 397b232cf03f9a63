import { ApiError, isNotFound, type KubeClient } from "./client.ts";
import { apiVersionOf, at, list, text, type GroupVersionKind } from "./object.ts";

/** Where the API serves a kind. */
export interface ResourceKind {
  /** For example `/apis/apps/v1`. */
  readonly root: string;
  /** The plural, as in paths: `deployments`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** The API server serves no such kind: its CustomResourceDefinition is missing, or not established yet. */
export class NoSuchKindError extends Error {
  constructor(gvk: GroupVersionKind) {
    super(`no matches for kind "${gvk.kind}" in version "${apiVersionOf(gvk)}"`);
    this.name = "NoSuchKindError";
  }
}

export interface Discovery {
  /** Throws `NoSuchKindError`. A kind not found is asked for again at the next call. */
  find(gvk: GroupVersionKind, signal?: AbortSignal): Promise<ResourceKind>;
}

export function createDiscovery(client: KubeClient): Discovery {
  const versions = new Map<string, Promise<Map<string, ResourceKind>>>();
  return {
    async find(gvk, signal) {
      const apiVersion = apiVersionOf(gvk);
      let kinds = versions.get(apiVersion);
      if (!kinds) {
        kinds = load(client, gvk, signal);
        versions.set(apiVersion, kinds);
      }
      const found = (await kinds.catch(() => undefined))?.get(gvk.kind);
      if (found) return found;
      versions.delete(apiVersion);
      await kinds; // What went wrong while loading is the better answer.
      throw new NoSuchKindError(gvk);
    },
  };
}

async function load(
  client: KubeClient,
  gvk: GroupVersionKind,
  signal?: AbortSignal,
): Promise<Map<string, ResourceKind>> {
  const root = gvk.group ? `/apis/${gvk.group}/${gvk.version}` : `/api/${gvk.version}`;
  try {
    const answer = await client.call({ path: root, ...(signal && { signal }) });
    const kinds = new Map<string, ResourceKind>();
    for (const resource of list(answer, "resources")) {
      const plural = text(resource, "name");
      if (plural.includes("/")) continue; // A subresource, such as deployments/scale.
      kinds.set(text(resource, "kind"), { root, plural, namespaced: at(resource, "namespaced") === true });
    }
    return kinds;
  } catch (error) {
    if (isNotFound(error) || (error instanceof ApiError && error.code === 503)) return new Map();
    throw error;
  }
}

/** Kinds without a namespace, for when no API server can be asked. */
const clusterKinds: ReadonlySet<string> = new Set([
  "APIService",
  "CSIDriver",
  "CSINode",
  "CertificateSigningRequest",
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "FlowSchema",
  "IngressClass",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "PriorityLevelConfiguration",
  "RuntimeClass",
  "StorageClass",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingWebhookConfiguration",
  "VolumeAttachment",
]);

export function isClusterKind(kind: string): boolean {
  return clusterKinds.has(kind);
}

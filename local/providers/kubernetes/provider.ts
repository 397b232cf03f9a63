import type * as p from "../protocol/provider.ts";
import { hasUnknown, plain, type PropertyMap } from "../protocol/values.ts";
import { createCluster, type Cluster } from "./cluster.ts";
import { configFailure, connectionOf, diffConfig, parseConfig, type ProviderConfig } from "./config.ts";
import { diffObjects, pathContains } from "./diff.ts";
import { isClusterKind, NoSuchKindError } from "./discovery.ts";
import { forceNewFields } from "./force-new.ts";
import { normalizeInputs, prune } from "./inputs.ts";
import { assignName, isAutonamed } from "./names.ts";
import {
  apiVersionOf,
  gvkOf,
  gvkOfType,
  put,
  text,
  type GroupVersionKind,
  type KubeObject,
} from "./object.ts";
import { createObject, deleteObject, readObject, updateObject, type Session } from "./operations.ts";
import { parseCheckpoint, withSecrets } from "./state.ts";

/** How long the API server may take to show that it is there when the provider is configured. */
const probeMs = 10_000;

/** The version of the SDK in use: the engine warns of a plugin older than that. */
const version = "4.34.2";

/**
 * Kubernetes objects by server-side apply, as the official provider has them: inputs, outputs, ids, differences
 * and replacements follow it. Not served: Helm releases, YAML rendering, `…Patch` resources, client-side apply.
 */
export function createKubernetesProvider(): p.Provider {
  let config: ProviderConfig | undefined;
  let cluster: Cluster | undefined;
  let namespace = "default";
  let unreachable = "the provider is not configured";

  const session = (context: p.CallContext): Session => {
    if (!cluster) throw new Error(`configured Kubernetes cluster is unreachable: ${unreachable}`);
    return { cluster, context };
  };

  async function isNamespaced(gvk: GroupVersionKind, context: p.CallContext): Promise<boolean> {
    if (!cluster) return !isClusterKind(gvk.kind);
    try {
      return (await cluster.discovery.find(gvk, context.signal)).namespaced;
    } catch (error) {
      // A kind whose definition is still to come is taken to live in a namespace.
      if (error instanceof NoSuchKindError) return !isClusterKind(gvk.kind);
      throw error;
    }
  }

  return {
    version,
    close: () => cluster?.client.close(),

    checkConfig(request) {
      const failure = configFailure(request);
      return Promise.resolve({ inputs: request.news, failures: failure ? [failure] : [] });
    },
    diffConfig: (request) => diffConfig(request),

    async configure({ args }, context) {
      config = parseConfig(args);
      if (hasUnknown(args["kubeconfig"])) {
        unreachable = "its kubeconfig is not known yet";
      } else {
        try {
          const connection = await connectionOf(config);
          namespace = config.namespace || connection.namespace || "default";
          const candidate = createCluster(connection);
          await candidate.client.call({ path: "/version", timeoutMs: probeMs, signal: context.signal });
          cluster = candidate;
        } catch (error) {
          unreachable = error instanceof Error ? error.message : String(error);
          context.log("debug", unreachable);
        }
      }
      return { acceptSecrets: true, supportsPreview: true, supportsAutonamingConfiguration: true };
    },

    async check(request, context) {
      const gvk = gvkOfType(request.type);
      refuseUnserved(request.type, gvk, plain(request.news));
      const inputs = normalizeInputs(plain(request.news));
      assignName(inputs, plain(request.olds), request);
      if (text(inputs, "metadata", "namespace") === "" && !hasUnknown(inputs["metadata"])) {
        if (await isNamespaced(gvk, context)) put(inputs, ["metadata", "namespace"], namespace);
      }
      return { inputs: withSecrets(inputs, request.news) };
    },

    async diff(request, context) {
      const { live, inputs } = parseCheckpoint(request.olds);
      const news = normalizeInputs(plain(request.news));
      const gvk = gvkOf(news);
      const base = prune(live, normalizeInputs(inputs));
      if (text(news, "metadata", "name") !== "") {
        put(base, ["metadata", "name"], text(live, "metadata", "name"));
      }
      canonicalNamespace(base, news, await isNamespaced(gvk, context));
      const mutable = {
        configMaps: config?.configMapsMutable ?? false,
        secrets: config?.secretsMutable ?? false,
      };
      const detailedDiff = diffObjects(base, news, forceNewFields(gvk, news, mutable));
      for (const path of Object.keys(detailedDiff)) {
        if (request.ignoreChanges.some((ignored) => pathContains(ignored, path))) delete detailedDiff[path];
      }
      const replaces = Object.keys(detailedDiff).filter(
        (path) => detailedDiff[path]?.kind.endsWith("-replace") || path === "metadata",
      );
      return {
        changes: Object.keys(detailedDiff).length > 0 ? "some" : "none",
        replaces,
        deleteBeforeReplace: replaces.length > 0 && keepsName(news, live),
        detailedDiff,
      };
    },

    async create(request, context) {
      if (request.preview && (!cluster || hasUnknown(request.properties))) {
        return { id: "", properties: request.properties };
      }
      return createObject(session(context), request);
    },

    async update(request, context) {
      if (request.preview && (!cluster || hasUnknown(request.news))) return { properties: request.news };
      return updateObject(session(context), request);
    },

    async read(request, context) {
      if (!cluster && config?.deleteUnreachable) return gone(request, unreachable, context);
      if (!cluster) throw new Error(unreachableAdvice("failed to read resource state", unreachable));
      return readObject(session(context), request);
    },

    async delete(request, context) {
      if (!cluster && config?.deleteUnreachable) {
        gone(request, unreachable, context);
        return;
      }
      if (!cluster) throw new Error(unreachableAdvice("failed to delete resource", unreachable));
      await deleteObject(session(context), request);
    },
  };
}

function refuseUnserved(type: string, gvk: GroupVersionKind, news: KubeObject): void {
  const unserved = (what: string) => new Error(`${what} are not served by this plugin`);
  if (type.startsWith("kubernetes:helm.sh/")) throw unserved("Helm releases");
  const kind = text(news, "kind");
  if (gvk.kind.endsWith("Patch") && kind !== "" && gvk.kind === `${kind}Patch`)
    throw unserved("Patch resources");
  if (gvk.kind.endsWith("List") && news["items"] !== undefined) {
    throw new Error("list resources cannot be created directly; use the underlying resource type instead");
  }
  if (text(news, "metadata", "generateName") !== "") {
    throw new Error("the `.metadata.generateName` field is not supported in Server-Side Apply mode");
  }
}

/** A namespaced object without a namespace is in `default`; one of the cluster has none, whatever was written. */
function canonicalNamespace(base: KubeObject, news: KubeObject, namespaced: boolean): void {
  for (const object of [base, news]) {
    if (hasUnknown((object as PropertyMap)["metadata"])) continue;
    const own = text(object, "metadata", "namespace");
    if (namespaced) put(object, ["metadata", "namespace"], own || "default");
    else if (own !== "") delete (object["metadata"] as KubeObject)["namespace"];
  }
}

/** The replacement would have the name of what it replaces, so that one has to go first. */
function keepsName(news: KubeObject, live: KubeObject): boolean {
  const name = text(news, "metadata", "name");
  return (
    name !== "" &&
    !isAutonamed(news) &&
    name === text(live, "metadata", "name") &&
    text(news, "metadata", "namespace") === text(live, "metadata", "namespace")
  );
}

function unreachableAdvice(what: string, why: string): string {
  return (
    `${what}: configured Kubernetes cluster is unreachable: ${why}. If the cluster was deleted, remove this ` +
    'resource from the state by running again with PULUMI_K8S_DELETE_UNREACHABLE set to "true"'
  );
}

function gone(request: { type: string }, why: string, context: p.CallContext): p.ReadResult {
  const kind = apiVersionOf(gvkOfType(request.type));
  context.log("warning", `${kind}: the cluster is unreachable (${why}); removed from the state only`);
  return { id: "", properties: {}, inputs: {} };
}

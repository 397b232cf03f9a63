import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, createKubeClient, isNotFound, UnreachableError, type KubeClient } from "./client.ts";
import { createDiscovery, type Discovery, type ResourceKind } from "./discovery.ts";
import type { Connection } from "./kubeconfig.ts";
import {
  apiVersionOf,
  gvkOf,
  isObject,
  list,
  text,
  type GroupVersionKind,
  type KubeObject,
} from "./object.ts";

/** One object in the API. */
export interface ObjectRef extends GroupVersionKind {
  readonly namespace: string;
  readonly name: string;
}

export interface ApplyOptions {
  readonly fieldManager: string;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onWarning: (message: string) => void;
}

export interface Selection extends GroupVersionKind {
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** The operations on objects of any kind, by discovery. */
export interface Cluster {
  readonly client: KubeClient;
  readonly discovery: Discovery;
  apply(object: KubeObject, options: ApplyOptions): Promise<KubeObject>;
  /** Throws `ApiError` 404 when it is not there, `NoSuchKindError` when its kind is not. */
  get(ref: ObjectRef, signal: AbortSignal): Promise<KubeObject>;
  delete(ref: ObjectRef, propagation: string, signal: AbortSignal): Promise<void>;
  list(selection: Selection, signal: AbortSignal): Promise<KubeObject[]>;
  /**
   * Yields the selected objects now and after each change, until the caller stops or `signal` aborts (which
   * throws). It watches; connections and watches that end are taken up again.
   */
  follow(selection: Selection, signal: AbortSignal): AsyncGenerator<KubeObject[]>;
}

const rewatchMs = 250;
/** Unanswered tries to take a watch up again before it counts as a failure: about half a minute. */
const maxFailures = 12;

export function createCluster(connection: Connection): Cluster {
  const client = createKubeClient(connection);
  const discovery = createDiscovery(client);

  async function pathOf(gvk: GroupVersionKind, namespace: string, signal: AbortSignal): Promise<string> {
    return collectionPath(await discovery.find(gvk, signal), namespace);
  }
  async function read(selection: Selection, signal: AbortSignal) {
    const path = await pathOf(selection, selection.namespace, signal);
    const answer = await client.call({ path, query: selectors(selection), signal });
    // A list names the kind once, for all its items.
    const own = { apiVersion: apiVersionOf(selection), kind: selection.kind };
    const items = list(answer, "items")
      .filter(isObject)
      .map((item): KubeObject => ({ ...own, ...item }));
    return { path, items, version: text(answer, "metadata", "resourceVersion") };
  }

  return {
    client,
    discovery,
    async apply(object, { fieldManager, force, dryRun, signal, onWarning }) {
      const namespace = text(object, "metadata", "namespace");
      const path = await pathOf(gvkOf(object), namespace, signal);
      const query = {
        fieldManager,
        force: String(force),
        fieldValidation: "Warn",
        ...(dryRun && { dryRun: "All" }),
      };
      return client.call({
        method: "PATCH",
        path: `${path}/${encodeURIComponent(text(object, "metadata", "name"))}`,
        query,
        body: object,
        contentType: "application/apply-patch+yaml", // JSON is YAML.
        signal,
        onWarning,
      });
    },
    async get(ref, signal) {
      const path = await pathOf(ref, ref.namespace, signal);
      return client.call({ path: `${path}/${encodeURIComponent(ref.name)}`, signal });
    },
    async delete(ref, propagation, signal) {
      const path = await pathOf(ref, ref.namespace, signal);
      await client.call({
        method: "DELETE",
        path: `${path}/${encodeURIComponent(ref.name)}`,
        body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: propagation },
        signal,
      });
    },
    async list(selection, signal) {
      return (await read(selection, signal)).items;
    },
    async *follow(selection, signal) {
      for (let failures = 0; ;) {
        try {
          const { path, items, version } = await read(selection, signal);
          failures = 0;
          const objects = new Map(items.map((item) => [text(item, "metadata", "uid"), item]));
          yield [...objects.values()];
          const query = { ...selectors(selection), resourceVersion: version, allowWatchBookmarks: "true" };
          for await (const { type, object } of client.watch(path, query, signal)) {
            if (type === "BOOKMARK") continue;
            const uid = text(object, "metadata", "uid");
            if (type === "DELETED") objects.delete(uid);
            else objects.set(uid, object);
            yield [...objects.values()];
          }
        } catch (error) {
          signal.throwIfAborted();
          if (!isPassing(error) || ++failures > maxFailures) throw error;
          await sleep(rewatchMs * Math.min(failures, 10), undefined, { signal });
        }
      }
    },
  };
}

/** 410: the version to watch from is too old, so list again. */
function isPassing(error: unknown): boolean {
  if (error instanceof UnreachableError) return true;
  return error instanceof ApiError && [410, 429, 500, 503, 504].includes(error.code);
}

function collectionPath({ root, plural, namespaced }: ResourceKind, namespace: string): string {
  return namespaced && namespace
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`;
}

function selectors({ labelSelector, fieldSelector }: Selection): Record<string, string> {
  return { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
}

export function refOf(object: KubeObject): ObjectRef {
  return {
    ...gvkOf(object),
    namespace: text(object, "metadata", "namespace"),
    name: text(object, "metadata", "name"),
  };
}

/** The object alone, as a selection to follow. */
export function selectionOf(ref: ObjectRef): Selection {
  const { group, version, kind, namespace, name } = ref;
  return { group, version, kind, namespace, fieldSelector: `metadata.name=${name}` };
}

export { isNotFound };

import { setTimeout as delay } from "node:timers/promises";
import type { KubernetesClient, KubernetesObject, ObjectList } from "./client.ts";

export interface Watched {
  /** All objects as last seen, by `namespace/name`. */
  readonly objects: ReadonlyMap<string, KubernetesObject>;
  /** Settles once the signal has ended the watch. */
  readonly done: Promise<void>;
}

const retryAfterMs = 500;

/**
 * Keeps a copy of all objects of a kind: lists, watches from there, goes on where a watch ended, and lists anew when the
 * server no longer has the changes since then (410). `onChange` is called after each list and each change.
 */
export function watchObjects(
  client: KubernetesClient,
  path: string,
  signal: AbortSignal,
  onChange: (object?: KubernetesObject) => void,
): Watched {
  const objects = new Map<string, KubernetesObject>();
  const list = async (): Promise<string> => {
    const answer = await client.get<ObjectList>(path);
    objects.clear();
    for (const object of answer.items) objects.set(objectKey(object), object);
    onChange();
    return answer.metadata.resourceVersion;
  };
  /** Follows the changes until the watch ends; the version to go on from, or undefined when a list is needed. */
  const follow = async (since: string): Promise<string | undefined> => {
    let version = since;
    const query = `resourceVersion=${version}&watch=true&allowWatchBookmarks=true&timeoutSeconds=300`;
    for await (const { type, object } of client.watch(`${path}?${query}`, signal)) {
      if (type === "ERROR") return undefined;
      version = object.metadata.resourceVersion ?? version;
      if (type === "BOOKMARK") continue;
      if (type === "DELETED") objects.delete(objectKey(object));
      else objects.set(objectKey(object), object);
      onChange(object);
    }
    return version;
  };
  const run = async () => {
    let version: string | undefined;
    while (!signal.aborted) {
      try {
        version ??= await list();
        version = await follow(version);
      } catch {
        // The server is away for a moment, or has ended the connection: from a list on.
        version = undefined;
        await delay(retryAfterMs, undefined, { signal }).catch(() => undefined);
      }
    }
  };
  return { objects, done: run() };
}

export function objectKey({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

import { setTimeout as delay } from "node:timers/promises";
import { isStatus, type KubernetesClient, type KubernetesObject, type ObjectList } from "./client.ts";

interface ApiResource {
  name: string;
  namespaced: boolean;
  verbs: string[];
}

const askEveryMs = 50;
/** After that Kubernetes' own namespace controller is left to it: something in the namespace waits for a finalizer. */
const patienceMs = 4_000;

/**
 * Deletes everything in a namespace that is being deleted, pods without grace (nothing runs in them), and then lets go
 * of the namespace itself: what the namespace controller does, without its waits.
 */
export async function emptyNamespace(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const collections = await namespacedCollections(client, namespace);
  await Promise.all(
    collections.map((path) =>
      client
        .delete(
          path,
          path.endsWith("/pods") ? { gracePeriodSeconds: 0 } : { propagationPolicy: "Background" },
        )
        .catch(tolerateRefusal),
    ),
  );
  const deadline = Date.now() + patienceMs;
  let left = collections;
  while (left.length > 0 && !signal.aborted) {
    left = await stillFilled(client, left);
    if (left.length === 0) break;
    if (Date.now() > deadline) return;
    await delay(askEveryMs, undefined, { signal }).catch(() => undefined);
  }
  if (!signal.aborted) await release(client, namespace);
}

async function namespacedCollections(client: KubernetesClient, namespace: string): Promise<string[]> {
  const { groups } = await client.get<{ groups: { preferredVersion: { groupVersion: string } }[] }>("/apis");
  const roots = [
    "/api/v1",
    ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`),
  ];
  const found = await Promise.all(
    roots.map(async (root) => {
      const { resources } = await client.get<{ resources: ApiResource[] }>(root);
      return resources
        .filter(
          ({ namespaced, verbs }) =>
            namespaced && verbs.includes("deletecollection") && verbs.includes("list"),
        )
        .map(({ name }) => `${root}/namespaces/${namespace}/${name}`);
    }),
  );
  return found.flat();
}

async function stillFilled(client: KubernetesClient, collections: string[]): Promise<string[]> {
  const filled = await Promise.all(
    collections.map(async (path) => {
      const list = await client.get<ObjectList>(`${path}?limit=1`).catch((error: unknown) => {
        tolerateRefusal(error);
        return undefined;
      });
      return list && list.items.length > 0 ? [path] : [];
    }),
  );
  return filled.flat();
}

async function release(client: KubernetesClient, namespace: string): Promise<void> {
  try {
    const object = await client.get<KubernetesObject>(`/api/v1/namespaces/${namespace}`);
    if (!object.metadata.deletionTimestamp) return; // made anew meanwhile
    const finalizers = ((object.spec?.finalizers ?? []) as string[]).filter((name) => name !== "kubernetes");
    await client.replace(`/api/v1/namespaces/${namespace}/finalize`, {
      ...object,
      spec: { ...object.spec, finalizers },
    });
  } catch (error) {
    if (!isStatus(error, 404, 409)) throw error; // the other controller was first
  }
}

/** Gone, or not to be deleted this way. */
function tolerateRefusal(error: unknown): void {
  if (!isStatus(error, 404, 405, 409)) throw error;
}

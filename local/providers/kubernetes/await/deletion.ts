import { isNotFound, selectionOf, type Cluster, type ObjectRef } from "../cluster.ts";
import { isObject, list, text, type KubeObject } from "../object.ts";

/** The deletion was accepted, and the object is still there. */
export class NotDeletedError extends Error {
  readonly live: KubeObject;
  constructor(message: string, live: KubeObject) {
    super(message);
    this.name = "NotDeletedError";
    this.live = live;
  }
}

export interface DeleteOptions {
  readonly cluster: Cluster;
  readonly propagation: string;
  readonly skipAwait: boolean;
  readonly timeoutSeconds: number;
  readonly cancelled: AbortSignal;
  readonly status: (message: string) => void;
}

/** Deletes the object and waits until it is gone, or another one has its name. One that is not there is fine. */
export async function deleteAndWait(ref: ObjectRef, options: DeleteOptions): Promise<void> {
  const { cluster, cancelled, status } = options;
  try {
    const doomed = await cluster.get(ref, cancelled);
    await cluster.delete(ref, options.propagation, cancelled);
    if (options.skipAwait) return;
    const timeout = AbortSignal.timeout(options.timeoutSeconds * 1000);
    await waitUntilGone(doomed, ref, AbortSignal.any([cancelled, timeout]), options, status);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

async function waitUntilGone(
  doomed: KubeObject,
  ref: ObjectRef,
  signal: AbortSignal,
  { cluster, cancelled }: DeleteOptions,
  status: (message: string) => void,
): Promise<void> {
  const uid = text(doomed, "metadata", "uid");
  let live = doomed;
  try {
    for await (const objects of cluster.follow(selectionOf(ref), signal)) {
      const found = objects.find((object) => text(object, "metadata", "uid") === uid);
      if (!found) return;
      live = found;
      status(`Waiting for the ${ref.kind} to be gone${blockers(live)}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    const why = cancelled.aborted ? "cancelled" : "timed out";
    throw new NotDeletedError(
      `deletion of '${ref.name}' ${why} while waiting for it to be gone${blockers(live)}`,
      live,
    );
  }
}

/** What holds the object: a namespace says it in its conditions, others by finalizers. */
function blockers(object: KubeObject): string {
  const conditions = list(object, "status", "conditions")
    .filter(isObject)
    .filter((item) => text(object, "kind") === "Namespace" && item["status"] === "True")
    .map((item) => text(item, "message"));
  const finalizers = list(object, "metadata", "finalizers").map(String);
  const all = [...conditions, ...finalizers.map((name) => `finalizer ${name}`)];
  return all.length > 0 ? ` (${all.join("; ")})` : "";
}

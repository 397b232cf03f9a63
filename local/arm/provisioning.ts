/** What happens behind an accepted change: servers follow their resources, trees of resources go together. */
import type { Cloud } from "./cloud.ts";
import type { Backend } from "./backend.ts";
import { merge } from "./http.ts";
import type { OperationRecord } from "./operations.ts";
import { groupId, idKey, subscriptionOf } from "./path.ts";
import type { StoredResource } from "./store.ts";
import { behaviourOf } from "./types/index.ts";

/** Outlives its target and shows again on a resource of the same id, as in Azure. */
const survivors = new Set(["microsoft.insights/diagnosticsettings"]);

/** Operations on one top-level resource and what is below it run one after the other. */
export function queueKey(resource: StoredResource): string {
  const [, below] = resource.id.split(/\/providers\//i);
  if (below === undefined) return idKey(resource.id);
  const top = below.split("/").slice(0, 3).join("/");
  return idKey(`${resource.subscriptionId}/${resource.resourceGroup}/${top}`);
}

/** Where a client polls: absolute, and soon (the first header that a client knows counts). */
export function operationHeaders(
  origin: string,
  resource: StoredResource,
  record: OperationRecord,
  style: "async" | "location",
): Record<string, string> {
  const namespace = resource.type.split("/")[0] ?? "";
  const place = `${origin}/subscriptions/${subscriptionOf(resource.id)}/providers/${namespace}/locations/${resource.location ?? "global"}`;
  const version = `?api-version=${resource.apiVersion}`;
  const location = { location: `${place}/operationResults/${record.id}${version}` };
  if (style === "location") return { ...location, ...pollSoon };
  return {
    "azure-asyncoperation": `${place}/operationStatuses/${record.id}${version}`,
    ...location,
    ...pollSoon,
  };
}

/** Milliseconds for the clients that read them, whole seconds for the others. `Retry-After: 0` would count as absent. */
export const pollSoon = { "retry-after-ms": "100", "x-ms-retry-after-ms": "100", "retry-after": "1" };

/** Makes the server behind a stored resource match it and takes in what it reports. */
export async function finishPut(cloud: Cloud, id: string): Promise<void> {
  const resource = cloud.store.get(id);
  // A server must not come up for what is on its way out.
  if (resource === undefined || isLeaving(cloud, resource)) return;
  const reported = (await backendOf(cloud, resource)?.ensure(resource, cloud.store)) ?? {};
  const now = cloud.store.get(id);
  if (now === undefined) return;
  cloud.store.put(withOutputs({ ...now, state: "Succeeded" }, reported));
  followParent(cloud, now);
}

function isLeaving(cloud: Cloud, resource: StoredResource): boolean {
  const group = cloud.store.get(groupId(resource.subscriptionId, resource.resourceGroup));
  return resource.state === "Deleting" || group?.state === "Deleting";
}

/** A resource with read-only properties taken in and kept. */
export function withOutputs(resource: StoredResource, properties: Record<string, unknown>): StoredResource {
  const reported = Object.keys(properties).length === 0 ? {} : { properties };
  return { ...resource, outputs: merge(resource.outputs, reported), body: merge(resource.body, reported) };
}

/** Members that Azure makes below a resource (pools declared inline) share its fate. */
function followParent(cloud: Cloud, parent: StoredResource): void {
  for (const child of cloud.store.all(parent.id)) {
    if (
      child.operationId === parent.operationId &&
      child.operationId !== undefined &&
      child.state !== "Succeeded"
    ) {
      cloud.store.put({ ...child, state: "Succeeded" });
    }
  }
}

const backendOf = (cloud: Cloud, resource: { type: string }): Backend | undefined =>
  cloud.backends.get(resource.type.toLowerCase());

const parentOf = (cloud: Cloud, resource: StoredResource): StoredResource | undefined =>
  cloud.store.get(resource.id.split("/").slice(0, -2).join("/"));

/** Marks what an operation has failed on. */
export function markFailed(cloud: Cloud, record: OperationRecord): void {
  const resource = cloud.store.get(record.resourceId);
  if (resource?.operationId === record.id) cloud.store.put({ ...resource, state: "Failed" });
}

/** Ends a resource with everything below it and what Azure takes along, servers first, the deepest before their parents. */
export async function removeTree(cloud: Cloud, id: string): Promise<void> {
  const root = cloud.store.get(id);
  if (root === undefined) return;
  const gone = treeOf(cloud, root);
  const keys = new Set(gone.map((resource) => idKey(resource.id)));
  for (const level of byDepth(gone)) {
    await Promise.all(level.map((resource) => removeServer(cloud, resource, keys)));
  }
  for (const resource of byDepth(gone).flat()) {
    cloud.store.remove(resource.id);
    behaviourOf(resource.type)?.removed?.(resource, cloud);
  }
}

function treeOf(cloud: Cloud, root: StoredResource): StoredResource[] {
  const found = new Map<string, StoredResource>();
  const visit = (resource: StoredResource): void => {
    if (found.has(idKey(resource.id)) || (resource !== root && survivors.has(resource.type.toLowerCase())))
      return;
    found.set(idKey(resource.id), resource);
    for (const child of cloud.store.all(resource.id)) visit(child);
    for (const id of behaviourOf(resource.type)?.takesAlong?.(resource) ?? []) {
      const other = cloud.store.get(id);
      if (other !== undefined) visit(other);
    }
  };
  visit(root);
  return [...found.values()];
}

/** The deepest first. */
function byDepth(resources: StoredResource[]): StoredResource[][] {
  const levels = new Map<number, StoredResource[]>();
  for (const resource of resources) {
    const depth = resource.id.split("/").length;
    levels.set(depth, [...(levels.get(depth) ?? []), resource]);
  }
  return [...levels].sort(([a], [b]) => b - a).map(([, level]) => level);
}

/** A child whose parent's server goes as well needs no end of its own. */
async function removeServer(
  cloud: Cloud,
  resource: StoredResource,
  gone: ReadonlySet<string>,
): Promise<void> {
  const backend = backendOf(cloud, resource);
  if (backend === undefined) return;
  const parent = parentOf(cloud, resource);
  if (parent !== undefined && gone.has(idKey(parent.id)) && backendOf(cloud, parent) !== undefined) return;
  await backend.remove(resource, cloud.store);
}

/** Brings every stored resource's server back, parents before what is below them. Failures are logged, not thrown. */
export async function restoreServers(cloud: Cloud): Promise<void> {
  for (const level of byDepth(cloud.store.all()).reverse()) {
    await Promise.all(level.map((resource) => restoreServer(cloud, resource)));
  }
}

async function restoreServer(cloud: Cloud, resource: StoredResource): Promise<void> {
  // What an interrupted operation works on is the operation's.
  if (backendOf(cloud, resource) === undefined || resource.state !== "Succeeded") return;
  try {
    await finishPut(cloud, resource.id);
  } catch (error) {
    cloud.log(`the server behind ${resource.id} did not come back`, error);
    cloud.store.put({ ...resource, state: "Failed" });
  }
}

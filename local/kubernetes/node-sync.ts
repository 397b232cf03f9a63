import { setTimeout as delay } from "node:timers/promises";
import { isStatus, type KubernetesClient, type KubernetesObject, type ObjectList } from "./client.ts";
import type { NodePlan, Taint } from "./nodes.ts";

/** What of a plan was applied to a node last: needed to know which labels are ours to take away. */
const planAnnotation = "tierlift.dev/node-plan";
/** Set and taken away by Kubernetes itself, by a node's condition. */
const conditionTaint = /^node\.(kubernetes|cloudprovider\.kubernetes)\.io\//;
const readyWithinMs = 30_000;

/**
 * Makes the cluster's nodes those of the plan: creates, relabels, and removes what the plan does not name (its pods
 * first, as a drain would). Waits until every planned node is ready.
 */
export async function syncNodes(client: KubernetesClient, plan: readonly NodePlan[]): Promise<void> {
  const present = new Map(
    (await client.get<ObjectList>("/api/v1/nodes")).items.map((node) => [node.metadata.name, node]),
  );
  const planned = new Set(plan.map((node) => node.name));
  await Promise.all(plan.map((node) => applyNode(client, node, present.get(node.name))));
  const surplus = [...present.keys()].filter((name) => !planned.has(name));
  // All are closed before any is emptied, so that no pod moves from one to the next.
  await Promise.all(surplus.map((name) => cordonNode(client, name)));
  await Promise.all(surplus.map((name) => removeNode(client, name)));
  await untilReady(client, planned);
}

async function applyNode(
  client: KubernetesClient,
  plan: NodePlan,
  present?: KubernetesObject,
): Promise<void> {
  if (present && present.metadata.annotations?.[planAnnotation] === describe(plan)) return;
  if (present && !sameSize(plan, present)) {
    await removeNode(client, plan.name);
    present = undefined;
  }
  if (present) {
    await client.patch(`/api/v1/nodes/${plan.name}`, "merge", relabel(plan, present));
    return;
  }
  await client.create("/api/v1/nodes", nodeObject(plan)).catch((error: unknown) => {
    if (!isStatus(error, 409)) throw error; // there since the list was made
  });
}

function nodeObject(plan: NodePlan): Record<string, unknown> {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: plan.name, labels: plan.labels, annotations: { [planAnnotation]: describe(plan) } },
    spec: { providerID: plan.providerId, taints: plan.taints },
    status: { capacity: plan.capacity, allocatable: plan.allocatable },
  };
}

function relabel(plan: NodePlan, present: KubernetesObject): Record<string, unknown> {
  const before = present.metadata.annotations?.[planAnnotation];
  const applied = before ? (JSON.parse(before) as Pick<NodePlan, "labels">).labels : {};
  const gone = Object.keys(applied).filter((label) => !(label in plan.labels));
  const taints = ((present.spec?.taints ?? []) as Taint[]).filter((taint) => conditionTaint.test(taint.key));
  return {
    metadata: {
      labels: { ...Object.fromEntries(gone.map((label) => [label, null])), ...plan.labels },
      annotations: { [planAnnotation]: describe(plan) },
    },
    spec: { taints: [...plan.taints, ...taints] },
  };
}

function describe(plan: NodePlan): string {
  return JSON.stringify({ labels: plan.labels, taints: plan.taints, capacity: plan.capacity });
}

/** A node of another size is another machine. */
function sameSize(plan: NodePlan, present: KubernetesObject): boolean {
  const capacity = (present.status?.capacity ?? {}) as Record<string, string>;
  const type = present.metadata.labels?.["node.kubernetes.io/instance-type"];
  return capacity.cpu === plan.capacity.cpu && type === plan.labels["node.kubernetes.io/instance-type"];
}

/** A node that takes no more pods loses those it has, then goes itself. */
async function removeNode(client: KubernetesClient, name: string): Promise<void> {
  await cordonNode(client, name);
  await evictPods(client, name);
  await client.delete(`/api/v1/nodes/${name}`);
  // The scheduler may have decided for the node before it was closed; nobody else looks for such pods for a minute.
  await evictPods(client, name);
}

async function cordonNode(client: KubernetesClient, name: string): Promise<void> {
  await client
    .patch(`/api/v1/nodes/${name}`, "merge", { spec: { unschedulable: true } })
    .catch((error: unknown) => {
      if (!isStatus(error, 404)) throw error;
    });
}

async function evictPods(client: KubernetesClient, nodeName: string): Promise<void> {
  const selector = encodeURIComponent(`spec.nodeName=${nodeName}`);
  const pods = await client.get<ObjectList>(`/api/v1/pods?fieldSelector=${selector}`);
  await Promise.all(
    pods.items.map(({ metadata }) =>
      client.delete(`/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`, {
        gracePeriodSeconds: 0,
      }),
    ),
  );
}

async function untilReady(client: KubernetesClient, names: ReadonlySet<string>): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    const { items } = await client.get<ObjectList>("/api/v1/nodes");
    const ready = new Set(items.filter(isReady).map((node) => node.metadata.name));
    const missing = [...names].filter((name) => !ready.has(name));
    if (missing.length === 0) return;
    if (Date.now() > deadline)
      throw new Error(`Nodes not ready after ${readyWithinMs / 1000} s: ${missing.join(", ")}.`);
    await delay(50);
  }
}

function isReady(node: KubernetesObject): boolean {
  const conditions = (node.status?.conditions ?? []) as { type: string; status: string }[];
  const taints = (node.spec?.taints ?? []) as Taint[];
  return (
    conditions.some(({ type, status }) => type === "Ready" && status === "True") &&
    !taints.some((taint) => taint.key === "node.kubernetes.io/not-ready")
  );
}

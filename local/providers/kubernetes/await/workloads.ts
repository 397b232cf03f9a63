import type { Selection } from "../cluster.ts";
import { at, count, text, type KubeObject } from "../object.ts";
import { condition, isObserved, isTrue, labelSelector, podComplaints, wanted } from "./conditions.ts";
import { failed, ready, waiting, type Awaiter, type Readiness } from "./readiness.ts";

/** Complete as `kubectl rollout status` has it: every replica is of the present template, and available. */
export function evaluateDeployment(deployment: KubeObject): Readiness {
  const replicas = wanted(deployment);
  const updated = count(deployment, "status", "updatedReplicas");
  const total = count(deployment, "status", "replicas");
  const available = count(deployment, "status", "availableReplicas");
  const progressing = condition(deployment, "Progressing");
  if (!isObserved(deployment)) return waiting("Waiting for the Deployment controller");
  if (text(progressing, "reason") === "ProgressDeadlineExceeded") {
    return failed(
      "the rollout did not make progress within its deadline: minimum number of Pods did not become live",
      [text(progressing, "message"), ...replicaFailure(deployment)].filter(Boolean),
    );
  }
  if (updated === replicas && total === replicas && available >= replicas) return ready;
  const failure = replicaFailure(deployment);
  return waiting(
    failure[0] ??
      `Waiting for Pods to become available (${Math.min(available, updated)}/${replicas} available)`,
    failure,
  );
}

/** Pods that could not be made at all, for example over the quota. */
function replicaFailure(object: KubeObject): string[] {
  const failure = condition(object, "ReplicaFailure");
  return text(failure, "status") === "True"
    ? [`${text(failure, "reason")}: ${text(failure, "message")}`]
    : [];
}

export function evaluateStatefulSet(set: KubeObject): Readiness {
  const replicas = wanted(set);
  const readyReplicas = count(set, "status", "readyReplicas");
  if (!isObserved(set)) return waiting("Waiting for the StatefulSet controller");
  if (text(set, "spec", "updateStrategy", "type") === "OnDelete") {
    return readyReplicas >= replicas ? ready : waiting(progress(readyReplicas, replicas));
  }
  const rolledOut = text(set, "status", "currentRevision") === text(set, "status", "updateRevision");
  const partition = count(set, "spec", "updateStrategy", "rollingUpdate", "partition");
  const updated = count(set, "status", "updatedReplicas");
  const complete = partition > 0 ? updated >= replicas - partition : rolledOut;
  if (readyReplicas >= replicas && complete) return ready;
  return waiting(progress(readyReplicas, replicas), replicaFailure(set));
}

export function evaluateDaemonSet(set: KubeObject): Readiness {
  if (!isObserved(set)) return waiting("Waiting for the DaemonSet controller");
  const desired = count(set, "status", "desiredNumberScheduled");
  const updated = count(set, "status", "updatedNumberScheduled");
  const available = count(set, "status", "numberAvailable");
  const onDelete = text(set, "spec", "updateStrategy", "type") === "OnDelete";
  if (available >= desired && (onDelete || updated >= desired)) return ready;
  return waiting(progress(Math.min(available, updated), desired));
}

export function evaluateReplicaSet(set: KubeObject): Readiness {
  const available = count(set, "status", "availableReplicas");
  if (isObserved(set) && available >= wanted(set)) return ready;
  return waiting(progress(available, wanted(set)), replicaFailure(set));
}

function progress(done: number, replicas: number): string {
  return `Waiting for Pods to become ready (${done}/${replicas} ready)`;
}

export function evaluatePod(pod: KubeObject): Readiness {
  const phase = text(pod, "status", "phase");
  if (phase === "Succeeded" || isTrue(pod, "Ready")) return ready;
  const complaints = podComplaints(pod);
  if (phase === "Failed") return failed(text(pod, "status", "message") || "the Pod failed", complaints);
  return waiting(complaints[0] ?? "Waiting for the Pod to become ready", complaints);
}

export function evaluateJob(job: KubeObject): Readiness {
  if (isTrue(job, "Complete") || at(job, "spec", "suspend") === true) return ready;
  const failure = condition(job, "Failed");
  if (text(failure, "status") === "True") {
    return failed(`the Job failed: ${text(failure, "reason")}: ${text(failure, "message")}`);
  }
  const succeeded = count(job, "status", "succeeded");
  const completions = at(job, "spec", "completions");
  return waiting(
    `Waiting for the Job to complete (${succeeded}/${typeof completions === "number" ? completions : 1} succeeded)`,
  );
}

function podsOf(object: KubeObject): Selection[] {
  const labels = labelSelector(at(object, "spec", "selector", "matchLabels"));
  if (labels === "") return [];
  return [
    {
      group: "",
      version: "v1",
      kind: "Pod",
      namespace: text(object, "metadata", "namespace"),
      labelSelector: labels,
    },
  ];
}

export const workloadAwaiters: Readonly<Record<string, Awaiter>> = {
  "apps/Deployment": { evaluate: evaluateDeployment, suspects: podsOf },
  "apps/StatefulSet": { evaluate: evaluateStatefulSet, suspects: podsOf },
  "apps/DaemonSet": { evaluate: evaluateDaemonSet, suspects: podsOf },
  "apps/ReplicaSet": { evaluate: evaluateReplicaSet, suspects: podsOf },
  "/ReplicationController": { evaluate: evaluateReplicaSet },
  "/Pod": { evaluate: evaluatePod },
  "batch/Job": { evaluate: evaluateJob, suspects: podsOf },
};

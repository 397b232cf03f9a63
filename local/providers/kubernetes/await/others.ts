import { at, isObject, text, type KubeObject } from "../object.ts";
import { condition, isTrue } from "./conditions.ts";
import { failed, ready, waiting, type Awaiter, type Readiness } from "./readiness.ts";

/** A claim that waits for its first Pod before it is bound is as ready as it gets without one. */
export function evaluateClaim(claim: KubeObject, classes: readonly KubeObject[]): Readiness {
  const phase = text(claim, "status", "phase");
  if (phase === "Bound") return ready;
  if (phase === "Lost") return failed("the PersistentVolumeClaim lost its volume");
  const storageClass = classes.find(
    (item) => text(item, "metadata", "name") === text(claim, "spec", "storageClassName"),
  );
  if (storageClass && text(storageClass, "volumeBindingMode") === "WaitForFirstConsumer") return ready;
  return waiting("Waiting for the PersistentVolumeClaim to be bound", ["PersistentVolumeClaim is not bound"]);
}

/** The quota is enforced once its controller has taken the limits over. */
export function evaluateQuota(quota: KubeObject): Readiness {
  const spec = at(quota, "spec", "hard");
  const status = at(quota, "status", "hard");
  if (!isObject(spec) || Object.keys(spec).length === 0) return ready;
  const same = isObject(status) && Object.entries(spec).every(([key, value]) => status[key] === value);
  return same ? ready : waiting("Waiting for the quota to be enforced");
}

export function evaluateDefinition(definition: KubeObject): Readiness {
  const accepted = condition(definition, "NamesAccepted");
  if (text(accepted, "status") === "False") {
    return failed(`the CustomResourceDefinition's names were not accepted: ${text(accepted, "message")}`);
  }
  return isTrue(definition, "Established")
    ? ready
    : waiting("Waiting for the CustomResourceDefinition to be served");
}

export function evaluateNamespace(namespace: KubeObject): Readiness {
  return text(namespace, "status", "phase") === "Active" ? ready : waiting("Waiting for the Namespace");
}

export const otherAwaiters: Readonly<Record<string, Awaiter>> = {
  "/PersistentVolumeClaim": {
    related: () => [{ group: "storage.k8s.io", version: "v1", kind: "StorageClass", namespace: "" }],
    evaluate: (claim, [classes = []]) => evaluateClaim(claim, classes),
  },
  "/ResourceQuota": { evaluate: evaluateQuota },
  "/Namespace": { evaluate: evaluateNamespace },
  "apiextensions.k8s.io/CustomResourceDefinition": { evaluate: evaluateDefinition },
};

import { at, count, isObject, list, text, type KubeObject } from "../object.ts";
import type { PlainMap } from "../../protocol/values.ts";

export function condition(object: KubeObject, type: string): PlainMap | undefined {
  return list(object, "status", "conditions")
    .filter(isObject)
    .find((item) => item["type"] === type);
}

export function isTrue(object: KubeObject, type: string): boolean {
  return text(condition(object, type), "status") === "True";
}

/** Whether the status speaks of the object's present spec. */
export function isObserved(object: KubeObject): boolean {
  const observed = at(object, "status", "observedGeneration");
  return typeof observed === "number" && observed >= count(object, "metadata", "generation");
}

/** `spec.replicas`, 1 where it is not set. */
export function wanted(object: KubeObject): number {
  const replicas = at(object, "spec", "replicas");
  return typeof replicas === "number" ? replicas : 1;
}

/** What a pod complains of: an image that cannot be pulled, a container that crashes, no node to run on. */
export function podComplaints(pod: KubeObject): string[] {
  const name = text(pod, "metadata", "name");
  const complaints: string[] = [];
  const scheduled = condition(pod, "PodScheduled");
  if (text(scheduled, "status") === "False") {
    complaints.push(`[Pod ${name}]: ${text(scheduled, "reason")}: ${text(scheduled, "message")}`);
  }
  const statuses = [
    ...list(pod, "status", "initContainerStatuses"),
    ...list(pod, "status", "containerStatuses"),
  ];
  for (const status of statuses) {
    for (const state of ["waiting", "terminated"]) {
      const reason = text(status, "state", state, "reason");
      if (
        reason === "" ||
        reason === "Completed" ||
        reason === "ContainerCreating" ||
        reason === "PodInitializing"
      ) {
        continue;
      }
      const message = text(status, "state", state, "message");
      complaints.push(
        `[Pod ${name}]: container "${text(status, "name")}": ${reason}${message ? `: ${message}` : ""}`,
      );
    }
  }
  return complaints;
}

/** `a=b,c=d`, from `spec.selector.matchLabels` or a plain map of labels. */
export function labelSelector(labels: unknown): string {
  if (typeof labels !== "object" || labels === null) return "";
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(",");
}

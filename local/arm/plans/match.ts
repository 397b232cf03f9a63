/** Which events a plan is about. */
import type { Call, ClusterName, PlannedEvent } from "../plan.ts";
import type { FaultRule } from "./document.ts";
import { isOfOperation } from "./document.ts";

/** Not meant by a plan that names no calls: they are no part of the resource manager. */
const apart: readonly Call[] = ["vault", "token"];

export function isMatch(rule: FaultRule, event: PlannedEvent): boolean {
  if (event.at === "kubernetes") return isKubernetesMatch(rule, event);
  if (rule.match.kubernetes !== undefined) return false;
  const isOperation = event.at === "operation";
  if (isOfOperation(rule.effect) !== isOperation) return false;
  const { match } = rule;
  if (!isGlobMatch(match.type, event.type) || !isGlobMatch(match.id, event.resourceId)) return false;
  if (match.change !== undefined && match.change !== (isOperation ? event.kind : event.change)) return false;
  if (!isOperation) return match.calls?.includes(event.call) ?? !apart.includes(event.call);
  const wanted: Call[] = event.kind === "delete" ? ["DELETE"] : ["PUT", "PATCH"];
  return match.calls === undefined || wanted.some((call) => match.calls?.includes(call));
}

/** Like vaults and logins, a cluster's API is meant only by a plan that names it. */
function isKubernetesMatch(
  { match }: FaultRule,
  event: Extract<PlannedEvent, { at: "kubernetes" }>,
): boolean {
  const wanted = match.kubernetes;
  if (wanted === undefined || !isAbout(wanted.cluster, event.cluster)) return false;
  if (wanted.verbs !== undefined && !wanted.verbs.includes(event.verb)) return false;
  if (match.change !== undefined && match.change !== event.change) return false;
  return (
    [event.resource, withoutGroup(event.resource)].some((name) => isGlobMatch(wanted.resource, name)) &&
    isGlobMatch(wanted.namespace, event.namespace) &&
    isGlobMatch(wanted.name, event.name)
  );
}

/** A cluster is meant by its name or by its id. */
export const isAbout = (pattern: string | undefined, cluster: ClusterName): boolean =>
  [cluster.name, cluster.resourceId].some((one) => isGlobMatch(pattern, one));

/** `deployments.apps/scale` → `deployments/scale`. */
const withoutGroup = (resource: string): string => resource.replace(/\.[^/]*/, "");

function isGlobMatch(pattern: string | undefined, value: string | undefined): boolean {
  if (pattern === undefined) return true;
  if (value === undefined) return false;
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "is").test(value);
}

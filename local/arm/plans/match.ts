/** Which events a plan is about. */
import type { Call, PlannedEvent } from "../plan.ts";
import type { FaultRule } from "./document.ts";
import { isOfOperation } from "./document.ts";

/** Not meant by a plan that names no calls: they are no part of the resource manager. */
const apart: readonly Call[] = ["vault", "token"];

export function isMatch(rule: FaultRule, event: PlannedEvent): boolean {
  const isOperation = event.at === "operation";
  if (isOfOperation(rule.effect) !== isOperation) return false;
  const { match } = rule;
  if (!isGlobMatch(match.type, event.type) || !isGlobMatch(match.id, event.resourceId)) return false;
  if (match.change !== undefined && match.change !== (isOperation ? event.kind : event.change)) return false;
  if (!isOperation) return match.calls?.includes(event.call) ?? !apart.includes(event.call);
  const wanted: Call[] = event.kind === "delete" ? ["DELETE"] : ["PUT", "PATCH"];
  return match.calls === undefined || wanted.some((call) => match.calls?.includes(call));
}

function isGlobMatch(pattern: string | undefined, value: string | undefined): boolean {
  if (pattern === undefined) return true;
  if (value === undefined) return false;
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "is").test(value);
}

/** Moments in the middle of a phase: what is done to a migration then meets an operation that runs. */
import type { Phase, TierliftEvent } from "../../automation/model.ts";

/** An operation on a resource of this type has begun, or the phase has; `engine`: an engine process runs in it. */
export type Moment = RegExp | "engine" | "phase";

export const MOMENTS = {
  VALIDATING_SERVICE_PRINCIPAL: "phase",
  ACQUIRING_TF_LOCK: "phase",
  PREVIEWING_CHANGES: "engine",
  PROVISIONING_INFRASTRUCTURE: /:ManagedCluster$/,
  CREATING_K8S_RESOURCES: /:NetworkPolicy$/,
  DEPLOYING_SERVICES: /:Deployment$/,
  CONFIGURING_DNS_AND_INGRESS: /:RecordSet$/,
  MIGRATING_DATA: /:Command$/,
  SETTING_UP_OBSERVABILITY: /:RoleAssignment$/,
  VERIFYING_DEPLOYMENT: "phase",
  CUTTING_OVER: /:RecordSet$/,
  DECOMMISSIONING_SHARED: /:Deployment$/,
} as const satisfies Record<Phase, Moment>;

/** Whether the event is the phase's moment; whoever waits for an engine looks for its process then. */
export function isMomentOf(phase: Phase, { type, data }: TierliftEvent): boolean {
  if (data["phase"] !== phase || data["state"] !== "started") return false;
  const moment: Moment = MOMENTS[phase];
  return moment instanceof RegExp
    ? type === "resource" && moment.test(String(data["type"]))
    : type === "phase";
}

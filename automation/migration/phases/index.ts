/** The phases of a migration; a phase that is forgotten here does not compile. */
import type { Phase } from "../../model.ts";
import { pathOf } from "../plan.ts";
import { acquiringLock } from "./acquiring-lock.ts";
import { applyingTier } from "./applying-tier.ts";
import { configuringIngress } from "./configuring-ingress.ts";
import { cuttingOver } from "./cutting-over.ts";
import { decommissioningShared } from "./decommissioning-shared.ts";
import { deployingServices } from "./deploying-services.ts";
import { layerPhase } from "./layer.ts";
import { migratingData } from "./migrating-data.ts";
import type { PhaseContext, PhaseDefinition } from "./phase.ts";
import { previewingChanges } from "./previewing-changes.ts";
import { provisioningInfrastructure } from "./provisioning-infrastructure.ts";
import { validatingServicePrincipal } from "./validating-service-principal.ts";
import { verifyingDeployment } from "./verifying-deployment.ts";

export const PHASE_DEFINITIONS = {
  VALIDATING_SERVICE_PRINCIPAL: validatingServicePrincipal,
  ACQUIRING_TF_LOCK: acquiringLock,
  PREVIEWING_CHANGES: previewingChanges,
  PROVISIONING_INFRASTRUCTURE: provisioningInfrastructure,
  CREATING_K8S_RESOURCES: layerPhase("CREATING_K8S_RESOURCES"),
  DEPLOYING_SERVICES: deployingServices,
  CONFIGURING_DNS_AND_INGRESS: configuringIngress,
  MIGRATING_DATA: migratingData,
  SETTING_UP_OBSERVABILITY: layerPhase("SETTING_UP_OBSERVABILITY"),
  VERIFYING_DEPLOYMENT: verifyingDeployment,
  CUTTING_OVER: byPath(cuttingOver, applyingTier),
  DECOMMISSIONING_SHARED: decommissioningShared,
} as const satisfies Record<Phase, PhaseDefinition>;

/** A phase that means one thing where the tenant moves, and another where it stays. */
function byPath(moving: PhaseDefinition, staying: PhaseDefinition): PhaseDefinition {
  const of = ({ job }: PhaseContext): PhaseDefinition => (pathOf(job) === "dedicate" ? moving : staying);
  return { run: (context) => of(context).run(context), undo: (context) => of(context).undo(context) };
}

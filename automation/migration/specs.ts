/** What a tenant's stack declares at each step of a migration: pure. */
import type { CredentialsReference, Phase, TenantRecord, TierMigrationJob } from "../model.ts";
import { LAYER_OF_PHASE } from "../model.ts";
import { LAYERS } from "../../stacks/spec.ts";
import type { Layer, TenantSpec, Tier } from "../../stacks/spec.ts";
import { tierliftError } from "../errors.ts";
import { isDedicated, isShared, pathOf } from "./plan.ts";

export interface Ttls {
  recordTtlSeconds: number;
  cutoverTtlSeconds: number;
}

type Dedicated = NonNullable<TenantSpec["dedicated"]>;

/** The footprint of a tenant that nothing is happening to. */
export function restSpec(tenant: TenantRecord, { recordTtlSeconds }: Ttls): TenantSpec {
  const common = { kind: "tenant", tenant: identityOf(tenant), next: false, recordTtlSeconds } as const;
  if (isShared(tenant.tier)) {
    return { ...common, slice: { tier: tenant.tier }, dedicated: null, route: "slice" };
  }
  const { migrationId, credentials } = ownFootprint(tenant);
  return {
    ...common,
    slice: null,
    dedicated: dedicatedOf(tenant.tier, LAYERS, migrationId, credentials),
    route: "dedicated",
  };
}

/** The footprint before the migration, and again after it was rolled back or cancelled. */
export function specBefore(tenant: TenantRecord, job: TierMigrationJob, ttls: Ttls): TenantSpec {
  return restSpec({ ...tenant, tier: job.sourceTier }, ttls);
}

/** The footprint a phase leads to; for a phase that changes nothing, the one it looks at. */
export function specFor(tenant: TenantRecord, job: TierMigrationJob, phase: Phase, ttls: Ttls): TenantSpec {
  switch (pathOf(job)) {
    case "resize":
    case "enlarge":
      return restSpec({ ...tenant, tier: job.targetTier }, ttls);
    case "dedicate":
      return dedicatingSpec(tenant, job, phase, ttls);
  }
}

function dedicatingSpec(tenant: TenantRecord, job: TierMigrationJob, phase: Phase, ttls: Ttls): TenantSpec {
  const before = specBefore(tenant, job, ttls);
  const layers = layersAt(phase);
  if (layers.length === 0) return before;
  if (job.credentials === undefined) throw new Error(`migration ${job.id} has no credentials in ${phase}`);
  const dedicated = dedicatedOf(job.targetTier, layers, job.id, job.credentials);
  // The time to live is lowered with the ingress, so that data and observability pass while old answers expire.
  const hasIngress = layers.includes("ingress");
  const tried = {
    ...before,
    dedicated,
    next: hasIngress,
    recordTtlSeconds: hasIngress ? ttls.cutoverTtlSeconds : ttls.recordTtlSeconds,
  };
  if (phase === "CUTTING_OVER") return { ...tried, route: "dedicated" };
  if (phase === "DECOMMISSIONING_SHARED") {
    return {
      ...tried,
      slice: null,
      next: false,
      route: "dedicated",
      recordTtlSeconds: ttls.recordTtlSeconds,
    };
  }
  return tried;
}

/** The layers a phase leads to: all of them in the preview, one more in each phase that adds one. */
function layersAt(phase: Phase): readonly Layer[] {
  if (phase === "VALIDATING_SERVICE_PRINCIPAL" || phase === "ACQUIRING_TF_LOCK") return [];
  if (!(phase in LAYER_OF_PHASE)) return LAYERS;
  const layer: Layer = LAYER_OF_PHASE[phase as keyof typeof LAYER_OF_PHASE];
  return LAYERS.slice(0, LAYERS.indexOf(layer) + 1);
}

function dedicatedOf(
  tier: Tier,
  layers: readonly Layer[],
  migrationId: string,
  { clientId, azureTenantId, subscriptionId, directoryId = azureTenantId }: CredentialsReference,
): Dedicated {
  if (!isDedicated(tier)) throw new Error(`${tier} has no infrastructure of its own`);
  return { tier, layers: [...layers], migrationId, clientId, azureTenantId: directoryId, subscriptionId };
}

function ownFootprint(tenant: TenantRecord): NonNullable<TenantRecord["dedicated"]> {
  if (tenant.dedicated === null) {
    throw tierliftError("INTERNAL", {
      problem: `tenant ${tenant.slug} is ${tenant.tier} without credentials`,
    });
  }
  return tenant.dedicated;
}

function identityOf({ id, slug, name, region }: TenantRecord): TenantSpec["tenant"] {
  return { id, slug, name, region };
}

import { expect, test } from "vitest";
import { PHASES } from "../../../automation/model.ts";
import type { Phase, TenantRecord, TierMigrationJob } from "../../../automation/model.ts";
import { limitsOf } from "../../../automation/limits.ts";
import { restSpec, specBefore, specFor } from "../../../automation/migration/specs.ts";
import { LAYERS, tenantSpecSchema } from "../../../stacks/spec.ts";

const TTLS = { recordTtlSeconds: 300, cutoverTtlSeconds: 60 };
const CREDENTIALS = { clientId: "c", clientSecretRef: "r", azureTenantId: "a", subscriptionId: "s" };

const tenant: TenantRecord = {
  id: "00000000-0000-4000-8000-000000000001",
  slug: "acme",
  name: "Acme",
  tier: "STARTER",
  region: "westeurope",
  adminEmail: "a@b.test",
  status: "ACTIVE",
  limits: limitsOf("STARTER"),
  serviceEndpoints: {},
  createdAt: "",
  updatedAt: "",
  lease: null,
  leaseEpoch: 0,
  dedicated: null,
  outbox: [],
};
const job: TierMigrationJob = {
  id: "job",
  tenantId: tenant.id,
  sourceTier: "STARTER",
  targetTier: "PROFESSIONAL",
  status: "PROVISIONING",
  provisioningState: null,
  initiatedBy: "x",
  initiatedAt: "",
  updatedAt: "",
  credentials: CREDENTIALS,
  phases: [],
};
const at = (phase: Phase) => specFor(tenant, job, phase, TTLS);

/** layers, next, route, slice, time to live */
const WALK: Record<Phase, [number, boolean, "slice" | "dedicated", boolean, number]> = {
  VALIDATING_SERVICE_PRINCIPAL: [0, false, "slice", true, 300],
  ACQUIRING_TF_LOCK: [0, false, "slice", true, 300],
  PREVIEWING_CHANGES: [6, true, "slice", true, 60],
  PROVISIONING_INFRASTRUCTURE: [1, false, "slice", true, 300],
  CREATING_K8S_RESOURCES: [2, false, "slice", true, 300],
  DEPLOYING_SERVICES: [3, false, "slice", true, 300],
  CONFIGURING_DNS_AND_INGRESS: [4, true, "slice", true, 60],
  MIGRATING_DATA: [5, true, "slice", true, 60],
  SETTING_UP_OBSERVABILITY: [6, true, "slice", true, 60],
  VERIFYING_DEPLOYMENT: [6, true, "slice", true, 60],
  CUTTING_OVER: [6, true, "dedicated", true, 60],
  DECOMMISSIONING_SHARED: [6, false, "dedicated", false, 300],
};

test.each(PHASES)("%s leads to the footprint of the walk", (phase) => {
  const spec = at(phase);
  expect([
    spec.dedicated?.layers.length ?? 0,
    spec.next,
    spec.route,
    spec.slice !== null,
    spec.recordTtlSeconds,
  ]).toEqual(WALK[phase]);
  expect(tenantSpecSchema.parse(spec)).toEqual(spec);
});

test("the footprint after a rollback is the one before the migration", () => {
  expect(specBefore(tenant, job, TTLS)).toEqual(restSpec(tenant, TTLS));
  expect(specBefore({ ...tenant, tier: "PROFESSIONAL" }, job, TTLS)).toEqual(restSpec(tenant, TTLS));
});

test("the footprint at the end is the one the tenant rests in", () => {
  const moved: TenantRecord = {
    ...tenant,
    tier: "PROFESSIONAL",
    dedicated: { migrationId: "job", credentials: CREDENTIALS },
  };
  expect(restSpec(moved, TTLS)).toEqual(at("DECOMMISSIONING_SHARED"));
});

test("a dedicated tenant grows in place, with the identity and migration it was made with", () => {
  const moved: TenantRecord = {
    ...tenant,
    tier: "PROFESSIONAL",
    dedicated: { migrationId: "first", credentials: CREDENTIALS },
  };
  const growth: TierMigrationJob = {
    ...job,
    id: "second",
    sourceTier: "PROFESSIONAL",
    targetTier: "ENTERPRISE",
  };
  const spec = specFor(moved, growth, "PROVISIONING_INFRASTRUCTURE", TTLS);
  expect(spec).toEqual({
    ...restSpec(moved, TTLS),
    dedicated: { ...restSpec(moved, TTLS).dedicated, tier: "ENTERPRISE" },
  });
  expect(spec.dedicated).toMatchObject({ migrationId: "first", layers: [...LAYERS] });
});

test("what grew in place goes back to the spec it had", () => {
  const dedicated = { migrationId: "first", credentials: CREDENTIALS };
  const moved: TenantRecord = { ...tenant, tier: "PROFESSIONAL", dedicated };
  const growth: TierMigrationJob = { ...job, sourceTier: "PROFESSIONAL", targetTier: "ENTERPRISE" };
  const back = specBefore(moved, growth, TTLS);
  expect(back).toEqual(restSpec(moved, TTLS));
  expect(tenantSpecSchema.parse(back)).toEqual(back);
});

test("a shared tenant is resized by its slice's tier alone", () => {
  const free: TenantRecord = { ...tenant, tier: "FREE" };
  const resize: TierMigrationJob = { ...job, sourceTier: "FREE", targetTier: "STARTER" };
  expect(specFor(free, resize, "DEPLOYING_SERVICES", TTLS)).toEqual({
    ...restSpec(free, TTLS),
    slice: { tier: "STARTER" },
  });
});

test("no spec holds the reference to a secret", () => {
  for (const phase of PHASES) expect(JSON.stringify(at(phase))).not.toContain("clientSecretRef");
});

/** Program requests for tests. */
import type { Layer, ProgramRequest, TenantSpec } from "../../stacks/spec.ts";

export const TENANT_ID = "3f2b8c1e-5d64-4a7e-9b10-6c2f0e9d7a55";

/** A STARTER tenant with a slice and the given layers of a PROFESSIONAL footprint. */
export function tenantRequest(
  options: { slug: string; layers: Layer[]; name?: string } & Partial<TenantSpec>,
): ProgramRequest {
  const { slug, layers, name = slug, ...spec } = options;
  return {
    spec: {
      kind: "tenant",
      tenant: { id: TENANT_ID, slug, name, region: "westeurope" },
      slice: { tier: "STARTER" },
      dedicated: {
        tier: "PROFESSIONAL",
        layers,
        migrationId: "7d0f4d9e-1f53-4cb2-8f4b-0b6a3b1f2c11",
        clientId: "sp-client-id",
        azureTenantId: "azure-tenant-id",
        subscriptionId: "azure-subscription-id",
      },
      route: "slice",
      next: false,
      recordTtlSeconds: 300,
      ...spec,
    },
    secrets: { passwordSeed: "a seed", clientSecret: "a client secret" },
    settings: {
      platform: { subscriptionId: "11111111-1111-4111-8111-111111111111", useDefaultCredential: true },
      images: { registry: "registry.example/matih", tag: "20261101-abc1234" },
      dataCommand: ["node", "automation/data/main.ts"],
      platformStack: "organization/tierlift/platform",
    },
  };
}

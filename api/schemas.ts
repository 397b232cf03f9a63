/** What clients send. Field names and which are required are the specification's. */
import { z } from "zod";
import { JOB_STATUSES, PHASES, TENANT_STATUSES } from "../automation/model.ts";
import { TIERS } from "../stacks/spec.ts";

/** `@NotBlank`: present and not only white space. */
const filled = z
  .string({ error: (issue) => (issue.input === undefined ? "is required" : "must be a string") })
  .refine((value) => value.trim() !== "", "must not be blank");

const tier = z.enum(TIERS, {
  error: (issue) => (issue.input === undefined ? "is required" : `must be one of ${TIERS.join(", ")}`),
});

export const initiateMigrationRequest = z.object({ targetTier: tier });
export const submitCredentialsRequest = z.object({
  clientId: filled,
  clientSecretRef: filled,
  azureTenantId: filled,
  subscriptionId: filled,
});
export const reasonRequest = z.object({ reason: filled });

/** Naming the change set makes sure that no newer one is approved unseen. */
export const approveRequest = z.object({ digest: filled.optional() });

export const createTenantRequest = z.object({
  name: filled,
  slug: filled.regex(
    /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    "must be 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
  ),
  tier: tier.default("FREE"),
  region: filled
    .regex(/^[a-z][a-z0-9]+$/, "must be an Azure region such as westeurope")
    .default("westeurope"),
  adminEmail: filled.pipe(z.email("must be an e-mail address")),
});

export const deleteTenantQuery = z.object({
  confirm: z.string({ error: "is required: repeat the tenant's slug to confirm" }),
});

const pageQuery = z.object({
  page: z.coerce
    .number("must be a number")
    .int("must be a whole number")
    .min(1, "must be at least 1")
    .default(1),
  size: z.coerce
    .number("must be a number")
    .int("must be a whole number")
    .min(1, "must be at least 1")
    .max(200, "must be at most 200")
    .default(20),
});
export const listTenantsQuery = pageQuery.extend({
  tier: tier.optional(),
  status: z.enum(TENANT_STATUSES, `must be one of ${TENANT_STATUSES.join(", ")}`).optional(),
});
export const listMigrationsQuery = z.object({
  status: z.enum(JOB_STATUSES, `must be one of ${JOB_STATUSES.join(", ")}`).optional(),
});
export const previewQuery = z.object({
  phase: z.enum(PHASES, `must be one of ${PHASES.join(", ")}`).optional(),
});

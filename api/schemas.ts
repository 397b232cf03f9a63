/** What clients send. Field names and which are required are the specification's. */
import { z } from "zod";
import { JOB_STATUSES, PHASES, TENANT_STATUSES } from "../automation/model.ts";
import { TIERS } from "../stacks/spec.ts";

const text = z.string({
  error: (issue) => (issue.input === undefined ? "is required" : "must be a string"),
});

/** `@NotBlank`: present and not only white space. */
const filled = text.regex(/\S/, "must not be blank");

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
  slug: text.regex(
    /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
    "must be 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
  ),
  tier: tier.default("FREE"),
  region: text.regex(/^[a-z][a-z0-9]+$/, "must be an Azure region such as westeurope").default("westeurope"),
  adminEmail: z.email({
    error: (issue) => (issue.input === undefined ? "is required" : "must be an e-mail address"),
  }),
});

export const idempotencyHeaders = z.object({
  "Idempotency-Key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters")
    .optional()
    .describe(
      "Of the client's choice, new for each request: a POST sent again within a day is answered again.",
    ),
});

export const deleteTenantQuery = z.object({
  confirm: z.string({ error: "is required: repeat the tenant's slug to confirm" }),
});

/** One of a list of words, which a wrong one is told. */
const oneOf = <const Words extends readonly string[]>(words: Words) =>
  z.enum(words, `must be one of ${words.join(", ")}`);

const pageNumber = z.coerce
  .number("must be a number")
  .int("must be a whole number")
  .min(1, "must be at least 1")
  .max(1_000_000, "must be at most 1000000")
  .describe("From 1.");
const pageSize = z.coerce
  .number("must be a number")
  .int("must be a whole number")
  .min(1, "must be at least 1")
  .max(200, "must be at most 200");

const SORT = "A minus in front sorts downwards.";

export const listTenantsQuery = z.object({
  page: pageNumber.default(1),
  size: pageSize.default(20),
  tier: oneOf(TIERS).optional(),
  status: oneOf(TENANT_STATUSES).optional(),
  region: filled.optional(),
  slug: filled.optional(),
  sort: oneOf(["createdAt", "-createdAt", "updatedAt", "-updatedAt", "slug", "-slug", "name", "-name"])
    .default("createdAt")
    .describe(SORT),
});

const instant = z.iso
  .datetime({ offset: true, error: "must be a date and time such as 2026-01-31T00:00:00Z" })
  .optional();

/** A list that is whole unless a page is asked for. */
const jobsQuery = z.object({
  page: pageNumber.optional(),
  size: pageSize.optional().describe("Without page and size, all are answered."),
  sort: oneOf(["initiatedAt", "-initiatedAt", "updatedAt", "-updatedAt"])
    .default("initiatedAt")
    .describe(SORT),
  initiatedAfter: instant.describe("At that time or later."),
  initiatedBefore: instant.describe("Before that time."),
});
export const listHistoryQuery = jobsQuery;
export const listMigrationsQuery = jobsQuery.extend({
  scope: oneOf(["active", "ended", "all"])
    .optional()
    .describe("Active ones when absent, or all when a status is given."),
  status: oneOf(JOB_STATUSES).optional(),
  tenantId: filled.optional(),
  sourceTier: oneOf(TIERS).optional(),
  targetTier: oneOf(TIERS).optional(),
});
export const previewQuery = z.object({
  phase: oneOf(PHASES).optional(),
});

/** Every route as the document tells of it: what it takes, what it answers, who may ask. */
import { z } from "zod";
import {
  approveRequest,
  createTenantRequest,
  deleteTenantQuery,
  initiateMigrationRequest,
  listHistoryQuery,
  listMigrationsQuery,
  listTenantsQuery,
  previewQuery,
  reasonRequest,
  submitCredentialsRequest,
} from "../schemas.ts";
import {
  auditEntry,
  changeSet,
  health,
  job,
  jobDetails,
  migrationStats,
  provisioningStatus,
  readiness,
  streamedEvent,
  tenant,
  tenantPage,
} from "./entities.ts";

export interface ApiOperation {
  method: "get" | "post" | "delete";
  /** With parameters in braces, as OpenAPI writes them. */
  path: string;
  id: string;
  tag: "Migrations" | "Tenants" | "Provisioning" | "Service";
  summary: string;
  /** Who may ask; `anyone` needs no token. */
  access: "anyone" | "manager" | "platform administrator";
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodObject;
  /** By status, those that are no problems. */
  answers: Record<number, Answer>;
  /** Statuses of problems besides those that every operation of its kind has. */
  problems?: number[];
}

export interface Answer {
  description: string;
  /** Absent: text without a schema of its own. */
  schema?: z.ZodType;
  /** Media types; JSON when absent. Only JSON has the schema, and a stream: for each of its events. */
  types?: readonly string[];
  headers?: readonly ("Location" | "Link" | "X-Total-Count")[];
}

const jobs = z.array(job);
const jobNow: Answer = { description: "The migration as it is now.", schema: job };
const LISTED = ["Link", "X-Total-Count"] as const;
const lastEventId = z.object({
  "Last-Event-ID": z
    .string()
    .regex(/^\d{0,15}$/)
    .optional()
    .describe("The last event seen: the stream goes on after it. Without it, it starts now."),
});

const MIGRATIONS = "/api/v1/migrations";
const TENANTS = "/api/v1/tenants";

const migrationOperations: ApiOperation[] = [
  {
    method: "get",
    path: MIGRATIONS,
    id: "listMigrations",
    tag: "Migrations",
    summary: "Lists migrations of all tenants, the active ones unless told otherwise",
    access: "platform administrator",
    query: listMigrationsQuery,
    answers: { 200: { description: "Migrations.", schema: jobs, headers: LISTED } },
    problems: [400],
  },
  {
    method: "get",
    path: `${MIGRATIONS}/stats`,
    id: "getMigrationStats",
    tag: "Migrations",
    summary: "Counts, success rate and durations",
    access: "platform administrator",
    answers: { 200: { description: "Over all migrations.", schema: migrationStats } },
  },
  {
    method: "post",
    path: `${MIGRATIONS}/tenants/{tenantId}/upgrade-tier`,
    id: "initiateMigration",
    tag: "Migrations",
    summary: "Initiates a migration to a higher tier",
    access: "manager",
    body: initiateMigrationRequest,
    answers: { 201: { description: "The migration.", schema: job, headers: ["Location"] } },
    problems: [400, 404, 409],
  },
  {
    method: "get",
    path: `${MIGRATIONS}/tenants/{tenantId}/status`,
    id: "getActiveMigration",
    tag: "Migrations",
    summary: "The tenant's active migration",
    access: "manager",
    answers: { 200: jobNow },
    problems: [404],
  },
  {
    method: "get",
    path: `${MIGRATIONS}/tenants/{tenantId}/history`,
    id: "listMigrationHistory",
    tag: "Migrations",
    summary: "All migrations of the tenant, by initiation date",
    access: "manager",
    query: listHistoryQuery,
    answers: { 200: { description: "Migrations.", schema: jobs, headers: LISTED } },
    problems: [400, 404],
  },
  {
    method: "get",
    path: `${MIGRATIONS}/{jobId}`,
    id: "getMigration",
    tag: "Migrations",
    summary: "A migration with the reports of its checks",
    access: "manager",
    answers: { 200: { description: "The migration.", schema: jobDetails } },
    problems: [404],
  },
  {
    method: "get",
    path: `${MIGRATIONS}/{jobId}/preview`,
    id: "getPreview",
    tag: "Migrations",
    summary: "The change set for review, or the one of a phase before it ran",
    access: "manager",
    query: previewQuery,
    answers: {
      200: {
        description: "The change set, as JSON or to be read.",
        schema: changeSet,
        types: ["application/json", "text/plain", "text/markdown"],
      },
    },
    problems: [400, 404],
  },
  {
    method: "get",
    path: `${MIGRATIONS}/{jobId}/audit`,
    id: "getMigrationAudit",
    tag: "Migrations",
    summary: "The migration's audit trail",
    access: "manager",
    answers: { 200: { description: "Entries, oldest first.", schema: z.array(auditEntry) } },
    problems: [404],
  },
  command("validate-payment", "validatePayment", "Confirms that the upgrade is paid for", {
    access: "platform administrator",
  }),
  command("submit-credentials", "submitCredentials", "Hands in the service principal; provisioning starts", {
    body: submitCredentialsRequest,
  }),
  command("approve", "approveMigration", "Approves the change set where review is required", {
    access: "platform administrator",
    body: approveRequest,
  }),
  command("complete-verification", "completeVerification", "Ends the verification: the tenant is switched", {
    answers: {
      200: { description: "The switch is done.", schema: job },
      202: { description: "The switch goes on.", schema: job },
    },
  }),
  command("rollback", "rollbackMigration", "Takes a migration back", { body: reasonRequest }),
  command("cancel", "cancelMigration", "Cancels a migration before its provisioning is done", {
    body: reasonRequest,
  }),
  command("retry", "retryMigration", "Goes on where a FAILED migration stopped", {}),
];

const tenantOperations: ApiOperation[] = [
  {
    method: "post",
    path: TENANTS,
    id: "createTenant",
    tag: "Tenants",
    summary: "Creates a tenant; its slice is made in the background",
    access: "platform administrator",
    body: createTenantRequest,
    answers: { 201: { description: "The tenant.", schema: tenant, headers: ["Location"] } },
    problems: [400, 409],
  },
  {
    method: "get",
    path: TENANTS,
    id: "listTenants",
    tag: "Tenants",
    summary: "Lists tenants; deleted ones only when asked for by status",
    access: "platform administrator",
    query: listTenantsQuery,
    answers: { 200: { description: "One page.", schema: tenantPage, headers: LISTED } },
    problems: [400],
  },
  {
    method: "get",
    path: `${TENANTS}/{tenantId}`,
    id: "getTenant",
    tag: "Tenants",
    summary: "A tenant",
    access: "manager",
    answers: { 200: { description: "The tenant.", schema: tenant } },
    problems: [404],
  },
  {
    method: "delete",
    path: `${TENANTS}/{tenantId}`,
    id: "deleteTenant",
    tag: "Tenants",
    summary: "Destroys everything of the tenant in the background; its history is kept",
    access: "platform administrator",
    query: deleteTenantQuery,
    answers: { 202: { description: "The tenant, which is being deleted.", schema: tenant } },
    problems: [400, 404, 409],
  },
  {
    method: "get",
    path: `${TENANTS}/{tenantId}/provisioning/status`,
    id: "getProvisioningStatus",
    tag: "Provisioning",
    summary: "How far the tenant's provisioning is",
    access: "manager",
    answers: { 200: { description: "The status.", schema: provisioningStatus } },
    problems: [404],
  },
  {
    method: "get",
    path: `${TENANTS}/{tenantId}/provisioning/status/stream`,
    id: "streamProvisioningStatus",
    tag: "Provisioning",
    summary: "The tenant's events as they happen, until an `end` event",
    access: "manager",
    headers: lastEventId,
    answers: {
      200: {
        description: "Server-sent events; the data of each is a TierliftEvent.",
        schema: streamedEvent,
        types: ["text/event-stream"],
      },
    },
    problems: [400, 404],
  },
  {
    method: "post",
    path: `${TENANTS}/{tenantId}/provisioning/retry`,
    id: "retryProvisioning",
    tag: "Provisioning",
    summary: "Makes the slice again after it failed",
    access: "manager",
    answers: { 200: { description: "The tenant.", schema: tenant } },
    problems: [404, 409],
  },
];

const serviceOperations: ApiOperation[] = [
  service("/health", "getHealth", "Whether the process lives", {
    200: { description: "It does.", schema: health },
  }),
  service("/ready", "getReadiness", "Whether the platform stands", {
    200: { description: "It does.", schema: readiness },
    503: { description: "It does not yet.", schema: readiness },
  }),
  service("/metrics", "getMetrics", "Counts and durations for Prometheus", {
    200: { description: "Prometheus' text format.", types: ["text/plain"] },
  }),
  service("/openapi.json", "getDocument", "This document", {
    200: { description: "OpenAPI 3.1.", schema: z.looseObject({ openapi: z.string() }) },
  }),
  service("/docs", "getDocumentPage", "This document as a page", {
    200: { description: "A page that loads nothing else.", types: ["text/html"] },
  }),
];

export const OPERATIONS: readonly ApiOperation[] = [
  ...migrationOperations,
  ...tenantOperations,
  ...serviceOperations,
];

function command(
  name: string,
  id: string,
  summary: string,
  more: Pick<ApiOperation, "body"> & Partial<Pick<ApiOperation, "access" | "answers">>,
): ApiOperation {
  return {
    method: "post",
    path: `${MIGRATIONS}/{jobId}/${name}`,
    id,
    tag: "Migrations",
    summary,
    access: "manager",
    answers: { 200: jobNow },
    problems: more.body === undefined ? [404, 409] : [400, 404, 409],
    ...more,
  };
}

function service(path: string, id: string, summary: string, answers: ApiOperation["answers"]): ApiOperation {
  return { method: "get", path, id, tag: "Service", summary, access: "anyone", answers };
}

/**
 * What the service answers, as schemas. They are not run on answers: the types tie them to the model, so that a field
 * that is added there and forgotten here does not compile, and the route tests hold every answer against them.
 */
import { z } from "zod";
import type { ChangeSet, OperationKind, PlannedOperation } from "../../automation/engine/engine.ts";
import { JOB_STATUSES, PHASES, TENANT_STATUSES } from "../../automation/model.ts";
import type {
  AuditEntry,
  CredentialsReference,
  MigrationStats,
  Operation,
  PhaseRecord,
  ProvisioningStatus,
  Tenant,
  TierliftEvent,
  TierLimits,
  TierMigrationJob,
} from "../../automation/model.ts";
import type { CutoverReport, VerificationCheck, VerificationReport } from "../../automation/ports.ts";
import type { TenantPage } from "../../automation/tenants.ts";
import { TIERS } from "../../stacks/spec.ts";
import type { Problem } from "../problems.ts";

/** Schemas by the names that the document knows them by. */
export const entities = z.registry<{ id: string; description?: string }>();

/** An object with a schema for each of T's fields, the optional ones included, and for nothing else. */
const fieldsOf =
  <T extends object>() =>
  <Shape extends { [Field in keyof T]-?: z.ZodType<T[Field]> }>(
    shape: Shape & Record<Exclude<keyof Shape, keyof T>, never>,
  ) =>
    z.object(shape);

const named = <Schema extends z.ZodType>(schema: Schema, id: string, description: string): Schema => {
  entities.add(schema, { id, description });
  return schema;
};

const text = z.string();
const uuid = text.meta({ format: "uuid" });
const timestamp = text.meta({ format: "date-time" });
const count = z.int().min(0);
const sha256 = text.regex(/^[0-9a-f]{64}$/);

const tier = named(z.enum(TIERS), "Tier", "FREE and STARTER are shared, the others dedicated.");
const phase = named(z.enum(PHASES), "Phase", "The phases of a migration in order.");
const jobStatus = named(z.enum(JOB_STATUSES), "JobStatus", "The states of a migration.");
const tenantStatus = named(z.enum(TENANT_STATUSES), "TenantStatus", "The states of a tenant.");
const OPERATION_STATUSES = ["RUNNING", "DONE", "FAILED"] as const satisfies readonly Operation["status"][];
const OPERATION_KINDS = ["PROVISION_SLICE", "DELETE_TENANT"] as const satisfies readonly Operation["kind"][];

const limits = named(
  fieldsOf<TierLimits>()({
    maxUsers: count.nullable(),
    maxConnections: count,
    storageGb: count,
    apiRatePerMinute: count,
    deployment: z.enum(["SHARED", "DEDICATED"]),
    support: text,
    slaPercent: z.number().min(0).max(100).nullable(),
  }),
  "TierLimits",
  "Limits of a tier; null means unlimited, or none promised.",
);

export const tenant = named(
  fieldsOf<Tenant>()({
    id: uuid,
    slug: text,
    name: text,
    tier,
    region: text,
    adminEmail: text,
    status: tenantStatus,
    limits,
    serviceEndpoints: z.record(text, text).describe("Where each service answers, once deployed."),
    createdAt: timestamp,
    updatedAt: timestamp,
  }),
  "Tenant",
  "A customer organisation.",
);

export const tenantPage = named(
  fieldsOf<TenantPage>()({ tenants: z.array(tenant), page: count, size: count, total: count }),
  "TenantPage",
  "One page of tenants, and how many there are in all.",
);

const credentials = named(
  fieldsOf<CredentialsReference>()({
    clientId: text,
    clientSecretRef: text.describe("Name or address of a Key Vault secret; never the secret."),
    azureTenantId: text,
    subscriptionId: text,
    directoryId: text.optional(),
  }),
  "CredentialsReference",
  "The tenant's service principal; its secret stays in the Key Vault.",
);

const PHASE_OUTCOMES = ["DONE", "FAILED", "UNDONE", "UNDO_FAILED"] as const;
const phaseRecord = named(
  fieldsOf<PhaseRecord>()({
    phase,
    startedAt: timestamp,
    finishedAt: timestamp.optional(),
    attempts: count,
    failures: count,
    outcome: z.enum(PHASE_OUTCOMES).optional(),
    resourcesPlanned: count.optional(),
    resourcesDone: count.optional(),
    error: text.optional(),
  }),
  "PhaseRecord",
  "How a phase went.",
);

export const job = named(
  fieldsOf<TierMigrationJob>()({
    id: uuid,
    tenantId: uuid,
    sourceTier: tier,
    targetTier: tier,
    status: jobStatus,
    provisioningState: phase.nullable(),
    initiatedBy: text,
    initiatedAt: timestamp,
    updatedAt: timestamp,
    completedAt: timestamp.optional(),
    credentials: credentials.optional(),
    reason: text.optional(),
    error: z
      .object({ code: text, message: text, phase: phase.nullable(), status: jobStatus })
      .optional()
      .describe("What went wrong last, and where: the state in which a retry goes on."),
    phases: z.array(phaseRecord),
    verificationDeadline: timestamp.optional(),
    graceDeadline: timestamp
      .optional()
      .describe("Until then a rollback brings back what the tenant has written since the switch."),
  }),
  "TierMigrationJob",
  "One migration of one tenant.",
);

const check = fieldsOf<VerificationCheck>()({
  name: text,
  group: text,
  expected: text,
  found: text,
  passed: z.boolean(),
});
const verificationReport = named(
  fieldsOf<VerificationReport>()({
    checks: z.array(check),
    passed: z.boolean(),
    startedAt: timestamp,
    finishedAt: timestamp,
  }),
  "VerificationReport",
  "Automated checks: of the new infrastructure, or of what is left after a way back.",
);
const cutoverReport = named(
  fieldsOf<CutoverReport>()({
    mode: z.enum(["followed", "copied"]),
    frozenSeconds: z.number(),
    comparedInFreeze: count,
    differences: z.array(text),
    blobsAsOf: timestamp
      .optional()
      .describe("The storage service's time at which the blobs' last listing in the freeze began."),
    late: z
      .object({ copied: z.object({ blobs: count, bytes: count }), aside: z.array(text) })
      .optional()
      .describe(
        "Blobs that the old services wrote after that, brought over; those that the new side has written as well are beside its own, under the names in `aside`.",
      ),
    cache: z
      .object({
        complete: z.boolean(),
        copied: count,
        failed: count,
        seconds: z.number(),
        problem: text.optional(),
      })
      .optional(),
    back: z
      .object({
        frozenSeconds: z.number().min(0).describe("How long writes were frozen on the tenant's own side."),
        blobsAsOf: timestamp.optional(),
      })
      .optional()
      .describe("Of the switch back in a grace period; absent where there was none."),
    lateRecords: count
      .optional()
      .describe("Records that the old services made in the shared topics after the freeze, brought over."),
  }),
  "CutoverReport",
  "What the last changes were brought over with: writes frozen, rows compared, differences found.",
);
export const jobDetails = named(
  z.object({
    ...job.shape,
    verification: verificationReport.nullable(),
    undone: verificationReport
      .nullable()
      .describe("After a rollback or cancel: what may not be left, and what has to be as it was."),
    cutover: cutoverReport.nullable().describe("After a cutover: how long the tenant's writes were frozen."),
  }),
  "MigrationDetails",
  "A migration with the reports of its checks, each null until they have run.",
);

const OPERATIONS = ["create", "update", "replace", "delete", "read"] as const satisfies OperationKind[];
const plannedOperation = named(
  fieldsOf<PlannedOperation>()({
    operation: z.enum(OPERATIONS),
    urn: text,
    type: text,
    name: text,
    components: z.array(text),
    changes: z.array(
      fieldsOf<PlannedOperation["changes"][number]>()({
        path: text,
        kind: z.enum(["add", "delete", "update"]),
        replaces: z.boolean(),
        before: z.unknown().optional(),
        after: z.unknown().optional(),
      }),
    ),
  }),
  "PlannedOperation",
  "One resource's planned change; secrets are masked as [secret].",
);
export const changeSet = named(
  fieldsOf<ChangeSet>()({
    stack: text,
    operations: z.array(plannedOperation),
    totals: z.record(z.enum([...OPERATIONS, "same"]), count),
    digest: text.describe("Names this change set; an approval may repeat it."),
    createdAt: timestamp,
  }),
  "ChangeSet",
  "The reviewable result of a preview.",
);

export const auditEntry = named(
  fieldsOf<AuditEntry>()({
    seq: z.int().min(1),
    subject: uuid,
    tenantId: uuid,
    at: timestamp,
    actor: text,
    roles: z.array(text),
    action: text,
    from: text.nullable(),
    to: text,
    reason: text.nullable(),
    previous: sha256,
    digest: sha256,
  }),
  "AuditEntry",
  "One state change; its digest covers the other fields, the digest of the entry before it included.",
);

export const migrationStats = named(
  fieldsOf<MigrationStats>()({
    total: count,
    active: count,
    byStatus: z.record(jobStatus, count),
    completed: count,
    successRate: z.number().min(0).max(1).nullable(),
    averageDurationMs: count.nullable(),
    averageDurationMsByTargetTier: z.partialRecord(tier, count),
  }),
  "MigrationStats",
  "Counts, success rate and durations over all migrations.",
);

export const provisioningStatus = named(
  fieldsOf<ProvisioningStatus>()({
    tenantId: uuid,
    tenantStatus,
    migrationId: uuid.nullable(),
    status: z.enum([...JOB_STATUSES, ...OPERATION_STATUSES]),
    phase: z
      .object({ name: z.enum([...PHASES, ...OPERATION_KINDS]), number: count, total: count })
      .nullable(),
    percentage: z.number().min(0).max(100),
    resourcesDone: count,
    resourcesPlanned: count,
    startedAt: timestamp,
    estimatedCompletionAt: timestamp.nullable(),
    error: z.object({ code: text, message: text }).nullable(),
    recentLogs: z.array(text),
  }),
  "ProvisioningStatus",
  "How far a tenant's present, or else its last, provisioning is.",
);

export const event = named(
  fieldsOf<TierliftEvent>()({
    id: z.int().min(1),
    tenantId: uuid,
    migrationId: uuid.optional(),
    at: timestamp,
    type: z.enum(["tenant", "status", "phase", "resource", "log", "end"]),
    data: z.record(text, z.unknown()),
  }),
  "TierliftEvent",
  "What a stream shows: the JSON in each event's data.",
);

export const streamedEvent = named(
  z.object({
    event: event.shape.type,
    data: text.meta({
      contentMediaType: "application/json",
      contentSchema: { $ref: "#/components/schemas/TierliftEvent" },
    }),
    id: text.regex(/^\d+$/).describe("What a `Last-Event-ID` repeats."),
  }),
  "StreamedEvent",
  "Each of a stream's server-sent events, by its fields.",
);

export const problem = named(
  fieldsOf<Problem>()({
    type: text.meta({ format: "uri" }),
    title: text,
    status: z.int().min(400).max(599),
    code: text.describe("Stable; meant for programs."),
    detail: text.describe("What is wrong and what to do; meant for people."),
    instance: text,
    errors: z
      .array(z.object({ field: text, message: text }))
      .optional()
      .describe("The fields at fault, for a request that does not fit its schema."),
  }),
  "Problem",
  "A problem document (RFC 9457).",
);

export const health = named(z.object({ status: z.literal("UP") }), "Health", "The process lives.");
export const readiness = named(
  z.object({ status: z.enum(["READY", "STARTING"]), problem: text.nullable().optional() }),
  "Readiness",
  "Whether the platform stands, and what keeps it from it.",
);

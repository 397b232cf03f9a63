/** The specification's migration endpoints, and what is beside them. */
import { Hono } from "hono";
import type { Context } from "hono";
import type { z } from "zod";
import type { TierMigrationJob } from "../../automation/model.ts";
import { renderReviewMarkdown, renderReviewText } from "../../automation/engine/review.ts";
import { isEnded } from "../../automation/migration/states.ts";
import { TierliftError, tierliftError } from "../../automation/errors.ts";
import type { VerificationReport } from "../../automation/ports.ts";
import type { Tierlift } from "../../automation/tierlift.ts";
import { preferredType } from "../accept.ts";
import { canManageTenant, requirePlatformAdmin, requireSomeManager, requireTenantManager } from "../auth.ts";
import type { ApiEnvironment } from "../auth.ts";
import {
  approveRequest,
  initiateMigrationRequest,
  listHistoryQuery,
  listMigrationsQuery,
  previewQuery,
  reasonRequest,
  submitCredentialsRequest,
} from "../schemas.ts";
import { answerJson } from "../json.ts";
import { answerPage, pageOf, sortedBy } from "../lists.ts";
import { parseBody, parseQuery } from "../validation.ts";

/** What a preview can be read as; the first where a client does not mind. */
export const PREVIEW_TYPES = ["application/json", "text/plain", "text/markdown"] as const;

const MISSING_REPORTS: readonly string[] = ["REPORT_NOT_FOUND", "UNDO_REPORT_NOT_FOUND"];

export function createMigrationRoutes(
  { migrations }: Tierlift,
  { completeWaitMs, closing }: { completeWaitMs: number; closing: AbortSignal },
): Hono<ApiEnvironment> {
  const app = new Hono<ApiEnvironment>();

  /** The job, to one who may see it: another tenant's looks absent. */
  function jobFor(c: Context<ApiEnvironment, "/:jobId">): TierMigrationJob {
    const [actor, jobId] = [c.get("actor"), c.req.param("jobId")];
    requireSomeManager(actor);
    const job = migrations.get(jobId);
    if (!canManageTenant(actor, job.tenantId)) throw tierliftError("MIGRATION_NOT_FOUND", { jobId });
    c.set("about", { tenantId: job.tenantId });
    return job;
  }

  /** Null until the checks have run. */
  async function orNull(report: Promise<VerificationReport>): Promise<VerificationReport | null> {
    try {
      return await report;
    } catch (error) {
      if (error instanceof TierliftError && MISSING_REPORTS.includes(error.code)) return null;
      throw error;
    }
  }

  app.get("/", (c) => {
    requirePlatformAdmin(c.get("actor"));
    const { sort, page, size, ...filter } = parseQuery(c, listMigrationsQuery);
    const found = migrations.list().filter((job) => isMeant(job, filter) && isWithin(job, filter));
    return c.json(answerPage(c, sortedJobs(found, sort), pageOf({ page, size })));
  });

  app.get("/stats", (c) => {
    requirePlatformAdmin(c.get("actor"));
    return c.json(migrations.stats());
  });

  app.post("/tenants/:tenantId/upgrade-tier", async (c) => {
    const { tenantId } = c.req.param();
    requireTenantManager(c.get("actor"), tenantId);
    const { targetTier } = await parseBody(c, initiateMigrationRequest);
    const job = await migrations.initiate(tenantId, targetTier, c.get("actor"));
    c.set("about", { jobId: job.id });
    c.header("Location", `/api/v1/migrations/${job.id}`);
    return c.json(job, 201);
  });

  app.get("/tenants/:tenantId/status", (c) => {
    const { tenantId } = c.req.param();
    requireTenantManager(c.get("actor"), tenantId);
    return answerJson(c, migrations.active(tenantId));
  });

  app.get("/tenants/:tenantId/history", (c) => {
    const { tenantId } = c.req.param();
    requireTenantManager(c.get("actor"), tenantId);
    const { sort, page, size, ...times } = parseQuery(c, listHistoryQuery);
    const found = migrations.history(tenantId).filter((job) => isWithin(job, times));
    return c.json(answerPage(c, sortedJobs(found, sort), pageOf({ page, size })));
  });

  app.get("/:jobId", async (c) => {
    const job = jobFor(c);
    const [verification, undone, cutover] = await Promise.all([
      orNull(migrations.report(job.id)),
      orNull(migrations.undoReport(job.id)),
      migrations.cutoverReport(job.id),
    ]);
    return c.json({ ...job, verification, undone, cutover });
  });

  app.get("/:jobId/preview", async (c) => {
    const job = jobFor(c);
    const { phase = "PREVIEWING_CHANGES" } = parseQuery(c, previewQuery);
    const changes = await migrations.preview(job.id, phase);
    c.header("Vary", "Accept");
    const type = preferredType(c.req.header("Accept"), PREVIEW_TYPES);
    if (type === "application/json") return c.json(changes);
    const render = type === "text/plain" ? renderReviewText : renderReviewMarkdown;
    return c.body(render(changes, { phase }), 200, { "Content-Type": `${type}; charset=utf-8` });
  });

  app.get("/:jobId/audit", async (c) => {
    const job = jobFor(c);
    return c.json(await migrations.audit(job.id));
  });

  app.post("/:jobId/validate-payment", async (c) => {
    requirePlatformAdmin(c.get("actor"));
    return c.json(await migrations.validatePayment(jobFor(c).id, c.get("actor")));
  });

  app.post("/:jobId/submit-credentials", async (c) => {
    const job = jobFor(c);
    const credentials = await parseBody(c, submitCredentialsRequest);
    return c.json(await migrations.submitCredentials(job.id, credentials, c.get("actor")));
  });

  app.post("/:jobId/approve", async (c) => {
    requirePlatformAdmin(c.get("actor"));
    const { digest } = await parseBody(c, approveRequest);
    return c.json(await migrations.approve(jobFor(c).id, c.get("actor"), digest));
  });

  app.post("/:jobId/complete-verification", async (c) => {
    const job = jobFor(c);
    const { job: after, done } = await migrations.completeVerification(
      job.id,
      c.get("actor"),
      completeWaitMs,
      closing,
    );
    return c.json(after, done ? 200 : 202);
  });

  app.post("/:jobId/rollback", async (c) => {
    const job = jobFor(c);
    const { reason } = await parseBody(c, reasonRequest);
    return c.json(await migrations.rollback(job.id, reason, c.get("actor")));
  });

  app.post("/:jobId/cancel", async (c) => {
    const job = jobFor(c);
    const { reason } = await parseBody(c, reasonRequest);
    return c.json(await migrations.cancel(job.id, reason, c.get("actor")));
  });

  app.post("/:jobId/retry", async (c) => {
    const job = jobFor(c);
    return c.json(await migrations.retry(job.id, c.get("actor")));
  });

  return app;
}

type JobFilter = Pick<
  z.infer<typeof listMigrationsQuery>,
  "scope" | "status" | "tenantId" | "sourceTier" | "targetTier"
>;

function isMeant(job: TierMigrationJob, { scope, status, ...fields }: JobFilter): boolean {
  // A status says by itself whether it is an end.
  const scoped = scope ?? (status === undefined ? "active" : "all");
  if (scoped !== "all" && isEnded(job.status) !== (scoped === "ended")) return false;
  return [
    [status, job.status],
    [fields.tenantId, job.tenantId],
    [fields.sourceTier, job.sourceTier],
    [fields.targetTier, job.targetTier],
  ].every(([wanted, value]) => wanted === undefined || wanted === value);
}

type Times = Pick<z.infer<typeof listHistoryQuery>, "initiatedAfter" | "initiatedBefore">;

/** Instants, whatever their offsets. */
function isWithin({ initiatedAt }: TierMigrationJob, { initiatedAfter, initiatedBefore }: Times): boolean {
  const at = Date.parse(initiatedAt);
  if (initiatedAfter !== undefined && at < Date.parse(initiatedAfter)) return false;
  return initiatedBefore === undefined || at < Date.parse(initiatedBefore);
}

const sortedJobs = (jobs: TierMigrationJob[], sort: string): TierMigrationJob[] =>
  sortedBy(jobs, sort, (job, field) => (field === "updatedAt" ? job.updatedAt : job.initiatedAt));

/** Migrations as they are asked for: commands, each stored durably before it is answered, and queries. */
import type { ChangeSet } from "../engine/engine.ts";
import { tierliftError } from "../errors.ts";
import type { Ledger } from "../ledger.ts";
import type {
  Actor,
  AuditEntry,
  CredentialsReference,
  MigrationRecord,
  MigrationStats,
  Phase,
  TierMigrationJob,
} from "../model.ts";
import type { CutoverReport, Ports, VerificationReport } from "../ports.ts";
import { createSerial } from "../serial.ts";
import type { Store } from "../store/store.ts";
import type { Tier } from "../../stacks/spec.ts";
import type { Migrator } from "./migrator.ts";
import { cutoverKey, previewKey, reportKey, undoReportKey } from "./phases/phase.ts";
import { isUpgrade } from "./plan.ts";
import { isEnded, transition } from "./states.ts";
import type { Command } from "./states.ts";
import { statsOf } from "./stats.ts";

export interface Migrations {
  /** Throws TENANT_NOT_FOUND, TENANT_NOT_READY, NOT_AN_UPGRADE, MIGRATION_ACTIVE. */
  initiate(tenantId: string, targetTier: Tier, actor: Actor): Promise<TierMigrationJob>;
  /** This and the commands below throw MIGRATION_NOT_FOUND and ILLEGAL_TRANSITION. */
  validatePayment(jobId: string, actor: Actor): Promise<TierMigrationJob>;
  /** Provisioning starts at once, or after an approval where review is required. Throws CREDENTIALS_NOT_NEEDED. */
  submitCredentials(
    jobId: string,
    credentials: CredentialsReference,
    actor: Actor,
  ): Promise<TierMigrationJob>;
  /** With `digest`, approves that change set only: throws APPROVED_OTHER when the preview is another by now. */
  approve(jobId: string, actor: Actor, digest?: string): Promise<TierMigrationJob>;
  /**
   * Switches the tenant, or ends its grace period. Waits up to `waitMs`, or until `closing` aborts, for that to be done;
   * it goes on after that.
   */
  completeVerification(
    jobId: string,
    actor: Actor,
    waitMs: number,
    closing?: AbortSignal,
  ): Promise<{ job: TierMigrationJob; done: boolean }>;
  /** Throws ALREADY_SWITCHED once the tenant is served from its new side, unless a grace period follows the switch. */
  rollback(jobId: string, reason: string, actor: Actor): Promise<TierMigrationJob>;
  cancel(jobId: string, reason: string, actor: Actor): Promise<TierMigrationJob>;
  /** Goes on where a FAILED migration stopped. */
  retry(jobId: string, actor: Actor): Promise<TierMigrationJob>;
  get(jobId: string): TierMigrationJob;
  /** Frozen, and the same object until the migration changes. Throws NO_ACTIVE_MIGRATION. */
  active(tenantId: string): Readonly<TierMigrationJob>;
  /** All of a tenant's migrations, oldest first. */
  history(tenantId: string): TierMigrationJob[];
  /** All migrations of all tenants, oldest first. */
  list(): TierMigrationJob[];
  /** Active migrations of all tenants, oldest first. */
  listActive(): TierMigrationJob[];
  stats(): MigrationStats;
  /** The change set that was or is to be approved, or the one a phase applied. Throws PREVIEW_NOT_FOUND. */
  preview(jobId: string, phase?: Phase): Promise<ChangeSet>;
  /** Throws REPORT_NOT_FOUND. */
  report(jobId: string): Promise<VerificationReport>;
  /** Of the last check after a rollback or cancel. Throws UNDO_REPORT_NOT_FOUND. */
  undoReport(jobId: string): Promise<VerificationReport>;
  /** Of the last cutover whose freeze was not over its budget; null before it. */
  cutoverReport(jobId: string): Promise<CutoverReport | null>;
  audit(jobId: string): Promise<AuditEntry[]>;
}

export interface MigrationsOptions {
  store: Store;
  ledger: Ledger;
  migrator: Pick<Migrator, "wake">;
  ports: Pick<Ports, "clock" | "newId">;
}

export function createMigrations({ store, ledger, migrator, ports }: MigrationsOptions): Migrations {
  const inTurn = createSerial();
  const now = (): string => ports.clock.now().toISOString();

  function find(jobId: string): MigrationRecord {
    const record = store.migrations.get(jobId);
    if (record === undefined) throw tierliftError("MIGRATION_NOT_FOUND", { jobId });
    return record;
  }

  function tenantOf(tenantId: string) {
    const tenant = store.tenants.get(tenantId);
    if (tenant === undefined) throw tierliftError("TENANT_NOT_FOUND", { tenantId });
    return tenant;
  }

  interface Asked {
    actor: Actor;
    reason?: string;
    edit?: (draft: MigrationRecord) => void;
    interrupt?: boolean;
  }

  async function command(jobId: string, name: Command, { actor, reason, edit, interrupt = false }: Asked) {
    find(jobId);
    const { job } = await ledger.changeMigration(jobId, { actor, action: name, reason }, (draft) => {
      draft.job.status = transition(draft.job, name);
      if (draft.job.status !== "PROVISIONING") draft.job.provisioningState = null;
      if (reason !== undefined) draft.job.reason = reason;
      if (isEnded(draft.job.status)) draft.job.completedAt = now();
      edit?.(draft);
    });
    migrator.wake(jobId, { interrupt });
    return job;
  }

  const jobs = (where: (record: Readonly<MigrationRecord>) => boolean): TierMigrationJob[] =>
    store.migrations
      .list(where)
      .map(({ job }) => job)
      .sort((a, b) => a.initiatedAt.localeCompare(b.initiatedAt) || a.id.localeCompare(b.id));

  const newest = newestByTenant(store.migrations);

  /** Only the newest can be active: none is begun before the one ahead of it has ended. */
  function activeOf(tenantId: string): Readonly<TierMigrationJob> | undefined {
    const job = store.migrations.peek(newest.get(tenantId) ?? "")?.job;
    return job === undefined || isEnded(job.status) ? undefined : job;
  }

  return {
    initiate: (tenantId, targetTier, actor) =>
      inTurn(tenantId, async () => {
        const { tier, status, slug } = tenantOf(tenantId);
        const active = activeOf(tenantId);
        if (active !== undefined)
          throw tierliftError("MIGRATION_ACTIVE", { slug, jobId: active.id, status: active.status });
        if (status !== "ACTIVE") throw tierliftError("TENANT_NOT_READY", { slug, status, needed: "ACTIVE" });
        if (!isUpgrade(tier, targetTier))
          throw tierliftError("NOT_AN_UPGRADE", { source: tier, target: targetTier });
        const id = ports.newId();
        const job: TierMigrationJob = {
          id,
          tenantId,
          sourceTier: tier,
          targetTier,
          status: "INITIATED",
          provisioningState: null,
          initiatedBy: actor.subject,
          initiatedAt: now(),
          updatedAt: now(),
          phases: [],
        };
        const record = { id, job, work: { cutover: {} }, outbox: [] };
        const created = await ledger.createMigration(record, { actor, action: "initiate" });
        newest.set(tenantId, id);
        return created.job;
      }),

    validatePayment: (jobId, actor) => command(jobId, "validatePayment", { actor }),

    submitCredentials: (jobId, credentials, actor) =>
      command(jobId, "submitCredentials", {
        actor,
        edit: ({ job }) => {
          job.credentials = credentials;
          begunAnew(job);
        },
      }),

    approve: (jobId, actor, digest) =>
      command(jobId, "approve", {
        actor,
        edit: ({ work }) => {
          const present = work.approvedDigest ?? "none";
          if (digest !== undefined && digest !== present)
            throw tierliftError("APPROVED_OTHER", { given: digest, present });
        },
      }),

    async completeVerification(jobId, actor, waitMs, closing) {
      await command(jobId, "complete", { actor, edit: ({ job }) => delete job.error });
      const job = await settled(jobId, waitMs, closing);
      return { job, done: job.status === "COMPLETED" || job.status === "GRACE_PERIOD" };
    },

    rollback: (jobId, reason, actor) =>
      command(jobId, "rollback", { actor, reason, edit: ({ job }) => begunAnew(job) }),

    cancel: (jobId, reason, actor) => command(jobId, "cancel", { actor, reason, interrupt: true }),

    retry: (jobId, actor) => command(jobId, "retry", { actor, edit: ({ job }) => begunAnew(job) }),

    get: (jobId) => find(jobId).job,

    active(tenantId) {
      const job = activeOf(tenantId);
      if (job !== undefined) return job;
      tenantOf(tenantId);
      throw tierliftError("NO_ACTIVE_MIGRATION", { tenantId });
    },

    history(tenantId) {
      tenantOf(tenantId);
      return jobs(({ job }) => job.tenantId === tenantId);
    },

    list: () => jobs(() => true),

    listActive: () => jobs(({ job }) => !isEnded(job.status)),

    stats: () => statsOf(jobs(() => true)),

    async preview(jobId, phase = "PREVIEWING_CHANGES") {
      find(jobId);
      const changes = await store.artifacts.get(previewKey(jobId, phase));
      if (changes === undefined) throw tierliftError("PREVIEW_NOT_FOUND", { jobId, phase });
      return changes as ChangeSet;
    },

    async report(jobId) {
      find(jobId);
      const report = await store.artifacts.get(reportKey(jobId));
      if (report === undefined) throw tierliftError("REPORT_NOT_FOUND", { jobId });
      return report as VerificationReport;
    },

    async undoReport(jobId) {
      find(jobId);
      const report = await store.artifacts.get(undoReportKey(jobId));
      if (report === undefined) throw tierliftError("UNDO_REPORT_NOT_FOUND", { jobId });
      return report as VerificationReport;
    },

    async cutoverReport(jobId) {
      find(jobId);
      return ((await store.artifacts.get(cutoverKey(jobId))) ?? null) as CutoverReport | null;
    },

    audit(jobId) {
      return ledger.trail(find(jobId));
    },
  };

  /** The job once it is no longer being cut over, or as it is when the time is over. */
  async function settled(jobId: string, waitMs: number, closing?: AbortSignal): Promise<TierMigrationJob> {
    const over = new AbortController();
    const giveUp = () => over.abort(new Error("the service stops"));
    closing?.addEventListener("abort", giveUp, { once: true });
    if (closing?.aborted) giveUp();
    const end = ledger.onMigration(({ id, job }) => {
      if (id === jobId && job.status !== "CUTTING_OVER") over.abort(new Error("settled"));
    });
    try {
      if (find(jobId).job.status === "CUTTING_OVER") await ports.clock.sleep(waitMs, over.signal);
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      end();
      closing?.removeEventListener("abort", giveUp);
    }
    return find(jobId).job;
  }
}

/** Ids of the tenants' newest migrations: who asks for the active one does not wait for a search through all. */
function newestByTenant(migrations: Store["migrations"]): Map<string, string> {
  const inOrder = migrations.list().sort((a, b) => a.job.initiatedAt.localeCompare(b.job.initiatedAt));
  return new Map(inOrder.map(({ id, job }) => [job.tenantId, id]));
}

/** Someone looked at what failed: it has all its tries again. */
function begunAnew(job: TierMigrationJob): void {
  delete job.error;
  for (const phase of job.phases) {
    phase.failures = 0;
    if (phase.outcome === "UNDO_FAILED") delete phase.outcome;
  }
}

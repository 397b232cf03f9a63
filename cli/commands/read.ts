/** What can be read of a migration: how it stands, what it changes, what was checked, who did what. */
import type { AuditEntry, ProvisioningStatus, TierMigrationJob } from "../../automation/model.ts";
import type { ChangeSet } from "../../automation/engine/engine.ts";
import { command, OF_JOB, type Context } from "../command.ts";
import { describeReport } from "../describe.ts";
import { createReader } from "../display.ts";
import { ClientError, EXIT } from "../errors.ts";
import { findJob, findTenant, historyPath } from "../find.ts";
import { describeOutcome } from "../follow.ts";
import { renderFrame } from "../frame.ts";
import { printResult } from "../io.ts";
import { duration, moment, printable, wrap } from "../text.ts";
import { pathOf, type Job } from "../watch.ts";

const status = command({
  name: "status",
  operands: ["TENANT"],
  summary: "Shows how a tenant's migration stands",
  options: OF_JOB,
  async run(context, [name = ""], { job: jobId }) {
    const tenant = await findTenant(context, name);
    const job = await findJob(context, tenant, jobId);
    const { progress } = (await createReader(context.client, job)()) ?? {};
    const frame = renderFrame({ slug: tenant.slug, job, progress, now: context.io.now() });
    printResult(context, {
      document: { tenant, job, provisioning: progress ?? null },
      text: [...frame, ...recentLines(progress), ...describeOutcome(tenant, job)],
    });
    return EXIT.done;
  },
});

const recentLines = (progress: ProvisioningStatus | undefined): string[] =>
  (progress?.recentLogs ?? []).slice(-3).flatMap((line) => wrap(line, "  "));

const preview = command({
  name: "preview",
  operands: ["TENANT"],
  summary: "Shows what a migration changes, resource by resource",
  options: {
    ...OF_JOB,
    phase: {
      type: "string",
      value: "PHASE",
      help: "what this phase applied, instead of the preview for review",
    },
    markdown: { type: "boolean", help: "to be pasted into a ticket" },
  },
  async run(context, [name = ""], { job: jobId, phase, markdown = false }) {
    const { client, io, json } = context;
    const job = await findJob(context, await findTenant(context, name), jobId);
    const query = phase === undefined ? "" : `?${new URLSearchParams({ phase }).toString()}`;
    const path = `${pathOf(job.id)}/preview${query}`;
    if (json) printResult(context, { document: await client.get<ChangeSet>(path), text: [] });
    else io.stdout.write(await client.text(path, markdown ? "text/markdown" : "text/plain"));
    return EXIT.done;
  },
});

const report = command({
  name: "report",
  operands: ["TENANT"],
  summary: "Shows the automated checks of the new infrastructure",
  details: "Ends with exit code 1 when a check has not passed.",
  options: OF_JOB,
  async run(context, [name = ""], { job: jobId }) {
    const { id, verification } = await findJob(context, await findTenant(context, name), jobId);
    if (!verification)
      throw new ClientError(
        `Migration ${id} has no report yet: it comes with VERIFYING_DEPLOYMENT.`,
        EXIT.refused,
      );
    const text = describeReport(verification).flatMap((line) => wrap(line.trimStart(), indentOf(line)));
    printResult(context, { document: verification, text });
    return verification.passed ? EXIT.done : EXIT.failed;
  },
});

const indentOf = (line: string): string => line.slice(2, line.length - line.trimStart().length);

const history = command({
  name: "history",
  operands: ["TENANT"],
  summary: "Lists a tenant's migrations, the oldest first",
  options: {},
  async run(context, [name = ""]) {
    const tenant = await findTenant(context, name);
    const jobs = await context.client.get<TierMigrationJob[]>(historyPath(tenant));
    const none = [`Tenant ${tenant.slug} never had a migration.`];
    printResult(context, { document: jobs, text: jobs.length === 0 ? none : jobs.flatMap(describePast) });
    return EXIT.done;
  },
});

function describePast(job: TierMigrationJob): string[] {
  const { id, sourceTier, targetTier, status: end, initiatedAt, initiatedBy, completedAt, reason } = job;
  const took =
    completedAt === undefined ? "" : `  after ${duration(Date.parse(completedAt) - Date.parse(initiatedAt))}`;
  return [
    ...wrap(`${moment(initiatedAt)}  ${sourceTier} → ${targetTier}  ${end}${took}`),
    ...wrap(`${id}  by ${initiatedBy}`, "  "),
    ...(reason === undefined ? [] : wrap(reason, "  ")),
  ];
}

const audit = command({
  name: "audit",
  operands: ["TENANT"],
  summary: "Shows who changed a migration when and why",
  options: OF_JOB,
  async run(context, [name = ""], { job: jobId }) {
    const entries = await auditOf(context, name, jobId);
    printResult(context, { document: entries, text: entries.flatMap(describeEntry) });
    return EXIT.done;
  },
});

async function auditOf(context: Context, name: string, jobId: string | undefined): Promise<AuditEntry[]> {
  const { id }: Job = await findJob(context, await findTenant(context, name), jobId);
  return context.client.get<AuditEntry[]>(`${pathOf(id)}/audit`);
}

function describeEntry({ seq, at, action, actor, from, to, reason }: AuditEntry): string[] {
  const states = from === null || from === to ? to : `${from} → ${to}`;
  return [
    ...wrap(`${String(seq).padStart(3)}  ${moment(at)}  ${printable(action)} by ${printable(actor)}`),
    ...wrap(states, "     "),
    ...(reason === null ? [] : wrap(reason, "     ")),
  ];
}

export const READ_COMMANDS = [status, preview, report, history, audit];

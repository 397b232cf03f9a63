/** What people decide about a migration: payment, approval, completion, rollback, cancel, retry. */
import type { ChangeSet } from "../../automation/engine/engine.ts";
import type { JobStatus, Tenant } from "../../automation/model.ts";
import { command, CONFIRMED, OF_JOB, type Context, type Options } from "../command.ts";
import { describeChanges, describeReport } from "../describe.ts";
import { EXIT, UsageError } from "../errors.ts";
import { findJob, findTenant } from "../find.ts";
import { exitCodeOf, following, printOutcome } from "../follow.ts";
import { confirm } from "../prompt.ts";
import { wrap } from "../text.ts";
import { pathOf, type Job } from "../watch.ts";

const REASON = {
  reason: { type: "string", value: "TEXT", help: "for the audit trail (required)" },
} as const satisfies Options;

/** The API itself waits 25 s for the switch. */
const COMPLETE_WITHIN_MS = 60_000;

/** One command sent, and followed until it is done. */
interface Decision {
  path: string;
  body?: unknown;
  /** Where it leads, and where else it may come to rest. */
  wanted: readonly JobStatus[];
  rests?: readonly JobStatus[];
}

async function decide(context: Context, tenant: Tenant, job: Job, decision: Decision): Promise<number> {
  const { path, body, wanted, rests = [] } = decision;
  const isSo = (status: JobStatus) => wanted.includes(status) || rests.includes(status);
  const after = await following(context, { tenant, job, eventsOnStdout: false }, async ({ watch }) => {
    const sent = context.client.post<Job>(`${pathOf(job.id)}/${path}`, body, COMPLETE_WITHIN_MS);
    // A refusal ends the command; an answer does not, what it began is still under way.
    const refused = sent.then(() => new Promise<never>(() => undefined));
    return Promise.race([watch.until(isSo), refused]);
  });
  printOutcome(context, tenant, after, "document");
  return exitCodeOf(after, wanted);
}

/** The report in short, before the decision that it is for. */
const reportLines = ({ verification }: Job): string[] =>
  verification ? describeReport(verification) : ["  no verification report"];

const validatePayment = command({
  name: "validate-payment",
  operands: ["TENANT"],
  summary: "Confirms that the upgrade is paid (platform administrators)",
  options: OF_JOB,
  async run(context, [name = ""], { job: jobId }) {
    const tenant = await findTenant(context, name);
    const { id } = await findJob(context, tenant, jobId);
    const { body } = await context.client.post<Job>(`${pathOf(id)}/validate-payment`);
    printOutcome(context, tenant, body, "document");
    return EXIT.done;
  },
});

const approve = command({
  name: "approve",
  operands: ["TENANT"],
  summary: "Approves the preview, where review is required (platform administrators)",
  details:
    "What is approved is the change set that was shown, or the one that --digest names; a newer one is refused.",
  options: {
    ...OF_JOB,
    ...CONFIRMED,
    digest: { type: "string", value: "DIGEST", help: "of the change set that was read before" },
  },
  async run(context, [name = ""], { job: jobId, yes = false, digest }) {
    const { client, io, signal } = context;
    const tenant = await findTenant(context, name);
    const { id, sourceTier, targetTier } = await findJob(context, tenant, jobId);
    const changes = await client.get<ChangeSet>(`${pathOf(id)}/preview`);
    const text = [
      `${tenant.slug}, ${sourceTier} → ${targetTier}: this is made once it is approved.`,
      ...describeChanges(changes),
      `  All of it: tierlift preview ${tenant.slug}`,
    ];
    if (!yes) await confirm(io, { text, answer: "y", signal });
    const { body } = await client.post<Job>(`${pathOf(id)}/approve`, { digest: digest ?? changes.digest });
    printOutcome(context, tenant, body, "document");
    return EXIT.done;
  },
});

const complete = command({
  name: "complete",
  operands: ["TENANT"],
  summary: "Takes the new infrastructure: the switch, then the end of the shared side",
  options: { ...OF_JOB, ...CONFIRMED },
  async run(context, [name = ""], { job: jobId, yes = false }) {
    const { io, signal } = context;
    const tenant = await findTenant(context, name);
    const job = await findJob(context, tenant, jobId);
    const { slug } = tenant;
    const isSwitched = job.status === "GRACE_PERIOD";
    const text = isSwitched
      ? wrap(
          `The grace period of ${slug} ends now: its part of the shared cluster and its data there are destroyed. After that there is no way back.`,
        )
      : [
          ...wrap(
            `${slug} is switched to its own infrastructure (${job.targetTier}). Writes stop for a moment, its names lead to the new side, and then its part of the shared cluster and its data there are destroyed. After the switch there is no way back, unless the installation gives a grace period.`,
          ),
          ...reportLines(job),
        ];
    if (!yes) await confirm(io, { text, answer: slug, signal });
    return decide(context, tenant, job, {
      path: "complete-verification",
      wanted: ["COMPLETED", "GRACE_PERIOD"],
      rests: ["VERIFICATION", "ROLLED_BACK"],
    });
  },
});

const rollback = command({
  name: "rollback",
  operands: ["TENANT"],
  summary: "Goes back from VERIFICATION, GRACE_PERIOD or FAILED; the new infrastructure is destroyed",
  options: { ...OF_JOB, ...CONFIRMED, ...REASON },
  async run(context, [name = ""], { job: jobId, yes = false, reason }) {
    const { io, signal } = context;
    const given = requireReason(reason);
    const tenant = await findTenant(context, name);
    const job = await findJob(context, tenant, jobId);
    const { slug } = tenant;
    const made = job.phases.reduce((sum, { resourcesDone = 0 }) => sum + resourcesDone, 0);
    const text = wrap(
      job.status === "GRACE_PERIOD"
        ? `${slug} goes back to ${job.sourceTier}: writes stop for a moment, what it has written since the switch is brought back, and its names lead to the shared side. Then what the migration made (${made} resources) is destroyed.`
        : `The migration of ${slug} to ${job.targetTier} (${job.status}) is rolled back: what it made (${made} resources so far) is destroyed, with all that was written there. ${slug} stays in ${job.sourceTier} as it is now.`,
    );
    if (!yes) await confirm(io, { text, answer: slug, signal });
    return decide(context, tenant, job, {
      path: "rollback",
      body: { reason: given },
      wanted: ["ROLLED_BACK"],
      // Where both sides differ the tenant stays, and the job says why.
      rests: ["GRACE_PERIOD"],
    });
  },
});

const cancel = command({
  name: "cancel",
  operands: ["TENANT"],
  summary: "Stops a migration before the end of provisioning; what it made is destroyed",
  options: { ...OF_JOB, ...REASON },
  async run(context, [name = ""], { job: jobId, reason }) {
    const given = requireReason(reason);
    const tenant = await findTenant(context, name);
    const job = await findJob(context, tenant, jobId);
    return decide(context, tenant, job, { path: "cancel", body: { reason: given }, wanted: ["CANCELLED"] });
  },
});

const retry = command({
  name: "retry",
  operands: ["TENANT"],
  summary: "Goes on with a FAILED migration where it stopped",
  options: OF_JOB,
  async run(context, [name = ""], { job: jobId }) {
    const tenant = await findTenant(context, name);
    const job = await findJob(context, tenant, jobId);
    // A rollback or cancel that failed is what is tried again: its end is what was asked for.
    const wanted = job.error === undefined ? undefined : ENDS_OF_UNDOING[job.error.status];
    return decide(context, tenant, job, {
      path: "retry",
      wanted: wanted === undefined ? ["VERIFICATION", "GRACE_PERIOD", "COMPLETED"] : [wanted],
    });
  },
});

const ENDS_OF_UNDOING: Partial<Record<JobStatus, JobStatus>> = {
  ROLLING_BACK: "ROLLED_BACK",
  SWITCHING_BACK: "ROLLED_BACK",
  CANCELLING: "CANCELLED",
};

function requireReason(reason: string | undefined): string {
  if (reason === undefined || reason.trim() === "")
    throw new UsageError("--reason is missing: it is kept in the audit trail.");
  return reason;
}

export const DECISION_COMMANDS = [validatePayment, approve, complete, rollback, cancel, retry];

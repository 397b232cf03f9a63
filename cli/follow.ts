/** A migration watched by a person or a script until it is where they wait for it. */
import type { JobStatus, Tenant } from "../automation/model.ts";
import type { Context } from "./command.ts";
import { describeFreeze, describeLate } from "./describe.ts";
import { createDisplay, createReader, type Display } from "./display.ts";
import { EXIT, UnreachableError } from "./errors.ts";
import { printLine, printResult, tell } from "./io.ts";
import { wrap } from "./text.ts";
import { createWatch, type Job, type Watch } from "./watch.ts";

export interface Following {
  watch: Watch;
  display: Display;
}

/**
 * Shows a migration's events while `work` goes on; what `work` asks of the service cannot outrun them. The last state
 * is left standing. With `eventsOnStdout`, a script gets each event as a line.
 */
export async function following<Result extends Job | undefined>(
  context: Context,
  { tenant, job, eventsOnStdout }: { tenant: Tenant; job: Job; eventsOnStdout: boolean },
  work: (following: Following) => Promise<Result>,
): Promise<Result> {
  const { client, io, json, signal } = context;
  const display = createDisplay({ io, json, slug: tenant.slug, read: createReader(client, job) });
  const watch = createWatch(client, job, {
    signal,
    onBroken: (reason) => display.note(`the connection was lost (${reason}); trying again`),
    onEvent: (event) => {
      if (json && eventsOnStdout) printLine(io, event);
      return display.show(event);
    },
  });
  let result: Result | undefined;
  try {
    await watch.connected();
    await display.begin();
    result = await work({ watch, display });
    return result;
  } catch (error) {
    if (signal.aborted || error instanceof UnreachableError) tell(io, ...howToGoOn(tenant));
    throw error;
  } finally {
    watch.stop();
    await display.finish(result);
  }
}

const howToGoOn = ({ slug }: Tenant): string[] => [
  "",
  "The migration goes on without being watched. To watch it again:",
  `  tierlift watch ${slug}`,
];

/** The migration at the end of a command: a document, or a sentence with what can be done now. */
export function printOutcome(context: Context, tenant: Tenant, job: Job, kind: "document" | "line"): void {
  if (context.json && kind === "line") return printLine(context.io, { type: "result", job });
  printResult(context, { document: job, text: describeOutcome(tenant, job) });
}

/** 0 where the migration came to what was asked for. */
export const exitCodeOf = ({ status }: Job, wanted: readonly JobStatus[]): number =>
  wanted.includes(status) ? EXIT.done : EXIT.failed;

export function describeOutcome({ slug }: Tenant, job: Job): string[] {
  const { id, status, error, reason, targetTier, cutover } = job;
  const next = NEXT[status]?.map((step) => `  tierlift ${step.replace("SLUG", slug)}`) ?? [];
  return [
    ...wrap(
      `${slug} → ${targetTier}: ${status}${error?.phase ? ` at ${error.phase}` : ""} (migration ${id})`,
    ),
    ...(error === undefined ? [] : wrap(`${error.code}: ${error.message}`, "  ")),
    ...(reason === undefined ? [] : wrap(`Reason given: ${reason}`, "  ")),
    ...(status === "COMPLETED" && cutover ? wrap(`${describeFreeze(cutover)}.`, "  ") : []),
    ...(status === "COMPLETED" && cutover ? describeLate(cutover).flatMap((line) => wrap(line, "  ")) : []),
    ...wrap(describeDeadline(job), "  "),
    ...(next.length === 0 ? [] : ["Next:", ...next]),
  ];
}

function describeDeadline({ status, verificationDeadline = "", graceDeadline = "" }: Job): string {
  if (status === "VERIFICATION")
    return `To be completed until ${verificationDeadline}, or it is rolled back.`;
  if (status !== "GRACE_PERIOD") return "";
  return `Served from its own infrastructure. Until ${graceDeadline} it can go back and loses nothing; then, or once completed, the shared side is removed.`;
}

const NEXT: Partial<Record<JobStatus, string[]>> = {
  INITIATED: ["validate-payment SLUG", "cancel SLUG --reason TEXT"],
  PAYMENT_VALIDATED: ["upgrade SLUG --to TIER --credentials-file FILE", "cancel SLUG --reason TEXT"],
  AWAITING_APPROVAL: ["preview SLUG", "approve SLUG", "cancel SLUG --reason TEXT"],
  PROVISIONING: ["watch SLUG", "cancel SLUG --reason TEXT"],
  VERIFICATION: ["report SLUG", "complete SLUG", "rollback SLUG --reason TEXT"],
  CUTTING_OVER: ["watch SLUG"],
  GRACE_PERIOD: ["complete SLUG", "rollback SLUG --reason TEXT"],
  SWITCHING_BACK: ["watch SLUG"],
  CANCELLING: ["watch SLUG"],
  ROLLING_BACK: ["watch SLUG"],
  FAILED: ["retry SLUG", "rollback SLUG --reason TEXT"],
};

/** A migration as it stands, drawn for a terminal. Pure. */
import type { PhaseRecord, ProvisioningStatus } from "../automation/model.ts";
import { COLUMNS, duration, fit, printable, widthOf } from "./text.ts";
import { hasEnded, type Job } from "./watch.ts";

export interface Frame {
  slug: string;
  job: Job;
  /** Absent when the service has nothing to tell. */
  progress?: ProvisioningStatus | undefined;
  /** The newest line of the engine, or what happened to a resource last. */
  recent?: string;
  /** What the one who watches should know, for example of a lost connection. */
  notice?: string;
  now: Date;
}

const BAR = 20;

/** No line is wider than `columns`. */
export function renderFrame(frame: Frame, columns = COLUMNS): string[] {
  const { job, progress, recent = "", notice = "" } = frame;
  return [
    heading(frame, columns),
    ...job.phases.map((record) => phaseLine(record, frame)),
    ...(progress === undefined ? [] : [progressLine(progress, frame)]),
    ...(recent === "" ? [] : [`  ${printable(recent)}`]),
    ...(notice === "" ? [] : [`  ${printable(notice)}`]),
  ].map((line) => fit(line, columns));
}

function heading({ slug, job, now }: Frame, columns: number): string {
  const from = Date.parse(job.phases[0]?.startedAt ?? job.initiatedAt);
  const to = hasEnded(job) ? Date.parse(job.completedAt!) : now.getTime();
  const right = `${job.status}  ${duration(to - from)}`;
  const left = fit(`${slug}  ${job.sourceTier} → ${job.targetTier}`, columns - widthOf(right) - 2);
  return `${left}${" ".repeat(Math.max(2, columns - widthOf(left) - widthOf(right)))}${right}`;
}

function phaseLine(record: PhaseRecord, { job, now }: Frame): string {
  const { phase, startedAt, finishedAt, attempts, resourcesDone = 0, resourcesPlanned = 0 } = record;
  const state = stateOf(record, job);
  const isRunning = state === "running" && finishedAt === undefined;
  const end = isRunning ? now.getTime() : Date.parse(finishedAt ?? startedAt);
  const time = isRunning || finishedAt !== undefined ? duration(end - Date.parse(startedAt)) : "";
  const counts = resourcesPlanned > 0 ? `${resourcesDone}/${resourcesPlanned} resources` : "";
  const again = attempts > 1 ? `try ${attempts}` : "";
  const more = [counts, again].filter((text) => text !== "").join(", ");
  return `  ${state.padEnd(11)} ${phase.padEnd(28)} ${time.padStart(11)}  ${more}`.trimEnd();
}

function stateOf({ phase, outcome }: PhaseRecord, job: Job): string {
  const isUndoing = job.status === "ROLLING_BACK" || job.status === "CANCELLING";
  if (isUndoing && job.provisioningState === phase && outcome !== "UNDONE") return "undoing";
  if (outcome !== undefined) return outcome.toLowerCase().replace("_", " ");
  return job.provisioningState === phase && job.status !== "FAILED" ? "running" : "interrupted";
}

function progressLine({ percentage, ...progress }: ProvisioningStatus, { now }: Frame): string {
  const { phase, resourcesDone, resourcesPlanned, estimatedCompletionAt } = progress;
  const filled = Math.round((Math.min(100, Math.max(0, percentage)) / 100) * BAR);
  const parts = [
    `[${"#".repeat(filled)}${"-".repeat(BAR - filled)}] ${percentage} %`,
    ...(phase === null ? [] : [`phase ${phase.number} of ${phase.total}`]),
    ...(resourcesPlanned === 0 ? [] : [`${resourcesDone} of ${resourcesPlanned} resources`]),
    ...(estimatedCompletionAt === null ? [] : [left(estimatedCompletionAt, now)]),
  ];
  return `  ${parts.join(", ")}`;
}

/** An estimate is no measurement: in tens of seconds. */
function left(at: string, now: Date): string {
  const seconds = Math.max(10, Math.round((Date.parse(at) - now.getTime()) / 10_000) * 10);
  return seconds < 120 ? `${seconds} s left` : `${Math.round(seconds / 60)} min left`;
}

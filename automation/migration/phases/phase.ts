/** What a phase is, and what it is given to work with. */
import type { ChangeSet, OperationOptions, StackEngine } from "../../engine/engine.ts";
import type { Ledger } from "../../ledger.ts";
import type { MigrationRecord, MigrationWork, TenantRecord, TierMigrationJob } from "../../model.ts";
import type { CutoverReport, Ports } from "../../ports.ts";
import type { TierliftSettings } from "../../settings.ts";
import type { Artifacts } from "../../store/store.ts";

export interface PhaseContext {
  tenant: TenantRecord;
  /** The job as it was when the phase began. */
  job: TierMigrationJob;
  /** The tenant's stack. */
  stack: string;
  /** Whether the phase was begun before, so that half of its work may stand. */
  isRetry: boolean;
  /** Aborted when the migration is cancelled, the service stops, or the phase's time is over. */
  signal: AbortSignal;
  engine: StackEngine;
  ports: Ports;
  settings: TierliftSettings;
  ledger: Ledger;
  artifacts: Artifacts;
  /** What every call of the engine is given: progress, signal and time. */
  operation: OperationOptions;
  /** The migration's memory now. */
  work: () => MigrationWork;
  /** Changes the migration's memory, durably. */
  remember: (change: (work: MigrationWork) => void) => Promise<MigrationRecord>;
  acquireLease: () => Promise<void>;
}

export interface PhaseDefinition {
  /** May be run again after it was cut off anywhere. */
  run: (context: PhaseContext) => Promise<void>;
  /** Takes back what `run` did, whole or half; does nothing where nothing was done. */
  undo: (context: PhaseContext) => Promise<void>;
}

export const nothingToUndo = (): Promise<void> => Promise.resolve();

/** Names of a migration's stored change sets and reports. */
export const previewKey = (jobId: string, phase: string): string => `${jobId}.preview.${phase}`;
export const reportKey = (jobId: string): string => `${jobId}.report`;
/** Of the data command's cutover: how long writes were frozen, and what was found. */
export const cutoverKey = (jobId: string): string => `${jobId}.cutover`;
/** What the last cutover reported; undefined before it. */
export async function cutoverReportOf({
  artifacts,
  job,
}: Pick<PhaseContext, "artifacts" | "job">): Promise<CutoverReport | undefined> {
  return (await artifacts.get(cutoverKey(job.id))) as CutoverReport | undefined;
}
/** Of the check at the end of a rollback or cancel, and of the slice before the first change. */
export const undoReportKey = (jobId: string): string => `${jobId}.undo-report`;
export const sliceKey = (jobId: string): string => `${jobId}.slice`;

/** The change set everything that is made has to be part of; undefined before the preview. */
export async function approvedChanges({ artifacts, job }: PhaseContext): Promise<ChangeSet | undefined> {
  return (await artifacts.get(previewKey(job.id, "PREVIEWING_CHANGES"))) as ChangeSet | undefined;
}

/** A migration followed by its events, until it is where one waits for it. */
import { setTimeout as delay } from "node:timers/promises";
import type { JobStatus, Phase, TierliftEvent, TierMigrationJob } from "../automation/model.ts";
import type { CutoverReport, VerificationReport } from "../automation/ports.ts";
import type { Client } from "./client.ts";
import { UnreachableError } from "./errors.ts";
import { followEvents, type FollowOptions } from "./stream.ts";

/** A migration as it is answered, with the reports of the automated checks and of the cutover once they are there. */
export type Job = TierMigrationJob & {
  verification?: VerificationReport | null;
  cutover?: CutoverReport | null;
};

/** The data of an event of type `phase`. */
export interface PhaseData {
  phase: Phase;
  number: number;
  total: number;
  state: string;
  attempt?: number;
  durationMs?: number;
  error?: string | null;
}

export interface Watch {
  /** Resolves when events are received; to be waited for before a command whose effect is to be seen. */
  connected(): Promise<void>;
  /** Follows events until the migration's status is so, or it has ended, or failed; gives it as it then is. */
  until(isSo: (status: JobStatus) => boolean): Promise<Job>;
  stop(): void;
}

export interface WatchOptions extends Pick<FollowOptions, "signal" | "onBroken" | "sleep"> {
  /** Called with each event of the migration, and waited for. */
  onEvent: (event: TierliftEvent) => Promise<void> | void;
  /** After so long without an event the migration itself is asked: a crash of the service may have cost an event. */
  quietMs?: number;
}

const QUIET_MS = 30_000;

export const pathOf = (jobId: string): string => `/api/v1/migrations/${jobId}`;

export function createWatch(
  client: Client,
  { id, tenantId }: Pick<TierMigrationJob, "id" | "tenantId">,
  { onEvent, signal, quietMs = QUIET_MS, ...options }: WatchOptions,
): Watch {
  const over = new AbortController();
  const events = followEvents(client, tenantId, {
    ...options,
    signal: AbortSignal.any([signal, over.signal]),
    isWanted: ({ migrationId }) => migrationId === id,
  });
  let pending: ReturnType<typeof events.next> | undefined;

  async function nextEvent() {
    pending ??= events.next();
    const over = new AbortController();
    const quiet = delay(quietMs, "quiet" as const, { signal: over.signal }).catch(() => "quiet" as const);
    const next = await Promise.race([pending, quiet]);
    over.abort();
    if (next !== "quiet") pending = undefined;
    return next;
  }

  return {
    async connected() {
      await nextEvent();
    },
    async until(isSo) {
      for (;;) {
        const next = await nextEvent();
        signal.throwIfAborted();
        if (next === "quiet") {
          const job = await client.get<Job>(pathOf(id));
          if (isAtRest(job, isSo)) return job;
          continue;
        }
        if (next.done) throw new UnreachableError("the stream of events ended before the migration did");
        const event = next.value;
        if (event === "connected") continue;
        await onEvent(event);
        if (event.type !== "end" && !tellsOfRest(event, isSo)) continue;
        // An event may be old news: the migration itself says where it is. Before its end there are events to come.
        const job = await client.get<Job>(pathOf(id));
        if (isAtRest(job, isSo) && (event.type === "end" || !hasEnded(job))) return job;
      }
    },
    stop: () => over.abort(),
  };
}

function tellsOfRest({ type, data }: TierliftEvent, isSo: (status: JobStatus) => boolean): boolean {
  const status = data["status"] as JobStatus;
  return type === "status" && (status === "FAILED" || isSo(status));
}

/** Whether nothing more is to be waited for. */
export const isAtRest = (job: Job, isSo: (status: JobStatus) => boolean): boolean =>
  hasEnded(job) || job.status === "FAILED" || isSo(job.status);

/** COMPLETED, CANCELLED or ROLLED_BACK: nothing will follow. */
export const hasEnded = ({ completedAt }: Pick<TierMigrationJob, "completedAt">): boolean =>
  completedAt !== undefined;

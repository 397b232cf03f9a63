/** What a migration's stream tells, shown as lines, and waited for. */
import type { JobStatus, Phase, TierliftEvent } from "../../automation/model.ts";
import { CommandError } from "../command-line.ts";
import type { Client } from "./client.ts";
import { followProvisioning } from "./stream.ts";

export interface Watch {
  /** Resolves when events are received. */
  connected(): Promise<void>;
  /** Shows events until the migration has one of the statuses, which it gives. */
  until(statuses: JobStatus[]): Promise<JobStatus>;
  stop(): void;
}

export interface WatchOptions {
  print: (line: string) => void;
  /** Called, and waited for, when the preview can be read. */
  onPreviewed: () => Promise<void>;
  signal: AbortSignal;
}

interface PhaseData {
  phase: Phase;
  number: number;
  total: number;
  state: string;
  attempt?: number;
  durationMs?: number;
  error?: string | null;
}

export function createWatch(
  client: Client,
  tenantId: string,
  { print, onPreviewed, signal }: WatchOptions,
): Watch {
  const over = new AbortController();
  const events = followProvisioning(client, tenantId, AbortSignal.any([signal, over.signal]));
  const done = new Map<string, number>();

  async function show({ type, data }: TierliftEvent): Promise<void> {
    if (type === "resource" && data["state"] === "done") {
      const phase = String(data["phase"]);
      done.set(phase, (done.get(phase) ?? 0) + 1);
    }
    if (type === "status") print(`  ${String(data["status"])}`);
    if (type !== "phase") return;
    const phase = data as unknown as PhaseData;
    print(`  ${describePhase(phase, done.get(phase.phase) ?? 0)}`);
    if (phase.phase === "PREVIEWING_CHANGES" && phase.state === "done") await onPreviewed();
  }

  return {
    async connected() {
      await events.next();
    },
    async until(statuses) {
      for (;;) {
        const next = await events.next();
        signal.throwIfAborted();
        if (next.done) throw new CommandError("the stream of events ended before the migration did");
        const event = next.value;
        if (event === "connected") continue;
        await show(event);
        const status = event.data["status"] as JobStatus;
        if (event.type === "status" && statuses.includes(status)) return status;
      }
    },
    stop: () => over.abort(),
  };
}

/** One line for a phase's beginning or end. */
export function describePhase(data: PhaseData, resources: number): string {
  const { number, total, phase, state, attempt = 1, durationMs, error } = data;
  const head = `[${String(number).padStart(2)}/${total}] ${phase.padEnd(28)}`;
  const again = attempt > 1 ? `, try ${attempt}` : "";
  if (state === "done" && durationMs !== undefined) {
    const changed = resources > 0 ? `, ${resources} resources` : "";
    return `${head} done in ${(durationMs / 1000).toFixed(1)} s${changed}`;
  }
  return `${head} ${state}${again}${error ? `: ${error}` : ""}`;
}

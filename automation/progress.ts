/** The engine's progress made visible: events for those who follow, counts for those who ask, written now and then. */
import type { EngineProgress } from "./engine/engine.ts";
import type { EventLog } from "./events.ts";
import type { Clock } from "./ports.ts";

/** Longest line of an engine's log that is kept. */
const LINE_LIMIT = 2_000;

export interface Counts {
  resourcesPlanned: number;
  resourcesDone: number;
}

export interface Progress {
  /** To be handed to the engine. */
  onProgress: (event: EngineProgress) => void;
  /** Writes the last counts and waits until all events are durable. */
  finish(): Promise<Counts>;
}

export interface ProgressOptions {
  events: EventLog;
  clock: Clock;
  tenantId: string;
  migrationId?: string;
  /** Told with every event, for example the phase. */
  label: Record<string, unknown>;
  writeEveryMs: number;
  write: (counts: Counts) => Promise<unknown>;
  /** Told of failures to write: progress is not worth failing a phase for. */
  onError: (error: unknown) => void;
}

export function createProgress(options: ProgressOptions): Progress {
  const { events, clock, tenantId, migrationId, label, writeEveryMs, write, onError } = options;
  const counts: Counts = { resourcesPlanned: 0, resourcesDone: 0 };
  let lastWrite = -Infinity;
  let pending: Promise<unknown> = Promise.resolve();

  function later(work: () => Promise<unknown>): void {
    const running = work().catch(onError);
    pending = pending.then(() => running);
  }

  function tell(type: "resource" | "log", data: Record<string, unknown>): void {
    const event = {
      type,
      data: { ...label, ...data },
      ...(migrationId === undefined ? {} : { migrationId }),
    };
    later(() => events.emit(tenantId, event));
  }

  function count(): void {
    const now = clock.now().getTime();
    if (now - lastWrite < writeEveryMs) return;
    lastWrite = now;
    later(() => write({ ...counts }));
  }

  return {
    onProgress(event) {
      switch (event.kind) {
        case "planned":
          counts.resourcesPlanned += event.resources;
          return count();
        case "resource": {
          const { urn, type, name, operation, state } = event;
          if (state === "done") counts.resourcesDone += 1;
          tell("resource", { urn, type, name, operation, state });
          return count();
        }
        case "log": {
          const { severity, message, urn } = event;
          tell("log", {
            severity,
            message: message.slice(0, LINE_LIMIT),
            ...(urn === undefined ? {} : { urn }),
          });
        }
      }
    },
    async finish() {
      await pending;
      return { ...counts };
    },
  };
}

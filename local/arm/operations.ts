/** Long-running operations: recorded before they are answered, gone on with after a restart. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readJsonFile, writeFileDurably } from "./durable.ts";
import type { ErrorDetail } from "./errors.ts";
import { ArmError } from "./errors.ts";
import type { Plan, PlannedError } from "./plan.ts";

export interface OperationRecord {
  id: string;
  kind: "create" | "update" | "delete";
  resourceId: string;
  type: string;
  startedAt: string;
  endedAt?: string;
  status: "InProgress" | "Succeeded" | "Failed";
  error?: ErrorDetail;
  /** What the plan said when the work began: it holds over a restart, the delay for what is left of it. */
  planned?: { notBefore: string; error?: PlannedError };
}

/** What an operation does. A rejection makes it fail with an `ArmError`'s code, or `InternalServerError`. */
export type OperationWork = (record: OperationRecord) => Promise<void>;

interface OperationsOptions {
  folder: string;
  plan: Plan;
  /** Told what an operation failed with, also of what is no `ArmError`. */
  onFailure: (record: OperationRecord, error: unknown) => void;
}

/** Ended records are kept that long for late polls, milliseconds. */
const keptMs = 24 * 3600 * 1000;

export class Operations {
  readonly #options: OperationsOptions;
  readonly #records = new Map<string, OperationRecord>();
  readonly #running = new Map<string, Promise<void>>();
  /** The last operation under a key: those of one key run one after the other. */
  readonly #queues = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: OperationsOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(options.folder)) {
      const record = name.endsWith(".json")
        ? readJsonFile<OperationRecord>(join(options.folder, name))
        : undefined;
      const isOld = record?.endedAt !== undefined && Date.parse(record.endedAt) < Date.now() - keptMs;
      if (record === undefined || isOld) rmSync(join(options.folder, name), { force: true });
      else this.#records.set(record.id, record);
    }
  }

  get(id: string): OperationRecord | undefined {
    return this.#records.get(id);
  }

  /** Aborted when the cloud stops. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Waits until an operation has ended, well or not; at once for one that has, or that nobody knows. */
  async ended(id: string | undefined): Promise<void> {
    await this.#running.get(id ?? "");
  }

  /** Those a stop or a crash interrupted. */
  unfinished(): OperationRecord[] {
    return [...this.#records.values()].filter((record) => record.status === "InProgress");
  }

  /** Records an operation; `run` then works on it. */
  record(of: Pick<OperationRecord, "kind" | "resourceId" | "type">): OperationRecord {
    const startedAt = new Date().toISOString();
    const record: OperationRecord = { id: randomUUID(), ...of, startedAt, status: "InProgress" };
    this.#save(record);
    return record;
  }

  /** Starts the work in the background, after what runs under the same key. */
  run(record: OperationRecord, key: string, work: OperationWork): Promise<void> {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const running = before.then(() => this.#work(record, work));
    this.#queues.set(key, running);
    this.#running.set(record.id, running);
    return running.finally(() => {
      this.#running.delete(record.id);
      if (this.#queues.get(key) === running) this.#queues.delete(key);
    });
  }

  /** Ends waiting operations and lets the working ones come to their end, at most `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping.abort();
    const bound = new AbortController();
    const timeout = delay(withinMs, undefined, { signal: bound.signal }).catch(() => undefined);
    await Promise.race([Promise.allSettled(this.#running.values()), timeout]);
    bound.abort();
  }

  async #work(record: OperationRecord, work: OperationWork): Promise<void> {
    const { signal } = this.#stopping;
    try {
      const { notBefore, error } = this.#planned(record);
      // A turn of the event loop at least: the first answer says that the operation runs.
      await delay(Math.max(0, Date.parse(notBefore) - Date.now()), undefined, { signal });
      if (error !== undefined) throw new ArmError(error.status, error.code, error.message);
      await work(record);
      this.#end(record, "Succeeded");
    } catch (error) {
      // Interrupted, not failed: the next start goes on with it.
      if (signal.aborted) return;
      this.#options.onFailure(record, error);
      this.#end(record, "Failed", errorDetail(error));
    }
  }

  #planned(record: OperationRecord): NonNullable<OperationRecord["planned"]> {
    if (record.planned !== undefined) return record.planned;
    const { kind, type, resourceId } = record;
    const step = this.#options.plan({ at: "operation", kind, type, resourceId });
    const planned = {
      notBefore: new Date(Date.now() + (step?.delayMs ?? 0)).toISOString(),
      ...(step?.error === undefined ? {} : { error: step.error }),
    };
    if (step === undefined) return planned;
    record.planned = planned;
    this.#save(record);
    return planned;
  }

  #end(record: OperationRecord, status: "Succeeded" | "Failed", error?: ErrorDetail): void {
    record.status = status;
    record.endedAt = new Date().toISOString();
    if (error !== undefined) record.error = error;
    this.#save(record);
  }

  #save(record: OperationRecord): void {
    writeFileDurably(join(this.#options.folder, `${record.id}.json`), `${JSON.stringify(record)}\n`);
    this.#records.set(record.id, record);
  }
}

function errorDetail(error: unknown): ErrorDetail {
  if (error instanceof ArmError) return error.body.error;
  return { code: "InternalServerError", message: error instanceof Error ? error.message : String(error) };
}

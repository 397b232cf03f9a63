/** What a Prometheus server reads. Every label comes from a fixed set, so that no client can make series without end. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { isEnded } from "../automation/migration/states.ts";
import { JOB_STATUSES } from "../automation/model.ts";
import type { TierliftEvent } from "../automation/model.ts";
import type { Tierlift } from "../automation/tierlift.ts";

export interface Metrics {
  /** `route` is the documented path; undefined where there is none. */
  observeRequest(request: {
    method: string;
    route: string | undefined;
    status: number;
    seconds: number;
  }): void;
  /** In Prometheus' text format. */
  render(): Promise<string>;
  contentType: string;
}

const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const REQUEST_BUCKETS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const PHASE_BUCKETS_S = [0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1200, 2400, 3600];

export function createMetrics(tierlift: Pick<Tierlift, "migrations" | "activity">): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "tierlift_http_requests_total",
    help: "Requests answered.",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const requestSeconds = new Histogram({
    name: "tierlift_http_request_duration_seconds",
    help: "Time until a request was answered; for a stream, until it began.",
    labelNames: ["method", "route"],
    buckets: REQUEST_BUCKETS_S,
    registers,
  });
  observePhases(registers, tierlift.activity);
  observeState(registers, tierlift);

  return {
    contentType: registry.contentType,
    observeRequest({ method, route = "none", status, seconds }) {
      const known = METHODS.includes(method) ? method : "other";
      requests.inc({ method: known, route, status });
      requestSeconds.observe({ method: known, route }, seconds);
    },
    render: async () => `${await registry.metrics()}\n${await ofProcess().metrics()}`,
  };
}

function observePhases(registers: Registry[], activity: Tierlift["activity"]): void {
  const seconds = new Histogram({
    name: "tierlift_phase_duration_seconds",
    help: "Time that a phase took from its last beginning to its end.",
    labelNames: ["phase"],
    buckets: PHASE_BUCKETS_S,
    registers,
  });
  const failures = new Counter({
    name: "tierlift_phase_failures_total",
    help: "Tries of a phase, or of its undoing, that failed.",
    labelNames: ["phase", "code"],
    registers,
  });
  activity.onEvent(({ type, data }: TierliftEvent) => {
    if (type !== "phase") return;
    const phase = String(data["phase"]);
    if (data["state"] === "done") seconds.observe({ phase }, Number(data["durationMs"]) / 1000);
    if (data["state"] === "failed") failures.inc({ phase, code: String(data["code"]) });
    if (data["state"] === "undo failed") failures.inc({ phase, code: "UNDO" });
  });
}

/** What is so now, asked for when it is read. */
function observeState(
  registers: Registry[],
  { migrations, activity }: Pick<Tierlift, "migrations" | "activity">,
) {
  new Gauge({
    name: "tierlift_migrations_active",
    help: "Active migrations.",
    labelNames: ["status"],
    registers,
    collect() {
      const { byStatus } = migrations.stats();
      for (const status of JOB_STATUSES) if (!isEnded(status)) this.set({ status }, byStatus[status]);
    },
  });
  new Gauge({
    name: "tierlift_engine_operations",
    help: "Engine operations that run, and that wait for their turn.",
    labelNames: ["state"],
    registers,
    collect() {
      const { running, waiting } = activity.engineOperations();
      this.set({ state: "running" }, running);
      this.set({ state: "waiting" }, waiting);
    },
  });
}

let processRegistry: Registry | undefined;

/** Memory, processor time and event loop belong to the process, however many apps it serves. */
function ofProcess(): Registry {
  if (processRegistry === undefined) {
    processRegistry = new Registry();
    collectDefaultMetrics({ register: processRegistry });
  }
  return processRegistry;
}

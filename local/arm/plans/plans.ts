/** The plans that hold now, with their uses, kept over a restart. */
import { rmSync } from "node:fs";
import { readJsonFile, writeFileDurably } from "../durable.ts";
import type { ClusterName, PlannedError, PlannedEvent, PlannedStep } from "../plan.ts";
import type { FaultRule } from "./document.ts";
import { azureDurationMs } from "./durations.ts";
import { isAbout, isMatch } from "./match.ts";

interface Counted extends FaultRule {
  name: string;
  /** Events that matched, also those that were let through. */
  seen: number;
  uses: number;
}

/** A plan as it is answered. */
export interface DescribedPlan extends Counted {
  isSpent: boolean;
}

/** Milliseconds after which the uses of a plan without an end are on disk; those of the others are at once. */
const savedWithinMs = 500;

export class Plans {
  readonly #file: string;
  #plans: Counted[];
  #saving: NodeJS.Timeout | undefined;
  readonly #watchers = new Set<() => Promise<void>>();
  #watched = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
    this.#plans = readJsonFile<Counted[]>(file) ?? [];
  }

  list(): DescribedPlan[] {
    return this.#plans.map((plan) => ({ ...plan, isSpent: isSpent(plan) }));
  }

  get(name: string): DescribedPlan | undefined {
    return this.list().find((plan) => plan.name === name);
  }

  /** Puts these in the place of all others, in their order, unused. */
  replace(rules: Record<string, FaultRule>): void {
    this.#plans = Object.entries(rules).map(([name, rule]) => fresh(name, rule));
    this.#changed();
  }

  /** Adds one at the end, or puts it in the place of the one of its name, unused. */
  put(name: string, rule: FaultRule): void {
    const at = this.#plans.findIndex((plan) => plan.name === name);
    if (at < 0) this.#plans.push(fresh(name, rule));
    else this.#plans[at] = fresh(name, rule);
    this.#changed();
  }

  /** False when there was none. */
  remove(name: string): boolean {
    const left = this.#plans.filter((plan) => plan.name !== name);
    if (left.length === this.#plans.length) return false;
    this.#plans = left;
    this.#changed();
    return true;
  }

  /** True while a plan about requests to the cluster's API server is not spent. */
  isAboutCluster(cluster: ClusterName): boolean {
    return this.#plans.some(
      (plan) =>
        plan.match.kubernetes !== undefined &&
        isAbout(plan.match.kubernetes.cluster, cluster) &&
        !isSpent(plan),
    );
  }

  /** Told of every change of the list; `settled` waits for what it does then. The result ends it. */
  watch(watcher: () => Promise<void>): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** From here on no request escapes the list as it is now. */
  settled(): Promise<void> {
    return this.#watched;
  }

  /** One latency and one fault at most, the first of the list that are not spent; only what takes effect is counted. */
  step(event: PlannedEvent): PlannedStep | undefined {
    const matching = this.#plans.filter((plan) => isMatch(plan, event));
    const usable = matching.filter((plan) => !isSpent(plan) && ++plan.seen > plan.skip);
    const latency = usable.find((plan) => plan.effect.kind.endsWith("latency"));
    const fault = usable.find((plan) => !plan.effect.kind.endsWith("latency"));
    const step: PlannedStep = {};
    if (latency !== undefined) {
      step.delayMs = delayOf(latency, event);
      this.#use(latency);
    }
    const error = fault === undefined ? undefined : errorOf(fault);
    if (fault !== undefined && error !== undefined) {
      step.error = error;
      this.#use(fault);
    } else if (fault?.effect.kind === "timeout" || fault?.effect.kind === "lose-answer") {
      const { kind, when } = fault.effect;
      step.afterwards = () => {
        if (isSpent(fault)) return undefined;
        this.#use(fault);
        return { instead: kind === "timeout" ? "timeout" : "nothing", when };
      };
    }
    return Object.keys(step).length === 0 ? undefined : step;
  }

  /** Writes what is not on disk yet. */
  save(): void {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    if (this.#plans.length === 0) rmSync(this.#file, { force: true });
    else writeFileDurably(this.#file, `${JSON.stringify(this.#plans, null, 2)}\n`);
  }

  /** As `save`, if something waits for it. */
  close(): void {
    if (this.#saving !== undefined) this.save();
  }

  #changed(): void {
    this.save();
    const told = [...this.#watchers].map((watcher) => watcher());
    this.#watched = Promise.allSettled([this.#watched, ...told]).then(() => undefined);
  }

  #use(plan: Counted): void {
    plan.uses += 1;
    // A plan that was replaced or removed meanwhile has no place in the file any more.
    if (!this.#plans.includes(plan)) return;
    if (plan.times !== undefined) this.save();
    else this.#saving ??= setTimeout(() => this.save(), savedWithinMs).unref();
  }
}

const fresh = (name: string, rule: FaultRule): Counted => ({ name, ...rule, seen: 0, uses: 0 });

const isSpent = (plan: Counted): boolean => plan.times !== undefined && plan.uses >= plan.times;

function delayOf({ effect }: Counted, event: PlannedEvent): number {
  if (effect.kind === "latency") return effect.ms;
  if (effect.kind !== "azure-latency" || event.at !== "operation") return 0;
  return azureDurationMs(event.type, event.kind, effect.factor, effect.place);
}

function errorOf({ effect }: Counted): PlannedError | undefined {
  if (effect.kind === "fail") {
    const { status, code, message } = effect;
    return { status, code, message };
  }
  if (effect.kind !== "throttle") return undefined;
  return {
    status: 429,
    code: effect.code,
    message: "The request is being throttled.",
    headers: { ...retryAfter(effect.retryAfterSeconds), "x-ms-ratelimit-remaining-subscription-writes": "0" },
  };
}

function retryAfter(seconds: number): Record<string, string> {
  const whole = { "retry-after": String(Math.ceil(seconds)) };
  if (Number.isInteger(seconds)) return whole;
  const ms = String(Math.round(seconds * 1000));
  return { ...whole, "retry-after-ms": ms, "x-ms-retry-after-ms": ms };
}

import { refOf, selectionOf, type Cluster, type Selection } from "../cluster.ts";
import { annotation, gvkOf, text, type KubeObject } from "../object.ts";
import { podComplaints } from "./conditions.ts";
import { networkAwaiters } from "./network.ts";
import { otherAwaiters } from "./others.ts";
import { waiting, type Awaiter, type Readiness } from "./readiness.ts";
import { workloadAwaiters } from "./workloads.ts";

const awaiters: Readonly<Record<string, Awaiter>> = {
  ...workloadAwaiters,
  ...networkAwaiters,
  ...otherAwaiters,
};

/** The official provider's limit for every kind that sets none. */
const defaultTimeoutSeconds = 600;

/** An object that was written and did not become ready. */
export class NotReadyError extends Error {
  /** The object as last seen. */
  readonly live: KubeObject;
  readonly reasons: readonly string[];
  constructor(message: string, live: KubeObject, reasons: readonly string[]) {
    super(message);
    this.name = "NotReadyError";
    this.live = live;
    this.reasons = reasons;
  }
}

/** Seconds to wait: the resource's own timeout, else the annotation, else ten minutes. */
export function timeoutSecondsOf(object: KubeObject, requested: number): number {
  if (requested > 0) return requested;
  const annotated = Number(annotation(object, "pulumi.com/timeoutSeconds"));
  return annotated > 0 ? annotated : defaultTimeoutSeconds;
}

export function awaiterOf(object: KubeObject): Awaiter | undefined {
  if (annotation(object, "pulumi.com/skipAwait") === "true") return undefined;
  const { group, kind } = gvkOf(object);
  return awaiters[`${group}/${kind}`];
}

export interface WaitOptions {
  readonly cluster: Cluster;
  readonly awaiter: Awaiter;
  readonly timeoutSeconds: number;
  readonly cancelled: AbortSignal;
  readonly status: (message: string) => void;
}

/**
 * Waits until `object` is ready and answers it as it is then. Throws `NotReadyError` when it fails, when the time
 * is over and when the engine cancels.
 */
export async function waitUntilReady(object: KubeObject, options: WaitOptions): Promise<KubeObject> {
  const { awaiter, cancelled, status } = options;
  const name = text(object, "metadata", "name");
  const timeout = AbortSignal.timeout(options.timeoutSeconds * 1000);
  const stop = new AbortController();
  const signal = AbortSignal.any([cancelled, timeout, stop.signal]);
  let live = object;
  let last: Readiness = waiting("");
  // What depends on itself alone may be ready in the very answer to the write.
  if (!awaiter.related?.(object).length && awaiter.evaluate(object, []).state === "ready") return object;
  try {
    for await (const state of observe(object, options, signal)) {
      if (!state.object) throw new NotReadyError(`'${name}' was deleted while waiting for it`, live, []);
      live = state.object;
      last = awaiter.evaluate(live, state.related);
      if (last.state === "ready") return live;
      if (last.state === "failed") throw await notReady(last.message, live, last, options);
      status(last.message);
    }
  } catch (error) {
    if (cancelled.aborted)
      throw await notReady(`resource operation was cancelled for "${name}"`, live, last, options);
    if (timeout.aborted) throw await notReady(`'${name}' timed out waiting to be Ready`, live, last, options);
    throw error;
  } finally {
    stop.abort();
  }
  return live;
}

/** Looks once, without waiting: for a refresh. */
export async function readinessNow(
  object: KubeObject,
  { cluster, awaiter, cancelled }: Pick<WaitOptions, "cluster" | "awaiter" | "cancelled">,
): Promise<Readiness> {
  const selections = awaiter.related?.(object) ?? [];
  const related = await Promise.all(selections.map((selection) => cluster.list(selection, cancelled)));
  return awaiter.evaluate(object, related);
}

interface Observed {
  readonly object: KubeObject | undefined;
  readonly related: readonly (readonly KubeObject[])[];
}

/** What one of the followed selections holds now, and how to wait for its next change. */
interface Step {
  readonly index: number;
  readonly objects: KubeObject[];
  readonly next: () => Promise<Step>;
}

/** The object and its related ones, once all are known and then after each change of any. */
async function* observe(
  object: KubeObject,
  { cluster, awaiter }: WaitOptions,
  signal: AbortSignal,
): AsyncGenerator<Observed> {
  const selections: Selection[] = [selectionOf(refOf(object)), ...(awaiter.related?.(object) ?? [])];
  const seen: (KubeObject[] | undefined)[] = selections.map(() => undefined);
  const pending = selections.map((selection, index) => {
    const stream = cluster.follow(selection, signal);
    const next = (): Promise<Step> =>
      stream.next().then(({ value }) => ({ index, objects: value as KubeObject[], next }));
    return next();
  });
  for (;;) {
    const { index, objects, next } = await Promise.race(pending);
    const following = next();
    following.catch(() => undefined); // Left behind by the race, it must not count as unhandled.
    pending[index] = following;
    seen[index] = objects;
    if (seen.every((entry) => entry !== undefined)) {
      const [[self] = [], ...related] = seen;
      yield { object: self, related };
    }
  }
}

async function notReady(
  message: string,
  live: KubeObject,
  last: Readiness,
  { cluster, awaiter }: WaitOptions,
): Promise<NotReadyError> {
  const reasons = last.state === "ready" ? [] : [...(last.reasons ?? [])];
  const limit = AbortSignal.timeout(5_000);
  for (const selection of awaiter.suspects?.(live) ?? []) {
    const suspects = await cluster.list(selection, limit).catch(() => []);
    reasons.push(...suspects.flatMap(podComplaints));
  }
  return new NotReadyError(message, live, [...new Set(reasons)].slice(0, 10));
}

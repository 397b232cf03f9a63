import type { Selection } from "../cluster.ts";
import type { KubeObject } from "../object.ts";

/** What an object says of itself: done, still on its way (and why), or never to be done. */
export type Readiness =
  | { readonly state: "ready" }
  | { readonly state: "waiting"; readonly message: string; readonly reasons?: readonly string[] }
  | { readonly state: "failed"; readonly message: string; readonly reasons?: readonly string[] };

export const ready: Readiness = { state: "ready" };
export function waiting(message: string, reasons: readonly string[] = []): Readiness {
  return { state: "waiting", message, reasons };
}
export function failed(message: string, reasons: readonly string[] = []): Readiness {
  return { state: "failed", message, reasons };
}

/** How one kind is waited for. */
export interface Awaiter {
  /** Objects its readiness depends on besides itself. */
  readonly related?: (object: KubeObject) => readonly Selection[];
  /** `related` in the order of the selections. */
  readonly evaluate: (object: KubeObject, related: readonly (readonly KubeObject[])[]) => Readiness;
  /** Objects to look into for reasons once waiting has failed. */
  readonly suspects?: (object: KubeObject) => readonly Selection[];
}

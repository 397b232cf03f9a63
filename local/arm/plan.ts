/** The seam for slow and failing Azure: asked about every request and every long-running operation. */

export type PlannedEvent =
  | { at: "request"; method: string; path: string }
  | { at: "operation"; kind: "create" | "update" | "delete"; type: string; resourceId: string };

export interface PlannedStep {
  /** Milliseconds to wait before anything else happens. */
  delayMs?: number;
  /** Answered instead of the request, or what the operation fails with (its status does not matter then). */
  error?: { status: number; code: string; message: string; headers?: Record<string, string> };
}

/** `undefined`: nothing unusual. */
export type Plan = (event: PlannedEvent) => PlannedStep | undefined;

/** As fast as the servers behind it, and never failing by itself. */
export const noPlan: Plan = () => undefined;

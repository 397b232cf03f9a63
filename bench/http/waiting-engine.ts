/** An engine that does nothing: a slice is there at once, and a preview goes on until it is ended, telling lines. */
import type {
  ChangeSet,
  EngineProgress,
  OperationOptions,
  StackEngine,
} from "../../automation/engine/engine.ts";
import type { ProgramRequest } from "../../stacks/spec.ts";

export interface WaitingEngine extends StackEngine {
  /** Tells a line from every preview under way; they become events of their tenants. */
  tell(message: string): void;
}

export function createWaitingEngine(): WaitingEngine {
  const previews = new Set<(event: EngineProgress) => void>();
  const nothing = () => Promise.resolve();
  return {
    tell(message) {
      for (const listener of previews) listener({ kind: "log", severity: "info", message });
    },
    preview: (_request, { onProgress = () => undefined, signal }: OperationOptions) =>
      new Promise((_resolve, reject) => {
        previews.add(onProgress);
        const end = () => {
          previews.delete(onProgress);
          reject(new Error("interrupted"));
        };
        if (signal?.aborted) end();
        else signal?.addEventListener("abort", end, { once: true });
      }),
    update: (request, { approve }) => {
      const changes = emptyChanges(request);
      approve(changes);
      return Promise.resolve(changes);
    },
    destroy: () => Promise.resolve({ deleted: 0 }),
    remove: nothing,
    recover: nothing,
    resources: () => Promise.resolve([]),
    outputs: () => Promise.resolve({}),
    close: nothing,
  };
}

const emptyChanges = ({ spec }: ProgramRequest): ChangeSet => ({
  stack: spec.kind,
  operations: [],
  totals: { create: 0, update: 0, replace: 0, delete: 0, read: 0, same: 0 },
  digest: "",
  createdAt: new Date().toISOString(),
});

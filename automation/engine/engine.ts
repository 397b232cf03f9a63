/** The engine as the rest of the service sees it: what can be asked of a stack, and what comes back. */
import type { ProgramRequest } from "../../stacks/spec.ts";

export type OperationKind = "create" | "update" | "replace" | "delete" | "read";

/** One resource's planned change. Values of secrets are never here. */
export interface PlannedOperation {
  operation: OperationKind;
  urn: string;
  /** Type token, for example `azure-native:network:VirtualNetwork`. */
  type: string;
  name: string;
  /** The component the resource stands under: types from the outermost, for example `["tierlift:dedicated:Dedicated", "tierlift:network:Network"]`. */
  components: string[];
  /** Property paths that change, in the engine's notation (`spec.replicas`), with shown values where they are not secret. */
  changes: {
    path: string;
    kind: "add" | "delete" | "update";
    replaces: boolean;
    before?: unknown;
    after?: unknown;
  }[];
}

/** The reviewable result of a preview. */
export interface ChangeSet {
  stack: string;
  operations: PlannedOperation[];
  /** Counts by kind, `same` included. */
  totals: Record<OperationKind | "same", number>;
  /** SHA-256 over operations, resources, property paths and the base state's digest. */
  digest: string;
  createdAt: string;
}

export interface StackResource {
  urn: string;
  type: string;
  name: string;
  id?: string;
  parent?: string;
  custom: boolean;
}

export type EngineProgress =
  | { kind: "planned"; resources: number }
  | {
      kind: "resource";
      urn: string;
      type: string;
      name: string;
      operation: OperationKind;
      state: "started" | "done" | "failed";
    }
  | { kind: "log"; severity: "info" | "warning" | "error"; urn?: string; message: string };

export interface OperationOptions {
  onProgress?: (event: EngineProgress) => void;
  /** Aborting interrupts the engine gracefully, and ends it by force when it does not stop. */
  signal?: AbortSignal;
  timeoutMs: number;
}

export interface UpdateOptions extends OperationOptions {
  /** Sees the change set before anything is touched; throws to refuse it. */
  approve: (changes: ChangeSet) => void;
  /**
   * Called once all that the program declares stands but the tenant's records, which change when it resolves. When it
   * rejects, they stay as they are and the update rejects with the same. The signal aborts when the engine is gone: the
   * update settles only after this has.
   */
  beforeSwitch?: (signal: AbortSignal) => Promise<void>;
}

export interface DestroyTargets {
  /** Types of components. */
  components: string[];
  /** Types of resources. */
  keep?: string[];
}

/** One operation per stack at a time; no two stacks share a process. All calls reject with a TierliftError. */
export interface StackEngine {
  preview(request: ProgramRequest, options: OperationOptions): Promise<ChangeSet>;
  /** Previews, has the change set approved, and applies exactly that plan. */
  update(request: ProgramRequest, options: UpdateOptions): Promise<ChangeSet>;
  /**
   * Destroys without running the program: the components of these types and what is under them, but for the resources
   * of the types in `keep` and what those stand under; or all of the stack.
   */
  destroy(
    stack: string,
    targets: DestroyTargets | "all",
    options: OperationOptions,
  ): Promise<{ deleted: number }>;
  /** Forgets an empty stack. */
  remove(stack: string): Promise<void>;
  resources(stack: string): Promise<StackResource[]>;
  /** The stack's outputs, secret ones in clear: for this process only, never to be stored or answered. */
  outputs(stack: string): Promise<Record<string, unknown>>;
  /**
   * Brings a stack whose operation was cut off back to order: waits for or ends the old engine process, clears its
   * lock, resolves pending operations. Does nothing on a stack in order.
   */
  recover(stack: string, request: ProgramRequest | null, options: OperationOptions): Promise<void>;
  /** Ends every process it started. */
  close(): Promise<void>;
}

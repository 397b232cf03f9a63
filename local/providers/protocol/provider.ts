import type { PropertyMap } from "./values.ts";

export type Severity = "debug" | "info" | "warning" | "error";

/** What a call may use besides its request. */
export interface CallContext {
  /** Aborted by the engine's Cancel, by the end of the connection, and when the call's timeout is over. */
  readonly signal: AbortSignal;
  /** As `signal`, without the timeout: for a provider that treats the end of its time as an answer of its own. */
  readonly cancelled: AbortSignal;
  /** A line in the resource's diagnostics, kept in the update's output. Never rejects. */
  log(severity: Severity, message: string): void;
  /** A short message beside the resource while it is worked on; the next one takes its place. Never rejects. */
  status(message: string): void;
}

interface ResourceRequest {
  readonly urn: string;
  readonly name: string;
  /** The type token, for example `kubernetes:core/v1:ConfigMap`. */
  readonly type: string;
}

export interface CheckRequest extends ResourceRequest {
  readonly olds: PropertyMap;
  readonly news: PropertyMap;
  /** Empty where the engine sends none. */
  readonly randomSeed: Uint8Array;
  readonly autonaming?: { readonly proposedName: string; readonly mode: "propose" | "enforce" | "disable" };
}

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

export interface CheckResult {
  readonly inputs: PropertyMap;
  readonly failures?: readonly CheckFailure[];
}

export interface DiffRequest extends ResourceRequest {
  readonly id: string;
  /** The resource's last state. */
  readonly olds: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly news: PropertyMap;
  readonly ignoreChanges: readonly string[];
}

export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

export interface DiffResult {
  readonly changes: "none" | "some" | "unknown";
  readonly replaces?: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  readonly diffs?: readonly string[];
  readonly stables?: readonly string[];
  /** By property path; given (also empty) means that the provider computes detailed diffs. */
  readonly detailedDiff?: {
    readonly [path: string]: { readonly kind: DiffKind; readonly inputDiff?: boolean };
  };
}

export interface ConfigureRequest {
  readonly id: string;
  readonly urn: string;
  readonly args: PropertyMap;
  /** `<package>:config:<key>` → text, as older engines send it; `args` is the same with its types. */
  readonly variables: { readonly [key: string]: string };
}

export interface ConfigureResult {
  readonly acceptSecrets?: boolean;
  readonly acceptResources?: boolean;
  readonly acceptOutputs?: boolean;
  readonly supportsPreview?: boolean;
  readonly supportsAutonamingConfiguration?: boolean;
}

export interface InvokeRequest {
  readonly token: string;
  readonly args: PropertyMap;
}

export interface InvokeResult {
  readonly result?: PropertyMap;
  readonly failures?: readonly CheckFailure[];
}

export interface CreateRequest extends ResourceRequest {
  readonly properties: PropertyMap;
  /** 0 when the program sets none. */
  readonly timeoutSeconds: number;
  readonly preview: boolean;
}

export interface CreateResult {
  /** Empty in a preview that cannot know it. */
  readonly id: string;
  readonly properties: PropertyMap;
}

export interface ReadRequest extends ResourceRequest {
  readonly id: string;
  /** Empty when the resource is imported or looked up. */
  readonly properties: PropertyMap;
  readonly inputs: PropertyMap;
  readonly timeoutSeconds: number;
}

export interface ReadResult {
  /** Empty: the resource does not exist any more. */
  readonly id: string;
  readonly properties: PropertyMap;
  readonly inputs: PropertyMap;
}

export interface UpdateRequest extends ResourceRequest {
  readonly id: string;
  readonly olds: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly news: PropertyMap;
  readonly timeoutSeconds: number;
  readonly ignoreChanges: readonly string[];
  readonly preview: boolean;
}

export interface UpdateResult {
  readonly properties: PropertyMap;
}

export interface DeleteRequest extends ResourceRequest {
  readonly id: string;
  readonly properties: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly timeoutSeconds: number;
}

/**
 * A resource provider in plain values. A method left out is answered `UNIMPLEMENTED`.
 * A failed create or update that left something behind throws `InitFailedError`.
 */
export interface Provider {
  /** The version of the official plugin this one stands for. */
  readonly version: string;
  schema?(): string;
  readonly checkConfig?: (request: CheckRequest, context: CallContext) => Promise<CheckResult>;
  readonly diffConfig?: (request: DiffRequest, context: CallContext) => Promise<DiffResult>;
  readonly configure: (request: ConfigureRequest, context: CallContext) => Promise<ConfigureResult>;
  readonly invoke?: (request: InvokeRequest, context: CallContext) => Promise<InvokeResult>;
  readonly check: (request: CheckRequest, context: CallContext) => Promise<CheckResult>;
  readonly diff: (request: DiffRequest, context: CallContext) => Promise<DiffResult>;
  readonly create: (request: CreateRequest, context: CallContext) => Promise<CreateResult>;
  readonly read?: (request: ReadRequest, context: CallContext) => Promise<ReadResult>;
  readonly update?: (request: UpdateRequest, context: CallContext) => Promise<UpdateResult>;
  readonly delete?: (request: DeleteRequest, context: CallContext) => Promise<void>;
  /** Called when the process is about to end: what must not outlive it is stopped here, synchronously. */
  close?(): void;
}

/** What one resource type does differently: a row of the tables in this folder. */
import type { Cloud } from "../cloud.ts";
import type { ArmError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { StoredResource } from "../store.ts";

/**
 * How a PUT is answered. `async`: an operation with an Azure-AsyncOperation header; `location`: polled by Location;
 * `body`: by the resource's own provisioningState; none: done when answered.
 */
export interface PutStyle {
  created: 200 | 201 | 202;
  updated: 200 | 201 | 202;
  operation?: "async" | "location" | "body";
}

type MaybePromise<T> = T | Promise<T>;

/** How a DELETE is answered; 204 when nothing was there. */
export interface DeleteStyle {
  accepted: 200 | 202;
  operation?: "async" | "location";
}

/** A PUT or PATCH about to be accepted. */
export interface PutContext {
  cloud: Cloud;
  caller: Caller;
  /** With defaults; the outputs of `previous` are merged in already. */
  resource: StoredResource;
  previous: StoredResource | undefined;
}

export interface ActionContext {
  cloud: Cloud;
  resource: StoredResource;
  body: unknown;
  query: URLSearchParams;
  caller: Caller;
}

/** A property that keeps its first value. */
export interface CreateOnly {
  /** Dotted path in the body. */
  path: string;
  /** `PropertyChangeNotAllowed` unless the service says it otherwise. */
  code?: string;
}

export interface TypeBehaviour {
  /** In Azure's own case. */
  type: string;
  put: PutStyle;
  delete: DeleteStyle;
  /** `properties.provisioningState` is part of the answers. */
  hasState?: boolean;
  /** While a PUT's operation runs, instead of Creating and Updating. */
  busyStates?: { creating: string; updating: string };
  /** Ids are answered with `resourcegroups` in lower case. */
  lowerGroups?: boolean;
  /** Only `global` is taken as location. */
  isGlobal?: boolean;
  /** What ARM says about a name that does not fit. */
  nameError?: { code: string; message?: string };
  /** A name rule that the published definition does not have. */
  namePattern?: RegExp;
  /** The body of a resource that is there as soon as its parent is, by its name; PUT changes it, DELETE is refused. */
  virtual?: (
    name: string,
    parentId: string,
    cloud: Cloud,
  ) => MaybePromise<Record<string, unknown> | undefined>;
  /** Extension resources lie below any resource, not below a resource group. */
  isExtension?: boolean;
  createOnly?: CreateOnly[];
  /** Dotted paths that a client writes and ARM never answers. */
  writeOnly?: string[];
  /** Filled in where the client says nothing. */
  defaults?: (resource: StoredResource, cloud: Cloud) => Record<string, unknown>;
  /** Rules of the service beyond the definition. Throws an `ArmError`. */
  check?: (context: PutContext) => void;
  /** Read-only values, merged into the body and kept; those in `previous.outputs` need not be given again. */
  outputs?: (context: PutContext) => Record<string, unknown>;
  /** After the resource is stored: children declared inline, groups that Azure makes. */
  stored?: (context: PutContext) => void;
  /** Parts of the answer that follow from other resources. */
  answer?: (resource: StoredResource, cloud: Cloud) => Record<string, unknown>;
  /** Why it cannot be deleted now; not asked when its group or parent goes. */
  inUse?: (resource: StoredResource, cloud: Cloud) => ArmError | undefined;
  /** Ids of what Azure deletes along with it, beside what lies below it. */
  takesAlong?: (resource: StoredResource) => string[];
  /** After it is gone from the store. */
  removed?: (resource: StoredResource, cloud: Cloud) => void;
  /** 409 code for a change while another one runs. */
  busyCode?: string;
  /** POST actions by lower-case name. */
  actions?: Record<string, (context: ActionContext) => unknown>;
}

/** Every ordinary type: done when answered. */
export const plain = { put: { created: 201, updated: 200 }, delete: { accepted: 200 } } as const;

/** PUT 201 or 200 and DELETE 202, both polled by Azure-AsyncOperation. */
export const asynchronous = {
  put: { created: 201, updated: 200, operation: "async" },
  delete: { accepted: 202, operation: "async" },
} as const;

/** The seam for slow and failing Azure: asked about every request and every change of a resource. */

/** What a request asks for: a method on a resource, or one of the calls that are no plain method on one. */
export const calls = ["GET", "PUT", "PATCH", "DELETE", "action", "list", "poll", "vault", "token"] as const;
export type Call = (typeof calls)[number];

/** As RBAC and the audit log of Kubernetes name what is asked of its API. */
export const verbs = [
  "get",
  "list",
  "watch",
  "create",
  "update",
  "patch",
  "delete",
  "deletecollection",
] as const;
export type Verb = (typeof verbs)[number];

export type PlannedEvent =
  | {
      at: "request";
      call: Call;
      path: string;
      /** Of what is asked about; of the resource an operation works on for a poll. */
      type?: string;
      resourceId?: string;
      /** Of a PUT or PATCH: whether the resource is there already. */
      change?: "create" | "update";
    }
  /** The work behind an accepted change: in the background, or before the answer where the type's is done by then. */
  | { at: "operation"; kind: "create" | "update" | "delete"; type: string; resourceId: string }
  /** A request to the API server of a managed cluster, by one of its clients. */
  | {
      at: "kubernetes";
      cluster: ClusterName;
      verb: Verb;
      /** Plural and group as kubectl takes them, and the subresource: `deployments.apps`, `deployments.apps/scale`. */
      resource: string;
      namespace?: string;
      name?: string;
      /** Of a write: whether the object is there already. */
      change?: "create" | "update";
    };

export interface ClusterName {
  name: string;
  resourceId: string;
}

export interface PlannedError {
  status: number;
  code: string;
  message: string;
  headers?: Record<string, string>;
}

export interface PlannedStep {
  /** Milliseconds to wait before anything else happens. */
  delayMs?: number;
  /** Answered instead of the request, or what the operation fails with (its status does not matter then). */
  error?: PlannedError;
  /** Asked once a request was worked off without an error: what becomes of its answer. */
  afterwards?: () => LostAnswer | undefined;
}

export interface LostAnswer {
  /** Answer with 504, or close the connection without an answer. */
  instead: "timeout" | "nothing";
  /** At once, or when the operation that the request started has ended. */
  when: "accepted" | "done";
}

/** `undefined`: nothing unusual. */
export type Plan = (event: PlannedEvent) => PlannedStep | undefined;

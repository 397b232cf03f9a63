/** What stands behind a resource of the local cloud: real servers that follow the resources' life. */

/** A resource as the local ARM stores it. */
export interface ArmResource {
  /** As ARM answers it, `/subscriptions/…/resourceGroups/…/providers/…`. */
  id: string;
  /** `Microsoft.ContainerService/managedClusters`. */
  type: string;
  name: string;
  subscriptionId: string;
  resourceGroup: string;
  apiVersion: string;
  location?: string;
  /** The whole body: `properties`, `sku`, `identity`, `tags`, …; secrets a client wrote included. */
  body: Record<string, unknown>;
}

/** Looks at the other resources; ids are compared without case. */
export interface ResourceView {
  get(id: string): ArmResource | undefined;
  /** Resources of a type (without case), all or below one parent's id. */
  list(type: string, below?: string): ArmResource[];
}

/**
 * One resource type's servers. `ensure` is called after every accepted PUT and again for every stored resource when
 * the local cloud starts: it makes the server be there and match, and returns the read-only properties that ARM
 * answers (merged into `body.properties`). `remove` ends the server and forgets its data. Both are idempotent.
 * A rejection of `ensure` fails the long-running operation with its message.
 */
export interface Backend {
  /** Lower case, for example `microsoft.containerservice/managedclusters`. */
  readonly type: string;
  ensure(resource: ArmResource, view: ResourceView): Promise<Record<string, unknown>>;
  remove(resource: ArmResource, view: ResourceView): Promise<void>;
  /** POST actions by lower-case name; what they return is the body of the answer. */
  readonly actions?: Record<
    string,
    (resource: ArmResource, body: unknown, view: ResourceView) => Promise<unknown>
  >;
}

/** A group of backends with processes of their own, ended together (data kept). */
export interface BackendGroup {
  readonly backends: Backend[];
  /** Stops all servers in reverse order of start; their data stays. */
  stop(): Promise<void>;
}

/** What the handlers work on: one running local ARM. */
import type { Backend } from "./backend.ts";
import type { Directory } from "./identity/directory.ts";
import type { Operations } from "./operations.ts";
import type { Plan } from "./plan.ts";
import type { Plans } from "./plans/plans.ts";
import type { ResourceStore } from "./store.ts";
import type { VaultSecrets } from "./vaults/secrets.ts";

export interface Cloud {
  store: ResourceStore;
  operations: Operations;
  directory: Directory;
  secrets: VaultSecrets;
  /** By lower-case type. */
  backends: ReadonlyMap<string, Backend>;
  plan: Plan;
  /** Those that the operator gave; `plan` asks them unless a test has one of its own. */
  plans: Plans;
  /** A server parameter that nobody has set, from the PostgreSQL server itself. */
  unsetConfiguration?: (serverId: string, name: string) => Promise<Record<string, unknown> | undefined>;
  /** `https://127.0.0.1:PORT`, known once the server listens. */
  origin: () => string;
  /** Told of failures that no client sees whole. */
  log: (message: string, error?: unknown) => void;
}

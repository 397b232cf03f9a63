/** What the bench and its process with the bare engine say to each other. */
import type { CredentialsReference } from "../../automation/model.ts";
import type { TenantSpec } from "../../stacks/spec.ts";

export interface RawOrder {
  /** `up` makes the stack and destroys it again; `preview` changes nothing. */
  kind: "preview" | "up";
  spec: TenantSpec;
  credentials: CredentialsReference;
}

export type RawAnswer =
  | { type: "ready" }
  | { type: "done"; milliseconds: number; resources: number }
  | { type: "failed"; problem: string };

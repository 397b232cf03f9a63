/** Who sends a request. */
export interface Caller {
  kind: "principal" | "operator";
  /** Object id in the directory; assignments name it. */
  objectId: string;
  /** Application id, for messages. */
  clientId: string;
  tenantId: string;
  /** What the token is for. */
  audience: string;
}

/** The local cloud itself, where it makes something on its own (a node resource group, a seed). */
export const cloudItself: Caller = {
  kind: "principal",
  objectId: "00000000-0000-0000-0000-000000000000",
  clientId: "tierlift-local-cloud",
  tenantId: "",
  audience: "",
};

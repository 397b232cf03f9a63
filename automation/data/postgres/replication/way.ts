/** The two ways changes go: to the tenant's own server before the switch, and back to the shared one after it. */
import type { Place } from "../../errors.ts";
import { requireTarget } from "../../request.ts";
import type { DataRequest, Server } from "../../request.ts";
import type { Client } from "../connection.ts";
import { readProgress, relaxTarget, restoreTarget, writeProgress } from "./relax.ts";

type SideName = NonNullable<Place["side"]>;

/** `source` is the shared server and `target` the tenant's own, whichever way changes go. */
export interface Way {
  from: SideName;
  to: SideName;
  /** Up to where changes are applied, as the side that gets them has noted it; null when it follows nothing. */
  readProgress(to: Client, tenantId: string): Promise<bigint | null>;
  /** In the transaction of the changes. */
  writeProgress(to: Client, tenantId: string, lsn: bigint): Promise<void>;
  /** Lets rows in as the other side wrote them. Repeatable. */
  relax(to: Client): Promise<void>;
  /** Ends that. Repeatable. */
  restore(to: Client): Promise<void>;
}

export const FORWARD: Way = {
  from: "source",
  to: "target",
  readProgress: (to) => readProgress(to),
  writeProgress: (to, _tenantId, lsn) => writeProgress(to, lsn),
  relax: relaxTarget,
  restore: restoreTarget,
};

/** The server that changes are read from. */
export function serverOf(side: SideName, request: DataRequest): Server {
  return side === "source" ? request.source : requireTarget(request);
}

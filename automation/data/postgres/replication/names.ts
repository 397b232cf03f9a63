/** What following a tenant's changes is called on the shared server. */
import { createHash } from "node:crypto";

export const PUBLICATION_PREFIX = "tierlift_";

/** One in each database. */
export function planPublicationName(tenantId: string): string {
  return `${PUBLICATION_PREFIX}${tenantId.replaceAll("-", "")}`;
}

/** Slots are the whole server's, so that the database is part of the name. */
export function planSlotName(tenantId: string, database: string): string {
  const hash = createHash("sha256").update(database).digest("hex").slice(0, 8);
  return `${planPublicationName(tenantId)}_${hash}`;
}

/** The slot that marks a moment for an exact comparison; it goes with its connection. */
export function planBarrierName(tenantId: string, database: string): string {
  return `${planSlotName(tenantId, database)}_b`;
}

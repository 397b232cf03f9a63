/** The beginning of following a database's changes: publication, slot, and the snapshot that the slot begins at. */
import { describeFailure } from "../../errors.ts";
import type { Client } from "../connection.ts";
import type { CopyContext } from "../copy.ts";
import { readTables } from "../tables.ts";
import { planSlotName } from "./names.ts";
import { createPublication, dropPublication } from "./publication.ts";
import { createSlot, dropSlots, whyNotFollowable } from "./slot.ts";
import type { Slot } from "./slot.ts";

export interface Start {
  /** Null where changes cannot be followed; then they are copied inside the freeze. */
  slot: Slot | null;
  notes: string[];
}

/** What an earlier try left on the shared server is replaced. */
export async function startSlot(context: CopyContext, database: string, from: Client): Promise<Start> {
  const { request, connections } = context;
  const name = planSlotName(request.tenant.id, database);
  const place = { server: request.source, database, side: "source" } as const;
  await dropSlots(from, [name]);
  const reason = await whyNotFollowable(from);
  if (reason !== null) return unfollowed(reason);
  try {
    // Before the slot: changes are published by what the log says at their moment.
    await createPublication(from, database, await readTables(from), request.tenant.id);
    return { slot: await createSlot(connections, place, name), notes: [] };
  } catch (error) {
    connections.signal.throwIfAborted();
    await dropPublication(from, database, request.tenant.id);
    return unfollowed(describeFailure(error));
  }
}

const unfollowed = (reason: string): Start => ({
  slot: null,
  notes: [`changes are not followed, tables that change are copied again in the freeze: ${reason}`],
});

/** The beginning of the way back: all that takes time before the freeze, its moment in it. */
import { at, DataError } from "../../errors.ts";
import { requireTarget } from "../../request.ts";
import type { CopyContext } from "../copy.ts";
import { planSlotName } from "../replication/names.ts";
import { createPublication } from "../replication/publication.ts";
import type { Side } from "../replication/sides.ts";
import {
  advanceSlot,
  createSlot,
  dropSlots,
  readCommittedEnd,
  whyNotFollowable,
} from "../replication/slot.ts";
import { readTables } from "../tables.ts";
import { prepareNote, writeNote } from "./note.ts";
import { reserveNumbers } from "./reserve.ts";
import { requireBackAllowed } from "./way.ts";

/** Publication and slot on the tenant's own server. Throws `REFUSED` where one of the servers does not allow it. */
export async function prepareReverse(context: CopyContext, { follower }: Side): Promise<void> {
  const { from: shared, to: own, database, tenantId } = follower;
  await requireBackAllowed(shared, database);
  await at({ side: "source", database }, () => prepareNote(shared, tenantId));
  const place = { server: requireTarget(context.request), database, side: "target" } as const;
  await at({ side: "target", database }, async () => {
    const name = planSlotName(tenantId, database);
    await dropSlots(own, [name]);
    const reason = await whyNotFollowable(own);
    if (reason !== null) {
      const problem = `nothing can be brought back from it in a grace period: ${reason}`;
      throw new DataError("REFUSED", problem, { side: "target", database });
    }
    // A reference table of the shared server is everybody's: no tenant changes it from its own.
    const tables = (await readTables(own)).filter(({ scope }) => scope === "tenant");
    await createPublication(own, database, tables, tenantId, "target");
    const slot = await createSlot(context.connections, place, name);
    await slot.close();
  });
}

/** With writes frozen and both sides shown to be the same: what the own side writes from now on is brought back. */
export async function beginReverse({ follower, sequences }: Side): Promise<void> {
  const { from: shared, to: own, database, tenantId } = follower;
  const end = await at({ side: "target", database }, async () => {
    const now = await readCommittedEnd(own);
    await advanceSlot(own, planSlotName(tenantId, database), now);
    return now;
  });
  await at({ side: "source", database }, () => writeNote(shared, tenantId, end));
  await at({ side: "source", database }, () =>
    reserveNumbers(
      shared,
      own,
      sequences.map(({ sql }) => sql),
    ),
  );
}

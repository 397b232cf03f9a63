/** An exact point at which both sides can be compared while the tenant goes on writing. */
import { at } from "../../errors.ts";
import { SNAPSHOT, transaction } from "../connection.ts";
import type { CopyContext } from "../copy.ts";
import { catchUpAndRestore } from "./catch-up.ts";
import type { Follower } from "./catch-up.ts";
import { planBarrierName } from "./names.ts";
import { createSlot } from "./slot.ts";
import { serverOf } from "./way.ts";

/**
 * Brings the one side to a point of the other's log and runs `work` while the other shows its rows as of that point. The
 * point is that of a temporary slot, whose snapshot holds what was committed before it and nothing else. The tenant's
 * rows of the side that gets the changes are the caller's alone.
 */
export async function atBarrier<T>(
  context: Pick<CopyContext, "connections" | "request">,
  follower: Follower,
  work: () => Promise<T>,
): Promise<T> {
  const { way, from, database, tenantId } = follower;
  const reading = { server: serverOf(way.from, context.request), database, side: way.from };
  const name = planBarrierName(tenantId, database);
  const slot = await createSlot(context.connections, reading, name, { temporary: true });
  try {
    await catchUpAndRestore(follower, slot.lsn);
    return await transaction(from, SNAPSHOT, async () => {
      await at({ side: way.from, database }, () => from.query(`SET TRANSACTION SNAPSHOT '${slot.snapshot}'`));
      return await work();
    });
  } finally {
    await slot.close();
  }
}

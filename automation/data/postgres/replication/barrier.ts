/** An exact point at which both sides can be compared while the tenant goes on writing. */
import { at } from "../../errors.ts";
import { SNAPSHOT, transaction } from "../connection.ts";
import type { CopyContext } from "../copy.ts";
import { catchUp } from "./catch-up.ts";
import type { Follower } from "./catch-up.ts";
import { planBarrierName } from "./names.ts";
import { restoreTarget } from "./relax.ts";
import { createSlot } from "./slot.ts";

/**
 * Brings the target to a point of the source's log and runs `work` while the source shows its rows as of that point.
 * The point is that of a temporary slot, whose snapshot holds what was committed before it and nothing else. The
 * target is the caller's alone: it has claimed it.
 */
export async function atBarrier<T>(
  context: Pick<CopyContext, "connections" | "request">,
  follower: Follower,
  work: () => Promise<T>,
): Promise<T> {
  const { from, to, database, tenantId } = follower;
  const slot = await createSlot(context, database, planBarrierName(tenantId, database), { temporary: true });
  try {
    await catchUp(follower, slot.lsn);
    await at({ side: "target", database }, () => restoreTarget(to));
    return await transaction(from, SNAPSHOT, async () => {
      await at({ side: "source", database }, () => from.query(`SET TRANSACTION SNAPSHOT '${slot.snapshot}'`));
      return await work();
    });
  } finally {
    await slot.close();
  }
}

/**
 * `return`: the tenant's own databases are frozen, what they have brought to the shared server, and that both hold the
 * same shown, so that the tenant can be served from there again and has lost nothing.
 */
import type { CopyContext } from "../copy.ts";
import { settleFollowed } from "../cutover.ts";
import { underFreeze } from "../freeze-budget.ts";
import type { ReturnReport } from "../report.ts";
import { setReadOnly } from "./read-only.ts";
import { openBackSides } from "./sides.ts";

/**
 * The own databases are frozen when it resolves without differences; in every other case they are open again. Throws
 * `FREEZE_BUDGET` and `LAG` as the cutover. Repeatable: a second run begins with open writes.
 */
export async function returnToShared(context: CopyContext): Promise<ReturnReport> {
  await setReadOnly(context, false);
  const freezing = {
    freeze: (using: CopyContext) => setReadOnly(using, true),
    unfreeze: (using: CopyContext) => setReadOnly(using, false),
  };
  return await underFreeze(context, freezing, async (connections, freeze) => {
    const using = { ...context, connections };
    const sides = await openBackSides(using, connections);
    return { store: "postgres", verb: "return", ...(await settleFollowed(using, sides, freeze)) };
  });
}

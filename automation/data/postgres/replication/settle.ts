/** The steps by which both sides of one database come to hold the same rows, each shown and not assumed. */
import { at } from "../../errors.ts";
import { transaction } from "../connection.ts";
import { setSequences } from "../copy.ts";
import type { CopyContext } from "../copy.ts";
import { writeMarker } from "../marker.ts";
import { isPairSame, readPairs } from "../verify.ts";
import type { Pair } from "../verify.ts";
import { atBarrier } from "./barrier.ts";
import { bothSides, catchUp, catchUpAndRestore } from "./catch-up.ts";
import { compareChanged, describe } from "./changed-keys.ts";
import { findDifferingKeys } from "./differing-keys.ts";
import type { Side } from "./sides.ts";
import { FORWARD } from "./way.ts";

/** Rows of reference tables are everybody's and can change in a freeze: then what is read is a moment too new. */
const SETTLE_TRIES = 3;

/** Every row of the database, at a barrier. What changes from then on is collected. */
export async function compareSide(context: CopyContext, side: Side): Promise<string[]> {
  const { way, database, tenantId } = side.follower;
  const { shared, own } = bothSides(side.follower);
  return await atBarrier(context, side.follower, async () => {
    side.changed.clear();
    const differences: string[] = [];
    const scope = way === FORWARD ? "all" : "tenant";
    for (const pair of await readPairs(shared, own, database, tenantId, scope)) {
      if (!isPairSame(pair)) differences.push(...(await explain(side, pair)));
    }
    return differences;
  });
}

async function explain({ follower, tables }: Side, { table, left, right }: Pair): Promise<string[]> {
  const place = describe(follower.database, table.label);
  if (!left || !right) return [`${place}: the table is missing on the ${left ? "target" : "source"}`];
  const source = tables.get(table.label) ?? table;
  const keys = await findDifferingKeys(follower, source, follower.tables.get(table.label));
  if (keys.length > 0) return keys;
  return [
    `${place}: source ${left.rows} rows (checksum ${left.checksum}), target ${right.rows} (${right.checksum})`,
  ];
}

/** What changed since the last comparison, at a barrier of its own. */
export async function compareSideSince(context: CopyContext, side: Side): Promise<string[]> {
  const differences = await atBarrier(context, side.follower, async () => {
    const found = await compareChanged(side.follower, side.changed, side.tables);
    side.changed.clear();
    return found;
  });
  await moveSequences(side);
  // Nearly nothing is left for the freeze, but how much says whether it may begin.
  await catchUpAndRestore(side.follower);
  return differences;
}

/** With writes frozen: what is left is applied, and what changed since the last comparison compared. */
export async function settleSide(side: Side): Promise<string[]> {
  let differences: string[] = [];
  for (let attempt = 0; attempt < SETTLE_TRIES; attempt += 1) {
    await catchUp(side.follower);
    differences = await compareChanged(side.follower, side.changed, side.tables);
    if (differences.length === 0) break;
  }
  const { way, to, database } = side.follower;
  await at({ side: way.to, database }, () => way.restore(to));
  if (differences.length === 0) await moveSequences(side);
  return differences;
}

/** On the way back there is nothing to do: the shared server's are ahead of what was reserved for the tenant. */
async function moveSequences({ follower: { way, from, to, database }, sequences }: Side): Promise<void> {
  if (way === FORWARD) await setSequences(from, to, database, sequences);
}

/** From here on the target is the tenant's: no copy replaces it. */
export async function finishSide(
  { request }: CopyContext,
  { follower: { to, database } }: Side,
): Promise<void> {
  await at({ side: "target", database }, () =>
    transaction(to, "READ WRITE", () =>
      writeMarker(to, database, {
        tenant: request.tenant.id,
        state: "current",
        migration: request.migrationId,
        following: true,
      }),
    ),
  );
}

/** Both sides of each database on the way back. */
import { at, DataError } from "../../errors.ts";
import { requireTarget } from "../../request.ts";
import { claimTarget } from "../claim.ts";
import type { Client, Connections } from "../connection.ts";
import type { CopyContext } from "../copy.ts";
import { createChangedKeys } from "../replication/changed-keys.ts";
import type { Follower } from "../replication/catch-up.ts";
import type { Side } from "../replication/sides.ts";
import { readTargetTables } from "../replication/targets.ts";
import { readTables } from "../tables.ts";
import { readNote } from "./note.ts";
import { BACK } from "./way.ts";

/** Throws `REFUSED` where no way back was begun. */
export async function createBackFollower(
  shared: Client,
  own: Client,
  database: string,
  tenantId: string,
): Promise<Follower> {
  return await at({ side: "source", database }, async () => {
    if ((await readNote(shared, tenantId)) === null) {
      const place = { side: "source", database } as const;
      throw new DataError("REFUSED", "no way back was begun in the cutover", place);
    }
    const tables = await readTargetTables(shared, await readTables(shared), tenantId, "shared");
    return { way: BACK, from: own, to: shared, database, tenantId, tables };
  });
}

/** Held open through a return: to connect takes longer than to settle, and is not possible in its freeze. */
export async function openBackSides({ request }: CopyContext, connections: Connections): Promise<Side[]> {
  const sides: Side[] = [];
  for (const database of request.databases) {
    const own = await connections.open(requireTarget(request), database, "target");
    const shared = await connections.open(request.source, database, "source");
    const follower = await createBackFollower(shared, own, database, request.tenant.id);
    await claimTarget(own, database);
    const tables = await at({ side: "source", database }, () => readTables(shared));
    const changed = createChangedKeys();
    sides.push({
      follower: { ...follower, onChange: (table, key) => changed.onChange(table, key) },
      changed,
      tables: new Map(tables.map((table) => [table.label, table])),
      sequences: [],
    });
  }
  return sides;
}

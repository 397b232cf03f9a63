/** Both sides of each followed database, held open through a cutover: to connect takes longer than to settle. */
import { at, DataError } from "../../errors.ts";
import { requireTarget } from "../../request.ts";
import { claimTarget } from "../claim.ts";
import { end } from "../connection.ts";
import type { Connections } from "../connection.ts";
import type { CopyContext } from "../copy.ts";
import { readMarker } from "../marker.ts";
import { readSchema } from "../schema.ts";
import { readTables } from "../tables.ts";
import type { Table } from "../tables.ts";
import type { Follower } from "./catch-up.ts";
import { createFollower } from "./catch-up-databases.ts";
import { createChangedKeys } from "./changed-keys.ts";
import type { ChangedKeys } from "./changed-keys.ts";

export interface Side {
  follower: Follower;
  /** Since the last comparison. */
  changed: ChangedKeys;
  /** The source's tables by name. */
  tables: Map<string, Table>;
  sequences: { label: string; sql: string }[];
}

/** Null when changes of any of the databases are not followed. Throws `REFUSED` where there is no whole copy. */
export async function openSides({ request }: CopyContext, connections: Connections): Promise<Side[] | null> {
  const sides: Side[] = [];
  for (const database of request.databases) {
    const side = await openSide(request, connections, database);
    if (side === null) return null;
    sides.push(side);
  }
  return sides;
}

async function openSide(
  request: CopyContext["request"],
  connections: Connections,
  database: string,
): Promise<Side | null> {
  const tenantId = request.tenant.id;
  const to = await connections.open(requireTarget(request), database, "target");
  const marker = await at({ side: "target", database }, () => readMarker(to));
  if (marker?.tenant !== tenantId || marker.state === "copying") {
    const place = { side: "target", database } as const;
    throw new DataError("REFUSED", "holds no complete copy of this tenant; run copy first", place);
  }
  const from = await connections.open(request.source, database, "source");
  const follower = await createFollower(from, to, database, tenantId);
  if (!follower) {
    await Promise.all([end(from), end(to)]);
    return null;
  }
  await claimTarget(to, database);
  return await at({ side: "source", database }, async () => {
    const tables = await readTables(from);
    const { sequences } = await readSchema(from);
    const changed = createChangedKeys();
    return {
      follower: { ...follower, onChange: (table, key) => changed.onChange(table, key) },
      changed,
      tables: new Map(tables.map((table) => [table.label, table])),
      sequences,
    };
  });
}

/** `catch-up`: what the tenant changed on the shared server since the copy, brought to its own. */
import pLimit from "p-limit";
import { at } from "../../errors.ts";
import { requireTarget } from "../../request.ts";
import { claimTarget } from "../claim.ts";
import type { Client } from "../connection.ts";
import type { CopyContext } from "../copy.ts";
import { readMarker } from "../marker.ts";
import { secondsSince } from "../../progress.ts";
import type { CatchUpReport } from "../report.ts";
import { readTables } from "../tables.ts";
import { catchUpAndRestore } from "./catch-up.ts";
import type { Follower } from "./catch-up.ts";
import { planSlotName } from "./names.ts";
import { requireSlot } from "./slot.ts";
import { readTargetTables } from "./targets.ts";
import { FORWARD } from "./way.ts";

const DATABASES_AT_ONCE = 4;

/** One round over all databases. Repeatable, and good to be ended anywhere. */
export function catchUpDatabases(context: CopyContext): Promise<CatchUpReport> {
  return followAll(context, "catch-up", createFollower);
}

/** The follower of one database; null where its changes are not followed. */
export type CreateFollower = (
  shared: Client,
  own: Client,
  database: string,
  tenantId: string,
) => Promise<Follower | null>;

/** Applies what there is now in every database, whichever way the followers go. */
export async function followAll(
  context: CopyContext,
  verb: CatchUpReport["verb"],
  create: CreateFollower,
): Promise<CatchUpReport> {
  const startedMs = performance.now();
  const limit = pLimit(DATABASES_AT_ONCE);
  const databases = await Promise.all(
    context.request.databases.map((database) => limit(() => followOne(context, database, create))),
  );
  return {
    store: "postgres",
    verb,
    databases,
    changes: databases.reduce((total, { changes }) => total + changes, 0),
    seconds: secondsSince(startedMs),
  };
}

async function followOne(
  { connections, request, progress }: CopyContext,
  database: string,
  create: CreateFollower,
): Promise<CatchUpReport["databases"][number]> {
  const tenantId = request.tenant.id;
  return await connections.using(request.source, database, "source", (shared) =>
    connections.using(requireTarget(request), database, "target", async (own) => {
      await claimTarget(own, database);
      const follower = await create(shared, own, database, tenantId);
      if (!follower) return { name: database, changes: 0, transactions: 0, lagBytes: null };
      const { way, from } = follower;
      const applied = await catchUpAndRestore(follower);
      const { lagBytes } = await requireSlot(
        from,
        { side: way.from, database },
        planSlotName(tenantId, database),
      );
      progress({ event: "caught up", database, rows: applied.changes, bytes: lagBytes });
      return { name: database, ...applied, lagBytes };
    }),
  );
}

/** Null for a database whose changes are not followed. */
export async function createFollower(
  from: Client,
  to: Client,
  database: string,
  tenantId: string,
): Promise<Follower | null> {
  return await at({ side: "target", database }, async () => {
    const marker = await readMarker(to);
    if (marker?.tenant !== tenantId || marker.following !== true) return null;
    const tables = await readTargetTables(to, await readTables(to), tenantId);
    return { way: FORWARD, from, to, database, tenantId, tables };
  });
}

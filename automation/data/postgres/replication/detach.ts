/** `detach`: nothing of a move is left on the shared server. */
import { at, describeFailure } from "../../errors.ts";
import { MAINTENANCE_DATABASE } from "../roles.ts";
import type { Connections } from "../connection.ts";
import type { CopyContext } from "../copy.ts";
import { secondsSince } from "../../progress.ts";
import type { DetachReport } from "../report.ts";
import type { DataRequest } from "../../request.ts";
import { planBarrierName, planSlotName } from "./names.ts";
import { dropPublication } from "./publication.ts";
import { dropSlots } from "./slot.ts";
import { stopFollowing } from "./relax.ts";
import { claimTarget } from "../claim.ts";
import { readMarker } from "../marker.ts";

/**
 * Removes slots, publications and replica identities of the move; with a target, also our notes there, and its schema is
 * as on the source again. Repeatable.
 */
export async function detachDatabases(context: CopyContext): Promise<DetachReport> {
  const startedMs = performance.now();
  const { request, connections, progress } = context;
  const notes: string[] = [];
  if (request.target) {
    // First, as it ends a copy that lost its caller and would go on to follow another database. The target may be on
    // its way out; what counts is that the shared server is rid of everything.
    await detachTarget(request, request.target, connections).catch((error: unknown) => {
      connections.signal.throwIfAborted();
      notes.push(`the target keeps our notes: ${describeFailure(error)}`);
    });
  }
  const databases = await detachSource(request, connections);
  for (const { name } of databases) progress({ event: "detached", database: name });
  return { store: "postgres", verb: "detach", databases, notes, seconds: secondsSince(startedMs) };
}

/** Slots first: an abandoned one keeps the server's log and fills its disk. */
export async function detachSource(
  request: DataRequest,
  connections: Connections,
): Promise<DetachReport["databases"]> {
  const { source, tenant } = request;
  const dropped = await connections.using(source, MAINTENANCE_DATABASE, "source", async (main) => {
    const counts = new Map<string, number>();
    const names = (database: string): string[] => [
      planSlotName(tenant.id, database),
      planBarrierName(tenant.id, database),
    ];
    for (const database of request.databases) {
      const place = { side: "source", database } as const;
      counts.set(database, await at(place, () => dropSlots(main, names(database))));
    }
    return counts;
  });
  const databases: DetachReport["databases"] = [];
  for (const name of request.databases) {
    const publication = await connections.using(source, name, "source", (client) =>
      dropPublication(client, name, tenant.id),
    );
    databases.push({ name, publication, slots: dropped.get(name) ?? 0 });
  }
  return databases;
}

async function detachTarget(
  { databases, tenant }: DataRequest,
  target: NonNullable<DataRequest["target"]>,
  connections: Connections,
): Promise<void> {
  for (const database of databases) {
    await connections.using(target, database, "target", async (to) => {
      await claimTarget(to, database);
      await at({ side: "target", database }, async () => {
        if ((await readMarker(to))?.tenant === tenant.id) await stopFollowing(to);
      });
    });
  }
}

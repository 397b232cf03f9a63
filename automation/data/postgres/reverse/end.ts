/** `end-reverse`: nothing of the way back is left on either server. */
import { at, describeFailure } from "../../errors.ts";
import type { CopyContext } from "../copy.ts";
import { MAINTENANCE_DATABASE } from "../roles.ts";
import { planBarrierName, planSlotName } from "../replication/names.ts";
import { dropPublication } from "../replication/publication.ts";
import { dropSlots } from "../replication/slot.ts";
import { secondsSince } from "../../progress.ts";
import type { EndReverseReport } from "../report.ts";
import type { Server } from "../../request.ts";
import { removeNote } from "./note.ts";

/** Repeatable. A server of the tenant's own that is on its way out keeps what it has. */
export async function endReverse(context: CopyContext): Promise<EndReverseReport> {
  const startedMs = performance.now();
  const { request, connections } = context;
  const notes: string[] = [];
  if (request.target) {
    await endOnOwn(context, request.target).catch((error: unknown) => {
      connections.signal.throwIfAborted();
      notes.push(`the target keeps our notes: ${describeFailure(error)}`);
    });
  }
  await removeNotes(context);
  return { store: "postgres", verb: "end-reverse", notes, seconds: secondsSince(startedMs) };
}

/** The shared server knows nothing of a way back any more. Repeatable. */
export async function removeNotes({
  request,
  connections,
}: Pick<CopyContext, "request" | "connections">): Promise<void> {
  for (const database of request.databases) {
    await connections.using(request.source, database, "source", (shared) =>
      at({ side: "source", database }, () => removeNote(shared, request.tenant.id)),
    );
  }
}

/** Slots first: an abandoned one keeps the server's log and fills its disk. */
async function endOnOwn({ request, connections }: CopyContext, target: Server): Promise<void> {
  const { tenant, databases } = request;
  await connections.using(target, MAINTENANCE_DATABASE, "target", (main) =>
    at({ side: "target" }, () =>
      dropSlots(
        main,
        databases.flatMap((database) => [
          planSlotName(tenant.id, database),
          planBarrierName(tenant.id, database),
        ]),
      ),
    ),
  );
  for (const database of databases) {
    await connections.using(target, database, "target", (own) =>
      dropPublication(own, database, tenant.id, "target"),
    );
  }
}

/** `drop`: the copies on the tenant's own server go again. */
import { at } from "../errors.ts";
import { requireTarget } from "../request.ts";
import { dropEverything } from "./apply.ts";
import { claimTarget } from "./claim.ts";
import { transaction } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import { requireReplaceable, writeMarker } from "./marker.ts";
import { detachSource } from "./replication/detach.ts";
import { secondsSince } from "./report.ts";
import type { DropReport } from "./report.ts";

/** Empties the databases. Throws `REFUSED` where the tenant may be working on the copy already. */
export async function dropCopies({ request, connections, progress }: CopyContext): Promise<DropReport> {
  const startedMs = performance.now();
  const target = requireTarget(request);
  await detachSource(request, connections);
  const databases: DropReport["databases"] = [];
  for (const database of request.databases) {
    const dropped = await connections.using(target, database, "target", async (client) => {
      await claimTarget(client, database);
      await requireReplaceable(client, database, request.tenant.id);
      return await at({ side: "target", database }, async () => {
        const count = await transaction(client, "READ WRITE", () => dropEverything(client));
        await writeMarker(client, database, null);
        return count;
      });
    });
    databases.push({ name: database, dropped });
    progress({ event: "dropped", database });
  }
  return { store: "postgres", verb: "drop", databases, seconds: secondsSince(startedMs) };
}

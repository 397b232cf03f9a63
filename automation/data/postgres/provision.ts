/** `provision`: a tenant's role on the shared server, with read and write on the services' databases. */
import { at, DataError } from "../errors.ts";
import { roleNameOf } from "../request.ts";
import { lockPrivileges } from "./claim.ts";
import { query, quoteName, transaction } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import { secondsSince } from "../progress.ts";
import type { ProvisionReport } from "./report.ts";
import {
  ensureGroups,
  ensureTenantRole,
  grantDatabase,
  MAINTENANCE_DATABASE,
  READER,
  WRITER,
} from "./roles.ts";
import { USER_SCHEMAS } from "./tables.ts";

/** Repeatable: an existing role gets the password and the privileges again, which also ends a freeze. */
export async function provisionRole({
  request,
  connections,
  progress,
}: CopyContext): Promise<ProvisionReport> {
  const startedMs = performance.now();
  const role = roleNameOf(request);
  const { password, connectionLimit } = request.role ?? {};
  if (!password) throw new DataError("BAD_REQUEST", "role.password is missing");
  return await connections.using(request.source, MAINTENANCE_DATABASE, "source", async (main) => {
    const place = { side: "source" } as const;
    await at(place, () => lockPrivileges(main));
    await at(place, () => ensureGroups(main));
    const databases: ProvisionReport["databases"] = [];
    for (const database of request.databases) {
      const schemas = await connections.using(request.source, database, "source", (client) =>
        at({ ...place, database }, () =>
          transaction(client, "READ WRITE", async () => {
            const rows = await query<{ nspname: string }>(client, USER_SCHEMAS);
            const names = rows.map(({ nspname }) => nspname).sort();
            await grantDatabase(client, database, names);
            return names;
          }),
        ),
      );
      databases.push({ name: database, schemas });
      progress({ event: "granted", database });
    }
    const created = await at(place, () => ensureTenantRole(main, role, { password, connectionLimit }));
    await at(place, () => main.query(`GRANT ${READER}, ${WRITER} TO ${quoteName(role)}`));
    return {
      store: "postgres",
      verb: "provision",
      role,
      created,
      databases,
      seconds: secondsSince(startedMs),
    };
  });
}

/** `inspect`: what the shared server holds of a tenant, without changing anything. */
import pLimit from "p-limit";
import { at } from "../errors.ts";
import { roleNameOf } from "../request.ts";
import { query, SNAPSHOT, transaction } from "./connection.ts";
import type { Client } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import { secondsSince } from "../progress.ts";
import type { InspectReport } from "./report.ts";
import { isMember, MAINTENANCE_DATABASE, READER, roleExists, WRITER } from "./roles.ts";
import { planTenantFilter, readFingerprint, readTables } from "./tables.ts";

const DATABASES_AT_ONCE = 4;
/** Counts and checksums of the tenant's rows, its role's rights, and what logical replication has of it. */
export async function inspectTenant({ request, connections, progress }: CopyContext): Promise<InspectReport> {
  const startedMs = performance.now();
  const limit = pLimit(DATABASES_AT_ONCE);
  const { source, tenant } = request;
  const role = roleNameOf(request);
  const inspectOne = (name: string) =>
    connections.using(source, name, "source", async (client) => {
      const place = { side: "source", database: name } as const;
      const tables = await transaction(client, SNAPSHOT, () => readTenantTables(client, name, tenant.id));
      const publications = await at(place, () => readPublications(client, request));
      progress({ event: "inspected", database: name, rows: tables.reduce((sum, { rows }) => sum + rows, 0) });
      return { name, tables, publications };
    });
  const [databases, main] = await Promise.all([
    Promise.all(request.databases.map((database) => limit(() => inspectOne(database)))),
    connections.using(source, MAINTENANCE_DATABASE, "source", (client) =>
      at({ side: "source" }, async () => ({
        role: {
          name: role,
          exists: await roleExists(client, role),
          reads: await isMember(client, role, READER),
          writes: await isMember(client, role, WRITER),
        },
        slots: await readSlots(client, request),
      })),
    ),
  ]);
  return { store: "postgres", verb: "inspect", databases, ...main, seconds: secondsSince(startedMs) };
}

async function readTenantTables(client: Client, database: string, tenantId: string) {
  const place = { side: "source", database } as const;
  const tables = (await at(place, () => readTables(client))).filter(({ scope }) => scope === "tenant");
  const prints: InspectReport["databases"][number]["tables"] = [];
  for (const table of tables) {
    const filter = planTenantFilter(table, tenantId);
    const print = await at({ ...place, table: table.label }, () => readFingerprint(client, table, filter));
    prints.push({ table: table.label, ...print });
  }
  return prints;
}

type Named = Pick<CopyContext["request"], "tenant">;

/** Names that this project gives to a tenant's own objects hold the tenant's id, with or without its hyphens. */
const isOf = ({ tenant }: Named, name: string): boolean =>
  name.replaceAll(/[-_]/g, "").includes(tenant.id.replaceAll("-", ""));

async function readPublications(client: Client, request: Named): Promise<string[]> {
  const rows = await query<{ name: string }>(
    client,
    "SELECT pubname AS name FROM pg_catalog.pg_publication ORDER BY 1",
  );
  return rows.map(({ name }) => name).filter((name) => isOf(request, name));
}

async function readSlots(client: Client, request: Named): Promise<string[]> {
  const rows = await query<{ name: string }>(
    client,
    "SELECT slot_name AS name FROM pg_catalog.pg_replication_slots ORDER BY 1",
  );
  return rows.map(({ name }) => name).filter((name) => isOf(request, name));
}

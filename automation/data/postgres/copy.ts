/** `copy`: a tenant's rows, and the schema around them, from the shared server into empty databases of its own. */
import pLimit from "p-limit";
import type { Alongside } from "../alongside.ts";
import { at, describeFailure } from "../errors.ts";
import { secondsSince } from "../progress.ts";
import type { Progress } from "../progress.ts";
import type { DataRequest, Server } from "../request.ts";
import { requireTarget } from "../request.ts";
import { applyInAnyOrder, dropEverything } from "./apply.ts";
import { bulkQuery, createConnections, query, requireRow, SNAPSHOT, transaction } from "./connection.ts";
import type { Client, Connections } from "./connection.ts";
import { requireReplaceable, writeMarker } from "./marker.ts";
import { claimTarget } from "./claim.ts";
import { copyTables } from "./copy-tables.ts";
import type { CopyReport, TableReport } from "./report.ts";
import { readSchema } from "./schema.ts";
import type { DatabaseSchema } from "./schema.ts";
import { detachSource } from "./replication/detach.ts";
import { startFollowing } from "./replication/relax.ts";
import type { Slot } from "./replication/slot.ts";
import { startSlot } from "./replication/start.ts";
import type { Start } from "./replication/start.ts";
import { readTables, requireDeclared } from "./tables.ts";

const DATABASES_AT_ONCE = 3;

/** Less than a command that is to end is left before it is killed. */
const DETACH_MS = 4_000;

export interface CopyContext {
  request: DataRequest;
  connections: Connections;
  progress: Progress;
  /** What else of the tenant's moves: a cutover settles it in the same freeze. */
  alongside?: Alongside;
}

/**
 * Copies every database; what an earlier try left is replaced. The first failure ends the others, and then the shared
 * server follows nothing. Throws `REFUSED`, `MISMATCH` or `DATABASE`.
 */
export async function copyDatabases(context: CopyContext): Promise<CopyReport> {
  const startedMs = performance.now();
  const target = requireTarget(context.request);
  const failed = new AbortController();
  const connections = createConnections(AbortSignal.any([context.connections.signal, failed.signal]));
  const limit = pLimit(DATABASES_AT_ONCE);
  const running = context.request.databases.map((database) =>
    limit(() => copyDatabase({ ...context, connections }, target, database)),
  );
  for (const one of running) one.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(running);
  await connections.close();
  if (failed.signal.aborted) {
    await followNothing(context);
    throw failed.signal.reason;
  }
  const databases = await Promise.all(running);
  const tables = databases.flatMap((database) => database.tables);
  const total = {
    rows: sum(tables, "rows"),
    bytes: sum(tables, "bytes"),
    seconds: secondsSince(startedMs),
  };
  context.progress({ event: "copy: rows copied", ...total });
  return { store: "postgres", verb: "copy", databases, ...total };
}

/** By connections of its own, as the others are ended. A server that does not answer now is left to `detach`. */
async function followNothing({ request, progress }: CopyContext): Promise<void> {
  const connections = createConnections(AbortSignal.timeout(DETACH_MS));
  try {
    await detachSource(request, connections);
  } catch (error) {
    progress({ event: `the shared server still follows: ${describeFailure(error)}` });
  } finally {
    await connections.close();
  }
}

const sum = (tables: TableReport[], key: "rows" | "bytes"): number =>
  tables.reduce((total, table) => total + table[key], 0);

type DatabaseReport = CopyReport["databases"][number];

async function copyDatabase(context: CopyContext, target: Server, database: string): Promise<DatabaseReport> {
  const { connections, request, progress } = context;
  return await connections.using(request.source, database, "source", (from) =>
    connections.using(target, database, "target", async (to) => {
      await claimTarget(to, database);
      await requireReplaceable(to, database, request.tenant.id);
      requireDeclared(await at({ side: "source", database }, () => readTables(from)), database);
      const start = await startSlot(context, database, from);
      const report = await transaction(from, SNAPSHOT, () =>
        copySnapshot(context, target, database, { from, to, start }),
      ).finally(() => start.slot?.close());
      await at({ side: "target", database }, () => markCopied(context, to, report, start.slot));
      const [rows, bytes] = [sum(report.tables, "rows"), sum(report.tables, "bytes")];
      progress({ event: "database copied", database, rows, bytes });
      return report;
    }),
  );
}

/** All of a database as the source's transaction shows it, in the snapshot that the slot begins at. */
async function copySnapshot(
  context: CopyContext,
  target: Server,
  database: string,
  { from, to, start }: { from: Client; to: Client; start: Start },
): Promise<DatabaseReport> {
  const id = await shareSnapshot(from, database, start.slot?.snapshot);
  const schema = await at({ side: "source", database }, () => readSchema(from));
  const tables = await at({ side: "source", database }, () => readTables(from));
  const made = await prepareTarget(to, database, context, schema);
  const comparison = start.slot === null ? "each" : "later";
  const reports = await copyTables(context, target, database, { from, to, id }, { tables, comparison });
  const finished = await finishTarget(from, to, database, schema);
  return {
    name: database,
    tables: reports,
    following: start.slot !== null,
    notes: [...schema.notes, ...made, ...finished, ...start.notes],
  };
}

async function markCopied(
  { request }: CopyContext,
  to: Client,
  { name, tables, following }: DatabaseReport,
  slot: Slot | null,
): Promise<void> {
  if (slot) await startFollowing(to, slot.lsn);
  await writeMarker(to, name, {
    tenant: request.tenant.id,
    state: "copied",
    migration: request.migrationId,
    following,
    tables: Object.fromEntries(
      tables.flatMap(({ table, rows, checksum }) =>
        checksum === undefined ? [] : [[table, [rows, checksum]]],
      ),
    ),
  });
}

/** The snapshot that all readers share: the one the slot begins at, or one of this transaction's own. */
async function shareSnapshot(from: Client, database: string, id: string | undefined): Promise<string> {
  const place = { side: "source", database } as const;
  if (id !== undefined) {
    await at(place, () => from.query(`SET TRANSACTION SNAPSHOT '${id}'`));
    return id;
  }
  return requireRow(await query<{ id: string }>(from, "SELECT pg_export_snapshot() AS id"), place).id;
}

/** Empties the database and makes what the rows need. The mark comes first: a killed copy is known as one. */
async function prepareTarget(
  to: Client,
  database: string,
  { request }: CopyContext,
  schema: DatabaseSchema,
): Promise<string[]> {
  const place = { side: "target", database } as const;
  await at(place, () =>
    writeMarker(to, database, {
      tenant: request.tenant.id,
      state: "copying",
      migration: request.migrationId,
    }),
  );
  return await at(place, () =>
    transaction(to, "READ WRITE", async () => {
      await dropEverything(to);
      return await applyInAnyOrder(to, schema.before, place);
    }),
  );
}

/** Keys, constraints, indexes, views and triggers; then the sequences go on where the source's are. */
async function finishTarget(
  from: Client,
  to: Client,
  database: string,
  schema: DatabaseSchema,
): Promise<string[]> {
  const place = { side: "target", database } as const;
  const notes = await at(place, () =>
    transaction(to, "READ WRITE", () => applyInAnyOrder(to, schema.after, place)),
  );
  await setSequences(from, to, database, schema.sequences);
  await at(place, () => bulkQuery(to, "ANALYZE"));
  return notes;
}

/** Sequences do not belong to any snapshot, so this reads them as they are now: never behind the rows. */
export async function setSequences(
  from: Client,
  to: Client,
  database: string,
  sequences: { label: string; sql: string }[],
): Promise<void> {
  for (const { label, sql } of sequences) {
    const place = { database, table: label };
    const [state] = await at({ ...place, side: "source" }, () =>
      query<{ value: string; called: boolean }>(
        from,
        `SELECT last_value::text AS value, is_called AS called FROM ${sql}`,
      ),
    );
    if (!state) continue;
    await at({ ...place, side: "target" }, () =>
      query(to, "SELECT setval($1::regclass, $2::bigint, $3::boolean)", [sql, state.value, state.called]),
    );
  }
}

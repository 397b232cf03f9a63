/** A database's tables, several at once: each from the snapshot that all readers share. */
import { at, DataError } from "../errors.ts";
import type { Server } from "../request.ts";
import { SNAPSHOT, transaction } from "./connection.ts";
import type { Client } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import { secondsSince } from "../progress.ts";
import type { TableReport } from "./report.ts";
import { isSame, planTenantFilter, readFingerprint } from "./tables.ts";
import type { Table } from "./tables.ts";
import { transferRows } from "./transfer.ts";

const TABLES_AT_ONCE = 4;
/** Below this much a second pair of connections costs more than it saves. */
const BYTES_PER_WORKER = 16 * 1024 * 1024;

/**
 * `each`: right after its copy, against the snapshot it was read from. `later`: by who compares all rows at one point of
 * the log, which is only possible where changes are followed, and finds the same faults.
 */
export type Comparison = "each" | "later";

/** Workers take tables from one list, largest first; each reads the same snapshot of the source. */
export async function copyTables(
  context: CopyContext,
  target: Server,
  database: string,
  first: { from: Client; to: Client; id: string },
  { tables, comparison }: { tables: Table[]; comparison: Comparison },
): Promise<TableReport[]> {
  const { connections, request } = context;
  const bytes = tables.reduce((total, table) => total + table.sizeBytes, 0);
  const workers = Math.max(1, Math.min(TABLES_AT_ONCE, tables.length, Math.ceil(bytes / BYTES_PER_WORKER)));
  const waiting = [...tables];
  const reports: TableReport[] = [];
  const work = async (from: Client, to: Client): Promise<void> => {
    for (let table = waiting.shift(); table; table = waiting.shift()) {
      reports.push(await copyTable(context, database, from, to, { table, comparison }));
    }
  };
  const more = Array.from({ length: workers - 1 }, () =>
    connections.using(request.source, database, "source", (from) =>
      connections.using(target, database, "target", (to) =>
        transaction(from, SNAPSHOT, async () => {
          await from.query(`SET TRANSACTION SNAPSHOT '${first.id}'`);
          await work(from, to);
        }),
      ),
    ),
  );
  // One failure stops the others at their next table, and the caller waits until nobody uses the connections.
  const settled = await Promise.allSettled(
    [work(first.from, first.to), ...more].map((running) =>
      running.catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      }),
    ),
  );
  const failed = settled.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return reports.sort((a, b) => (a.table < b.table ? -1 : 1));
}

/** Copies one table; a comparison is one of the snapshot's rows with all rows of the target. */
export async function copyTable(
  { request, progress, connections }: CopyContext,
  database: string,
  from: Client,
  to: Client,
  { table, comparison }: { table: Table; comparison: Comparison },
): Promise<TableReport> {
  connections.signal.throwIfAborted();
  const place = { database, table: table.label };
  const startedMs = performance.now();
  const filter = planTenantFilter(table, request.tenant.id);
  const moved = await transferRows(from, to, table, filter, {
    database,
    progress,
    signal: connections.signal,
  });
  const checksum =
    comparison === "each" ? await compareTable({ database, from, to, table, filter }) : undefined;
  const report: TableReport = {
    table: table.label,
    scope: table.scope,
    rows: moved.rows,
    ...(checksum !== undefined && { checksum }),
    bytes: moved.bytes,
    seconds: secondsSince(startedMs),
  };
  progress({ event: "copied", ...place, rows: report.rows, bytes: report.bytes, seconds: report.seconds });
  return report;
}

/** Answers the checksum that both sides have. Throws `MISMATCH`. */
async function compareTable({
  database,
  from,
  to,
  table,
  filter,
}: {
  database: string;
  from: Client;
  to: Client;
  table: Table;
  filter: string;
}): Promise<string> {
  const place = { database, table: table.label };
  const [source, target] = await Promise.all([
    at({ ...place, side: "source" }, () => readFingerprint(from, table, filter)),
    at({ ...place, side: "target" }, () => readFingerprint(to, table, "true")),
  ]);
  if (isSame(source, target)) return target.checksum;
  throw new DataError(
    "MISMATCH",
    `the source has ${source.rows} rows (checksum ${source.checksum}), the target ${target.rows} (${target.checksum})`,
    place,
  );
}

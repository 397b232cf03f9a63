/** One table's rows from one server to the other, through memory in small pieces. */
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { at, DataError, describeFailure } from "../errors.ts";
import { BULK_TIMEOUT_MS, destroy, quoteName } from "./connection.ts";
import type { Client } from "./connection.ts";
import { secondsSince } from "../progress.ts";
import type { Progress } from "../progress.ts";
import type { Table } from "./tables.ts";

/** A COPY that moves no byte for so long is taken for dead. */
const STALL_MS = 120_000;
const PROGRESS_EVERY_MS = 5_000;

export interface Transferred {
  rows: number;
  bytes: number;
  seconds: number;
}

/**
 * Streams the rows that `filter` picks. Memory stays flat: the pipeline reads from the source only as fast as the
 * target takes. Generated columns are left out, as the target computes them itself.
 */
export async function transferRows(
  source: Client,
  target: Client,
  table: Table,
  filter: string,
  context: { database: string; progress: Progress; signal: AbortSignal },
): Promise<Transferred> {
  const startedMs = performance.now();
  const columns = table.storedColumns.map(quoteName).join(", ");
  const options = `(FORMAT ${table.format})`;
  const place = { database: context.database, table: table.label };
  await at({ ...place, side: "source" }, () => source.query(`SET statement_timeout = ${BULK_TIMEOUT_MS}`));
  await at({ ...place, side: "target" }, () => target.query(`SET statement_timeout = ${BULK_TIMEOUT_MS}`));
  const reader = source.query(
    copyTo(`COPY (SELECT ${columns} FROM ONLY ${table.sql} WHERE ${filter}) TO STDOUT ${options}`),
  );
  const writer = target.query(
    copyFrom(`COPY ${table.sql}${columns === "" ? "" : ` (${columns})`} FROM STDIN ${options}`),
  );
  const meter = createMeter((bytes) => {
    context.progress({ event: "copying", ...place, bytes, seconds: secondsSince(startedMs) });
  });
  // A failed stream ends the other, which then tells the same error.
  let failed: "source" | "target" | undefined;
  reader.once("error", () => (failed ??= "source"));
  writer.once("error", () => (failed ??= "target"));
  try {
    await pipeline(reader, meter.stream, writer, { signal: meter.watch(context.signal) });
  } catch (error) {
    // In the middle of a COPY the source hears no other statement, not even the end of its transaction.
    destroy(source);
    const where = failed === undefined ? place : { ...place, side: failed };
    throw new DataError("DATABASE", describeFailure(error), where, { cause: error });
  } finally {
    meter.stop();
  }
  if (reader.rowCount !== writer.rowCount) {
    throw new DataError(
      "MISMATCH",
      `${reader.rowCount} rows were read and ${writer.rowCount} written`,
      place,
    );
  }
  return { rows: writer.rowCount, bytes: meter.bytes(), seconds: secondsSince(startedMs) };
}

/** Counts bytes, tells now and then how many, and aborts when none come any more. */
function createMeter(report: (bytes: number) => void) {
  let bytes = 0;
  let movedAtMs = performance.now();
  const stalled = new AbortController();
  const timer = setInterval(() => {
    report(bytes);
    if (performance.now() - movedAtMs > STALL_MS) {
      stalled.abort(new Error(`no data moved for ${STALL_MS / 1000} s`));
    }
  }, PROGRESS_EVERY_MS);
  return {
    stream: new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        movedAtMs = performance.now();
        done(null, chunk);
      },
    }),
    watch: (signal: AbortSignal) => AbortSignal.any([signal, stalled.signal]),
    bytes: () => bytes,
    stop: () => clearInterval(timer),
  };
}

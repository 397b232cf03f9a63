/** Replication slots: where a tenant's changes wait on the one side until they are applied to the other. */
import { at, DataError } from "../../errors.ts";
import type { Place } from "../../errors.ts";
import type { Server } from "../../request.ts";
import { end, query, requireRow } from "../connection.ts";
import type { Client, Connections } from "../connection.ts";
import { formatLsn, parseLsn } from "./pgoutput.ts";

/** A slot begins when every transaction that was open has ended; one of any tenant can hold it up. */
const SLOT_TIMEOUT_MS = 60_000;

export interface Slot {
  /** Everything committed before is in the snapshot, everything after in the slot. */
  lsn: bigint;
  snapshot: string;
  /** The snapshot is good until then, and so is a temporary slot. */
  close(): Promise<void>;
}

/** A database as slots are made in it. */
export interface SlotPlace extends Place {
  server: Server;
  database: string;
  side: "source" | "target";
}

/** Makes a slot and the snapshot it begins at. A `temporary` one serves for its exact snapshot only. */
export async function createSlot(
  connections: Connections,
  { server, database, side }: SlotPlace,
  name: string,
  { temporary = false } = {},
): Promise<Slot> {
  const place = { side, database } as const;
  const client = await connections.openReplication(server, database, side);
  return await at(place, async () => {
    await client.query(`SET statement_timeout = ${SLOT_TIMEOUT_MS}`);
    const { rows } = await client.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${name} ${temporary ? "TEMPORARY " : ""}LOGICAL pgoutput (SNAPSHOT 'export')`,
    );
    const row = requireRow(rows, place);
    return {
      lsn: parseLsn(row.consistent_point),
      snapshot: row.snapshot_name,
      close: () => end(client),
    };
  });
}

/** Why the server cannot follow changes, or null when it can. */
export async function whyNotFollowable(client: Client): Promise<string | null> {
  const [row] = await query<{ level: string; free: number; replication: boolean }>(
    client,
    `SELECT current_setting('wal_level') AS level,
       current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_catalog.pg_replication_slots)::int AS free,
       (SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS replication`,
  );
  if (!row) return "it does not say what it can do";
  if (row.level !== "logical") return `its wal_level is ${row.level}, and logical only from its next restart`;
  if (!row.replication) return "its administrator may not replicate";
  // One more than this one: the exact comparison needs a slot for a moment.
  if (row.free < 2) return "its max_replication_slots are used up";
  return null;
}

export interface SlotState {
  confirmed: bigint;
  /** Bytes of the write-ahead log that are not applied yet; other tenants' changes are among them. */
  lagBytes: number;
}

/** Throws `REFUSED` for a slot that is gone or whose changes the server threw away. */
export async function requireSlot(client: Client, place: Place, name: string): Promise<SlotState> {
  const [row] = await at(place, () =>
    query<{ confirmed: string; lag: string; status: string | null }>(
      client,
      `SELECT confirmed_flush_lsn::text AS confirmed, wal_status AS status,
         pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::text AS lag
       FROM pg_catalog.pg_replication_slots WHERE slot_name = $1 AND database = current_database()`,
      [name],
    ),
  );
  if (!row) throw new DataError("REFUSED", `replication slot ${name} is gone; run copy again`, place);
  if (row.status === "lost") {
    const reason = `the server threw away changes that replication slot ${name} had not read; run copy again`;
    throw new DataError("REFUSED", reason, place);
  }
  return { confirmed: parseLsn(row.confirmed), lagBytes: Math.max(0, Number(row.lag)) };
}

/** Lets the server forget what comes before `lsn`. */
export async function advanceSlot(client: Client, name: string, lsn: bigint): Promise<void> {
  await query(client, "SELECT pg_replication_slot_advance($1, $2::pg_lsn)", [name, formatLsn(lsn)]);
}

/** Removes slots by name; a session that still reads one is ended first. Returns how many there were. */
export async function dropSlots(client: Client, names: string[]): Promise<number> {
  await query(
    client,
    `SELECT pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots
     WHERE slot_name = ANY ($1) AND active_pid IS NOT NULL`,
    [names],
  );
  for (let attempt = 0; ; attempt += 1) {
    try {
      const rows = await query(
        client,
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots WHERE slot_name = ANY ($1)",
        [names],
      );
      return rows.length;
    } catch (error) {
      // Still active: its session takes a moment to end.
      if ((error as { code?: unknown }).code !== "55006" || attempt >= 50) throw error;
      await query(client, "SELECT pg_sleep(0.1)");
    }
  }
}

/** The end of what is committed now, flushed, so that a slot can be read up to here. */
export async function readCommittedEnd(client: Client): Promise<bigint> {
  const rows = await query<{ lsn: string }>(
    client,
    "SELECT pg_logical_emit_message(true, 'tierlift', '')::text AS lsn",
  );
  const [end] = await query<{ lsn: string }>(client, "SELECT pg_current_wal_flush_lsn()::text AS lsn");
  const message = parseLsn(rows[0]?.lsn ?? "0/0");
  const flushed = parseLsn(end?.lsn ?? "0/0");
  return flushed > message ? flushed : message;
}

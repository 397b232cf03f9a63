/** Connections to PostgreSQL with deadlines, TLS, and one place to end them all. */
import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { at, DataError } from "../errors.ts";
import type { Place } from "../errors.ts";
import type { Server } from "../request.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECT_TRIES = 5;
/** For everything but bulk work, which sets its own. */
const STATEMENT_TIMEOUT_MS = 60_000;
/** Longest single COPY, checksum or index build. */
export const BULK_TIMEOUT_MS = 6 * 60 * 60 * 1000;

export const APPLICATION_NAME = "tierlift-data";

/**
 * Every session writes values as text in the same way, so that a checksum of text means the same on both sides; names
 * are always qualified (empty search path); and rows hidden by a policy are an error, not silently left out.
 */
const SESSION_SETTINGS = `
  SET search_path = ''; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC';
  SET extra_float_digits = 1; SET bytea_output = 'hex'; SET row_security = off;
  SET lock_timeout = '30s'; SET default_transaction_read_only = off; SET idle_in_transaction_session_timeout = 0;
  SET statement_timeout = ${STATEMENT_TIMEOUT_MS}`;

export type Client = pg.Client;

export interface Connections {
  open(server: Server, database: string, side: "source" | "target"): Promise<Client>;
  /** Runs `work` on a connection of its own. */
  using<T>(
    server: Server,
    database: string,
    side: "source" | "target",
    work: (client: Client) => Promise<T>,
  ): Promise<T>;
  /** A connection that speaks the replication protocol; for making slots. */
  openReplication(server: Server, database: string, side: "source" | "target"): Promise<Client>;
  /** Ends every open connection; the servers roll back what was not committed. */
  close(): Promise<void>;
  readonly signal: AbortSignal;
}

/** Connections that all end at once when `signal` aborts. */
export function createConnections(signal: AbortSignal): Connections {
  const open = new Set<Client>();
  const onAbort = (): void => {
    for (const client of open) destroy(client);
  };
  signal.addEventListener("abort", onAbort, { once: true });

  async function openOne(
    server: Server,
    database: string,
    side: "source" | "target",
    replication = false,
  ): Promise<Client> {
    const client = await at({ side, database }, () =>
      connectWithRetry({ ...server, database, replication }, signal),
    );
    open.add(client);
    client.once("end", () => open.delete(client));
    // Without a listener a connection that breaks between two queries would end the process.
    client.on("error", () => open.delete(client));
    return client;
  }

  return {
    signal,
    open: (server, database, side) => openOne(server, database, side),
    openReplication: (server, database, side) => openOne(server, database, side, true),
    async using(server, database, side, work) {
      const client = await openOne(server, database, side);
      try {
        return await work(client);
      } finally {
        await end(client);
      }
    },
    async close() {
      signal.removeEventListener("abort", onAbort);
      await Promise.all([...open].map(end));
    },
  };
}

type Address = Server & { database: string; replication: boolean };

async function connectWithRetry(address: Address, signal: AbortSignal): Promise<Client> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await connect(address);
    } catch (error) {
      if (attempt >= CONNECT_TRIES || !isTransient(error)) throw error;
      await delay(200 * 2 ** attempt, undefined, { signal });
    }
  }
}

async function connect(address: Address): Promise<Client> {
  const mode = address.sslmode ?? (isLoopback(address.host) ? "prefer" : "require");
  if (mode === "disable") return await connectOnce(address, false);
  try {
    return await connectOnce(address, true);
  } catch (error) {
    if (mode === "prefer" && error instanceof Error && /does not support SSL/.test(error.message)) {
      return await connectOnce(address, false);
    }
    throw error;
  }
}

async function connectOnce(address: Address, tls: boolean): Promise<Client> {
  const options: pg.ClientConfig & { replication?: string } = {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    ...(address.replication ? { replication: "database" } : {}),
    application_name: APPLICATION_NAME,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // Node's roots and NODE_EXTRA_CA_CERTS decide; the certificate has to name the host.
    ssl: tls
      ? { rejectUnauthorized: true, ...(isIP(address.host) ? {} : { servername: address.host }) }
      : false,
  };
  const client = new pg.Client(options);
  try {
    await client.connect();
    await client.query(SESSION_SETTINGS);
    return client;
  } catch (error) {
    destroy(client);
    throw error;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** Not there yet, or too busy: connection refused or reset, server starting, too many connections. */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return (
    typeof code === "string" && ["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "57P03", "53300"].includes(code)
  );
}

/** Ends a connection, also one that was lost or does not listen. */
export async function end(client: Client): Promise<void> {
  // A connection in the middle of a COPY does not answer the polite end.
  const timer = setTimeout(() => destroy(client), 2_000);
  try {
    await client.end();
  } catch {
    destroy(client);
  } finally {
    clearTimeout(timer);
  }
}

/** Cuts a connection, whatever it is doing; what is asked of it fails from now on. */
export function destroy(client: Client): void {
  const { connection } = client as unknown as { connection?: { stream?: { destroy(): void } } };
  connection?.stream?.destroy();
}

/** A transaction that sees one moment and changes nothing. */
export const SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/** One transaction: committed when `work` resolves, rolled back when it rejects. */
export async function transaction<T>(
  client: Client,
  mode: "READ WRITE" | typeof SNAPSHOT,
  work: () => Promise<T>,
): Promise<T> {
  await client.query(`BEGIN TRANSACTION ${mode}`);
  try {
    const result = await work();
    await client.query("COMMIT");
    return result;
  } catch (error) {
    // A lost connection has rolled back by itself; the first failure is the one to tell.
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** Rows of a query with a deadline for bulk work. */
export async function bulkQuery<Row extends pg.QueryResultRow>(
  client: Client,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  await client.query(`SET statement_timeout = ${BULK_TIMEOUT_MS}`);
  const { rows } = await client.query<Row>(text, values);
  await client.query(`SET statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
  return rows;
}

export async function query<Row extends pg.QueryResultRow>(
  client: Client,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return (await client.query<Row>(text, values)).rows;
}

export const quoteName = (name: string): string => pg.escapeIdentifier(name);
export const quoteValue = (value: string): string => pg.escapeLiteral(value);

export function requireRow<Row>(rows: Row[], place: Place): Row {
  const [row] = rows;
  if (row === undefined) throw new DataError("DATABASE", "the server answered no row", place);
  return row;
}

/**
 * A tenant's services as their tables see them: rows are inserted, changed and deleted all the time, where the tenant's
 * name leads to, as its own role, one transaction each.
 */
import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Found } from "./ledger.ts";
import { Writer } from "./writer.ts";

export interface Login {
  host: string;
  port: number;
  user: string;
  password: string;
  /** PEM. */
  ca: string;
}

export interface RowWriterOptions {
  tenantId: string;
  database: string;
  /** The table made by `entriesTable`; a name without quotes. */
  table: string;
  /** Looked up at every new connection. */
  login: () => Promise<Login>;
  /** From 0 up to, but not including, 1. */
  random: () => number;
}

/** Time between two transactions. */
const PAUSE_MS = 10;
const CONNECT_MS = 5_000;
/** A server that was killed while it worked never answers. */
const ANSWER_MS = 15_000;
/** More rows than this are deleted rather than added to. */
const MANY = 400;

/** A table for writers: `keyed` has a primary key, the other one none, so that a row can come twice. */
export const entriesTable = (table: string, keyed: boolean): string =>
  `CREATE TABLE public.${table} (tenant_id uuid NOT NULL, id uuid ${keyed ? "PRIMARY KEY" : "NOT NULL"},
     version int NOT NULL, payload text NOT NULL)`;

export class RowWriter extends Writer {
  private readonly options: RowWriterOptions;
  private readonly table: string;

  constructor(options: RowWriterOptions) {
    super(PAUSE_MS);
    this.options = options;
    this.table = `public.${options.table}`;
  }

  /** Over one connection. */
  protected async session(changes: (change: () => Promise<void>) => Promise<void>): Promise<void> {
    const { host, port, user, password, ca } = await this.options.login();
    const client = new pg.Client({
      host,
      port,
      user,
      password,
      database: this.options.database,
      ssl: { ca },
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: ANSWER_MS,
    });
    // What ends the connection fails the query under way as well.
    client.on("error", () => undefined);
    try {
      await client.connect();
      await changes(() => this.change(client));
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private async change(client: pg.Client): Promise<void> {
    const { ledger, table } = this;
    const { tenantId, random } = this.options;
    const rows = ledger.changeable();
    const chosen = rows[Math.floor(random() * rows.length)];
    const dice = random();
    if (chosen === undefined || (dice < 0.5 && rows.length < MANY)) {
      const id = randomUUID();
      const insert = `INSERT INTO ${table} VALUES ($1, $2, 0, repeat('x', 200))`;
      await this.send(client, id, { version: 0 }, insert, [tenantId, id]);
      return;
    }
    const [id, version] = chosen;
    const where = "tenant_id = $1 AND id = $2";
    if (dice < 0.8) {
      const update = `UPDATE ${table} SET version = $3 WHERE ${where}`;
      await this.send(client, id, { version: version + 1 }, update, [tenantId, id, version + 1]);
    } else await this.send(client, id, "delete", `DELETE FROM ${table} WHERE ${where}`, [tenantId, id]);
  }

  private async send(
    client: pg.Client,
    id: string,
    wish: { version: number } | "delete",
    statement: string,
    values: unknown[],
  ): Promise<void> {
    const { ledger } = this;
    try {
      const { rowCount } = await client.query(statement, values);
      // A confirmed row that is not there any more: it stays in the ledger, to be missed at the end.
      if (rowCount !== 1) return ledger.leave(id);
    } catch (error) {
      // An answer with a code is a refusal; without one, and when a server goes down, nobody knows.
      if (error instanceof pg.DatabaseError && !/^(57P|08|XX)/.test(error.code ?? "")) ledger.refused += 1;
      else ledger.cutOff(id, wish);
      throw error;
    }
    if (wish === "delete") ledger.deleted(id);
    else ledger.wrote(id, wish.version);
    this.confirmed();
  }
}

/** The rows of a tenant in a writer's table. */
export async function findEntries(client: pg.ClientBase, table: string, tenantId: string): Promise<Found[]> {
  const { rows } = await client.query<Found>(
    `SELECT id::text, max(version) AS version, count(*)::int AS copies FROM public.${table}
     WHERE tenant_id = $1 GROUP BY id`,
    [tenantId],
  );
  return rows;
}

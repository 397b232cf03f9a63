/** Two PostgreSQL servers as the local cloud runs them, for as long as a bench takes. */
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { ensureAuthority } from "../../local/pki/authority.ts";
import { ensureAdministrator } from "../../local/postgres/administrator.ts";
import { ensureDatabase } from "../../local/postgres/databases.ts";
import { resolveUser } from "../../local/postgres/placement.ts";
import { startPostgres } from "../../local/postgres/server.ts";
import type { PostgresServer } from "../../local/postgres/server.ts";

const ADMINISTRATOR = "bench";

export interface Login {
  host: string;
  port: number;
  user: string;
  password: string;
}

export interface BenchServers {
  source: Login;
  target: Login;
  /** PEM file of the authority that signed both servers' certificates. */
  caFile: string;
  /** An empty database of this name on both servers. */
  createDatabase(name: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts both; `binDir` holds PostgreSQL's programs. Those before version 16 know neither the locale provider nor the
 * roles of the local cloud's servers: with `isOld` the administrator is a superuser.
 */
export async function startBenchServers(binDir: string, { isOld = false } = {}): Promise<BenchServers> {
  const dir = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-data-"));
  // The user that PostgreSQL runs as has to get through.
  await chmod(dir, 0o711);
  const running: PostgresServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const authority = await ensureAuthority(path.join(dir, "pki"));
    const user = await resolveUser();
    const start = async (name: string): Promise<Login> => {
      const server = await startPostgres({
        ...{ dir: path.join(dir, name), name, binDir, user, authority },
        ...(isOld && { localeOptions: [] }),
      });
      running.push(server);
      const password = randomBytes(16).toString("hex");
      if (isOld) await server.query(`CREATE ROLE ${ADMINISTRATOR} LOGIN SUPERUSER PASSWORD '${password}'`);
      else await ensureAdministrator(server, ADMINISTRATOR, password);
      return { host: "127.0.0.1", port: server.port, user: ADMINISTRATOR, password };
    };
    const [source, target] = [await start("source"), await start("target")];
    return {
      source,
      target,
      caFile: authority.certificateFile,
      async createDatabase(name) {
        for (const server of running)
          if (isOld) await server.query(`CREATE DATABASE ${name}`);
          else await ensureDatabase(server, name, { collation: "C" });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A connection without TLS for the time of `work`: on this machine, and nobody else's business. */
export async function connected<T>(
  login: Login,
  database: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...login, database });
  // What ends the connection fails the query under way as well.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

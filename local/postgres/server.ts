import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { writeSecretFile, writeWhole } from "../files.ts";
import type { Authority } from "../pki/authority.ts";
import { keepPort } from "../ports.ts";
import { endLeftOver, startServer, type Server, type StopRule } from "../process.ts";
import { canReach, ensureDataFolder, type OsUser } from "./placement.ts";
import { pgHbaConf, postgresqlConf } from "./settings.ts";

export interface PostgresOptions {
  /** Folder of this server: its data, its log, the superuser's password. */
  dir: string;
  name: string;
  /** Folder with the programs `initdb` and `postgres`. */
  binDir: string;
  user: OsUser | undefined;
  /** Signs the server's certificate. */
  authority: Authority;
  /** How `initdb` is told of collations; by default with a provider that PostgreSQL has from version 17 on. */
  localeOptions?: readonly string[];
}

/** A running PostgreSQL server, with the cloud's own way in. */
export interface PostgresServer {
  readonly port: number;
  isRunning(): boolean;
  /** Settles, with how, when the server has ended. */
  readonly ended: Promise<string>;
  /** As the superuser, who stands for the cloud itself; connected for this one call. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, database?: string): Promise<Row[]>;
  /** Refuses connections without TLS, or admits them, from the next one on. */
  requireTls(required: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Named as on Azure. */
export const superuser = "azuresu";

const BUILTIN_LOCALE = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
const initDeadlineMs = 60_000;
const startDeadlineMs = 60_000;
const statementTimeoutMs = 30_000;
/** SIGINT is PostgreSQL's fast shutdown: sessions are ended, the data is left clean. */
const stopRule: StopRule = { signal: "SIGINT", withinMs: 10_000 };

/** Starts the server with its data in the folder, made when missing. A server left by a killed run is ended first. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { dir, name, user } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await endLeftOver(pidFile(dir), stopRule);
  const data = await ensureDataFolder(dir, user);
  const { binDir } = options;
  if (user && !(await canReach(binDir, user))) {
    throw new Error(`PostgreSQL runs as user id ${user.uid}, who cannot get to its programs in ${binDir}.`);
  }
  const password = await ensureSuperuserPassword(dir);
  await ensureCluster(data, password, options);
  const port = await keepPort(dir);
  await writeConfiguration(data, port, options);
  const connect = (database = "postgres") => connectSuperuser(port, password, database);
  const server: Server = await startServer({
    name: `PostgreSQL server ${name}`,
    command: path.join(binDir, "postgres"),
    args: ["-D", data],
    cwd: data,
    env: { HOME: data },
    ...(user ? { runAs: user } : {}),
    logFile: path.join(dir, "postgres.log"),
    pidFile: pidFile(dir),
    ready: async () =>
      connect()
        .then((client) => client.end())
        .then(() => true),
    deadlineMs: startDeadlineMs,
    stop: stopRule,
  });
  const query = async <Row extends pg.QueryResultRow>(sql: string, database?: string): Promise<Row[]> => {
    const client = await connect(database);
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  return {
    port,
    isRunning: () => server.isRunning(),
    ended: server.exited.then((how) => `${server.name} ${how}`),
    query,
    async requireTls(required) {
      await writeOwned(path.join(data, "pg_hba.conf"), pgHbaConf(superuser, required), user);
      await query("SELECT pg_reload_conf()");
    },
    stop: () => server.stop(),
  };
}

/** Ends what a killed run left in the folder. */
export async function endLeftOverServer(dir: string): Promise<void> {
  await endLeftOver(pidFile(dir), stopRule);
}

function pidFile(dir: string): string {
  return path.join(dir, "postgres.pid");
}

async function connectSuperuser(port: number, password: string, database: string): Promise<pg.Client> {
  const client = new pg.Client({
    host: "127.0.0.1",
    port,
    user: superuser,
    password,
    database,
    connectionTimeoutMillis: 5_000,
    statement_timeout: statementTimeoutMs,
    application_name: "tierlift local cloud",
  });
  // A server that goes away under an idle connection is told of by the next query.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function ensureSuperuserPassword(dir: string): Promise<string> {
  const file = path.join(dir, "superuser-password");
  const kept = await readFile(file, "utf8").catch(() => undefined);
  if (kept) return kept;
  const password = randomBytes(24).toString("base64url");
  await writeSecretFile(file, password);
  return password;
}

/** `initdb`, unless it was done. A folder that one left half done is emptied first. */
async function ensureCluster(
  data: string,
  password: string,
  { binDir, user, localeOptions = BUILTIN_LOCALE }: PostgresOptions,
): Promise<void> {
  const marker = path.join(data, "tierlift-initialised");
  if (
    await readFile(marker).then(
      () => true,
      () => false,
    )
  )
    return;
  const passwordFile = path.join(data, "..", `initdb-${randomBytes(4).toString("hex")}`);
  for (const left of await readdir(data)) await rm(path.join(data, left), { recursive: true });
  try {
    await writeOwned(passwordFile, password, user);
    await promisify(execFile)(
      path.join(binDir, "initdb"),
      [
        `--pgdata=${data}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        ...localeOptions,
        "--no-sync",
        "--no-instructions",
      ],
      {
        timeout: initDeadlineMs,
        env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
        cwd: data,
        ...(user ?? {}),
      },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
  await writeOwned(marker, "", user);
}

async function writeConfiguration(data: string, port: number, options: PostgresOptions): Promise<void> {
  const certificateFile = path.join(data, "server.pem");
  const keyFile = path.join(data, "server-key.pem");
  const pair = await options.authority.issue({
    commonName: options.name,
    hosts: ["127.0.0.1", "localhost"],
    usages: ["server"],
  });
  const requireTls = await readFile(path.join(data, "pg_hba.conf"), "utf8").then((text) =>
    /^hostssl/m.test(text),
  );
  await Promise.all([
    writeOwned(certificateFile, pair.certificate, options.user),
    writeOwned(keyFile, pair.key, options.user),
    writeOwned(
      path.join(data, "postgresql.conf"),
      postgresqlConf({ port, certificateFile, keyFile }),
      options.user,
    ),
    writeOwned(path.join(data, "pg_hba.conf"), pgHbaConf(superuser, requireTls), options.user),
  ]);
}

async function writeOwned(file: string, content: string, user: OsUser | undefined): Promise<void> {
  await writeWhole(file, content, 0o600, user);
}

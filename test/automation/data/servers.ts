/** Two real PostgreSQL servers, as the local cloud runs them: TLS, and an administrator who is no superuser. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type pg from "pg";
import { connected } from "../../../bench/data/servers.ts";
import { createConnections } from "../../../automation/data/postgres/connection.ts";
import type { Progress } from "../../../automation/data/progress.ts";
import type { DataReport } from "../../../automation/data/postgres/report.ts";
import { runVerb } from "../../../automation/data/postgres/verbs.ts";
import type { DataRequest, Server, Verb } from "../../../automation/data/request.ts";
import { ensureAuthority } from "../../../local/pki/authority.ts";
import { ensureAdministrator } from "../../../local/postgres/administrator.ts";
import { ensureDatabase } from "../../../local/postgres/databases.ts";
import { resolveUser } from "../../../local/postgres/placement.ts";
import { startPostgres } from "../../../local/postgres/server.ts";
import type { PostgresServer } from "../../../local/postgres/server.ts";

export const ACME = { id: "5b1f7a4e-0d44-4c5b-9a53-6e0f2f6f1a01", slug: "acme-corp" };
export const OTHER = { id: "0a4dd0a3-1b5c-4f0e-8b0c-2f6a3d1f7b02", slug: "other" };
export const PASSWORD = "admin-password";
export const TENANT_PASSWORD = "tenant-password";

export interface TestServers {
  source: PostgresServer;
  target: PostgresServer;
  caFile: string;
  stop(): Promise<void>;
}

/** Starts both servers; `binDir` from `postgresPrograms()`. */
export async function startServers(binDir: string): Promise<TestServers> {
  const dir = await mkdtemp(path.join(tmpdir(), "tierlift-data-"));
  await chmod(dir, 0o711);
  const authority = await ensureAuthority(path.join(dir, "pki"));
  const user = await resolveUser();
  const start = async (name: string): Promise<PostgresServer> => {
    const server = await startPostgres({ dir: path.join(dir, name), name, binDir, user, authority });
    await ensureAdministrator(server, "manager", PASSWORD);
    return server;
  };
  const [source, target] = await Promise.all([start("source"), start("target")]);
  return {
    source,
    target,
    caFile: authority.certificateFile,
    async stop() {
      await Promise.all([source.stop(), target.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

let databases = 0;

/** A database of this name on both servers, seeded on the source. */
export async function createDatabase(servers: TestServers, seed: string): Promise<string> {
  databases += 1;
  const name = `svc_${databases}`;
  for (const server of [servers.source, servers.target])
    await ensureDatabase(server, name, { collation: "C" });
  await run(servers.source, name, seed);
  return name;
}

/** Runs statements as the administrator. */
export async function run(server: PostgresServer, database: string, sql: string): Promise<void> {
  await withClient(server, database, { user: "manager", password: PASSWORD }, (client) => client.query(sql));
}

export async function rows<Row extends pg.QueryResultRow>(
  server: PostgresServer,
  database: string,
  sql: string,
): Promise<Row[]> {
  return await withClient(
    server,
    database,
    { user: "manager", password: PASSWORD },
    async (client) => (await client.query<Row>(sql)).rows,
  );
}

export async function withClient<T>(
  server: PostgresServer,
  database: string,
  login: { user: string; password: string },
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return await connected({ host: "127.0.0.1", port: server.port, ...login }, database, work);
}

/** Without TLS: this process does not trust the servers' authority. The command line's test covers TLS. */
export function serverOf(server: PostgresServer): Server {
  return { host: "127.0.0.1", port: server.port, user: "manager", password: PASSWORD, sslmode: "disable" };
}

export function requestFor(servers: TestServers, names: string[], tenant = ACME): DataRequest {
  return {
    tenant,
    source: serverOf(servers.source),
    target: serverOf(servers.target),
    databases: names,
    migrationId: "migration-1",
    role: { name: `tenant_${tenant.slug.replaceAll("-", "_")}`, password: TENANT_PASSWORD },
  };
}

/** Runs one verb in this process. */
export async function runData<R extends DataReport = DataReport>(
  verb: Verb,
  request: DataRequest,
  options: { signal?: AbortSignal; progress?: Progress } = {},
): Promise<R> {
  const connections = createConnections(options.signal ?? new AbortController().signal);
  try {
    return (await runVerb(verb, {
      request,
      connections,
      progress: options.progress ?? (() => undefined),
    })) as R;
  } finally {
    await connections.close();
  }
}

/** Runs verbs on one database of both servers as ACME, each with more of a document. */
export const createVerb =
  (servers: () => TestServers) =>
  <R>(name: Verb, database: string, more: Partial<DataRequest> = {}): Promise<R> =>
    runData(name, { ...requestFor(servers(), [database]), ...more }) as Promise<R>;

/** A schema with what services really use, and rows of two tenants. */
export const SEED = `
  CREATE SCHEMA "Mixed Case";
  CREATE TYPE public.status AS ENUM ('draft', 'live', 'it''s gone');
  CREATE DOMAIN public.email AS text CHECK (VALUE LIKE '%@%');
  CREATE TYPE public.point3 AS (x int, y int, label text);
  CREATE SEQUENCE public.ticket_numbers START 1000 INCREMENT 5;
  CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := NEW.touched + 1; RETURN NEW; END $$;
  CREATE FUNCTION public.initials(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT left(t, 1) $$;

  CREATE TABLE public.countries (code char(2) PRIMARY KEY, name text NOT NULL);
  CREATE TABLE public.users (
    tenant_id uuid NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY (START 500) PRIMARY KEY,
    email public.email NOT NULL, country char(2) REFERENCES public.countries, manager bigint REFERENCES public.users,
    initial text GENERATED ALWAYS AS (public.initials(email::text)) STORED,
    UNIQUE (tenant_id, email));
  CREATE TABLE public.documents (
    tenant_id uuid NOT NULL, id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number int NOT NULL DEFAULT nextval('public.ticket_numbers'), owner bigint NOT NULL REFERENCES public.users,
    state public.status NOT NULL DEFAULT 'draft', states public.status[] NOT NULL DEFAULT '{}',
    body jsonb NOT NULL DEFAULT '{}', tags text[], raw bytea, place public.point3,
    price numeric(12, 2) CHECK (price >= 0), at timestamptz NOT NULL DEFAULT now(), touched int NOT NULL DEFAULT 0);
  CREATE INDEX documents_body ON public.documents USING gin (body);
  CREATE UNIQUE INDEX documents_live ON public.documents (tenant_id, number) WHERE state = 'live';
  CREATE TRIGGER touch BEFORE UPDATE ON public.documents FOR EACH ROW EXECUTE FUNCTION public.touch();
  CREATE TABLE "Mixed Case"."Order Items" (
    "Id" serial PRIMARY KEY, tenant_id text NOT NULL, "Document" uuid REFERENCES public.documents ON DELETE CASCADE,
    "quoted ""name""" double precision);
  CREATE TABLE public.events (tenant_id uuid NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
  CREATE TABLE public.events_2025 PARTITION OF public.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE TABLE public.events_2026 PARTITION OF public.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE INDEX events_kind ON public.events (kind);
  CREATE VIEW public.live_documents AS SELECT * FROM public.documents WHERE state = 'live';
  CREATE VIEW public.a_view_on_a_view AS SELECT count(*) AS n FROM public.live_documents;
  COMMENT ON TABLE public.countries IS 'tierlift: reference';
  COMMENT ON COLUMN public.documents.body IS 'what the user wrote';

  INSERT INTO public.countries SELECT chr(65 + n / 26) || chr(65 + n % 26), 'country ' || n FROM generate_series(0, 99) n;
  INSERT INTO public.users (tenant_id, email, country)
    SELECT t::uuid, 'user' || n || '@' || left(t, 4) || '.test', chr(65 + n % 90 / 26) || chr(65 + n % 90 % 26)
    FROM unnest(ARRAY['${ACME.id}', '${OTHER.id}']) t, generate_series(1, 200) n;
  UPDATE public.users u SET manager = (SELECT min(id) FROM public.users m WHERE m.tenant_id = u.tenant_id);
  INSERT INTO public.documents (tenant_id, owner, state, states, body, tags, raw, place, price, at)
    SELECT u.tenant_id, u.id, (ARRAY['draft', 'live', 'it''s gone']::public.status[])[1 + n % 3],
      ARRAY['live', 'draft']::public.status[], jsonb_build_object('n', n, 'text', E'tab\\tnew\\nline "quote" \\\\ ü'),
      ARRAY['a', NULL, 'c,d', ''], decode(md5(n::text), 'hex'), ROW(n, -n, 'p')::public.point3, n / 7.0,
      '2026-01-01'::timestamptz + n * interval '1 minute'
    FROM public.users u, generate_series(1, 5) n;
  INSERT INTO "Mixed Case"."Order Items" (tenant_id, "Document", "quoted ""name""")
    SELECT tenant_id::text, id, random() FROM public.documents;
  INSERT INTO public.events SELECT tenant_id, '2025-06-01'::date + (id % 500)::int, 'k' || id % 3 FROM public.users;
  `;

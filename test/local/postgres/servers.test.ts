import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ArmResource, Backend } from "../../../local/arm/backend.ts";
import { ensureAuthority, type Authority } from "../../../local/pki/authority.ts";
import { createPostgresBackends, type PostgresBackends } from "../../../local/postgres/servers.ts";
import { resource, viewOf } from "../../support/arm-resources.ts";
import { postgresPrograms } from "../../support/local-parts.ts";

const binDir = postgresPrograms();
const serverId =
  "/subscriptions/s/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/acme-pg";
const properties = { administratorLogin: "acmeadmin", administratorLoginPassword: "first 'pass\\word" };

let dir: string;
let authority: Authority;
let group: PostgresBackends;
const resources: ArmResource[] = [resource(serverId, { properties: { ...properties } })];
const view = viewOf(resources);

function backend(type: string): Backend {
  return group.backends.find((candidate) => candidate.type.endsWith(type))!;
}

function child(kind: string, name: string, of: Record<string, unknown> = {}): ArmResource {
  return resource(`${serverId}/${kind}/${name}`, { properties: of });
}

function createGroup(): PostgresBackends {
  return createPostgresBackends({ dir, binDir: binDir!, authority, onChange: () => undefined });
}

async function query<Row extends pg.QueryResultRow>(
  sql: string,
  options: { database?: string; password?: string; tls?: boolean; user?: string } = {},
): Promise<Row[]> {
  const { host, port } = group.servers()[0]!;
  const client = new pg.Client({
    host,
    port,
    user: options.user ?? "acmeadmin",
    password: options.password ?? properties.administratorLoginPassword,
    database: options.database ?? "postgres",
    ssl: (options.tls ?? true) && { ca: authority.certificate },
  });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe.skipIf(!binDir)("a flexible server's PostgreSQL", () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "tierlift-postgres-"));
    authority = await ensureAuthority(path.join(dir, "pki"));
    group = createGroup();
    await backend("flexibleservers").ensure(resources[0]!, view);
  });

  afterAll(async () => {
    await backend("flexibleservers").remove(resources[0]!, view);
    await group.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is answered with its address, and told to clients with a password file only its owner reads", async () => {
    const outputs = await backend("flexibleservers").ensure(resources[0]!, view);
    const [server] = group.servers();
    expect(outputs).toMatchObject({ fullyQualifiedDomainName: `127.0.0.1:${server!.port}`, state: "Ready" });
    expect(server).toMatchObject({ resourceId: serverId, host: "127.0.0.1", user: "acmeadmin" });
    expect(await readFile(server!.passwordFile, "utf8")).toBe(properties.administratorLoginPassword);
    expect((await stat(server!.passwordFile)).mode & 0o777).toBe(0o600);
  });

  it("speaks TLS with a certificate of the local authority", async () => {
    const rows = await query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    expect(rows).toEqual([{ ssl: true }]);
  });

  it("refuses a wrong password", async () => {
    await expect(query("SELECT 1", { password: "guess" })).rejects.toMatchObject({ code: "28P01" });
  });

  it("gives the administrator Azure's rights, short of a superuser's", async () => {
    const rows = await query(
      "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, pg_has_role('azure_pg_admin', 'USAGE') AS admin FROM pg_roles WHERE rolname = current_user",
    );
    expect(rows).toEqual([
      {
        rolsuper: false,
        rolcreatedb: true,
        rolcreaterole: true,
        rolreplication: true,
        rolbypassrls: true,
        admin: true,
      },
    ]);
    await expect(query("COPY (SELECT 1) TO PROGRAM 'true'")).rejects.toMatchObject({ code: "42501" });
  });

  it("keeps the password out of the server's log, also when its statement fails", async () => {
    await query("SELECT broken").catch(() => undefined);
    const log = await readFile(path.join(dir, (await serverFolder())!, "postgres.log"), "utf8");
    expect(log).toContain("SELECT broken");
    expect(log).not.toContain("first 'pass");
    expect(log).not.toContain("SCRAM-SHA-256$");
  });

  it("has a database for each database resource, in which the administrator may do what a mover does", async () => {
    const database = child("databases", "catalog", { charset: "UTF8", collation: "en_US.utf8" });
    expect(await backend("/databases").ensure(database, view)).toEqual({
      charset: "UTF8",
      collation: "en_US.utf8",
    });
    await backend("/databases").ensure(database, view);
    const in_ = { database: "catalog" };
    await query("CREATE TABLE public.t (id int PRIMARY KEY, tenant_id text)", in_);
    await query(
      "CREATE SCHEMA extra; CREATE EXTENSION pgcrypto; CREATE PUBLICATION p FOR TABLE t WHERE (id > 1)",
      in_,
    );
    await query(
      "CREATE ROLE tenant_acme LOGIN PASSWORD 'x'; GRANT SELECT ON t TO tenant_acme; REVOKE SELECT ON t FROM tenant_acme",
      in_,
    );
    expect(await query("SELECT datcollate FROM pg_database WHERE datname = 'catalog'")).toHaveLength(1);
    await backend("/databases").remove(database, view);
    expect(await query("SELECT 1 FROM pg_database WHERE datname = 'catalog'")).toEqual([]);
  });

  it("refuses an encoding that PostgreSQL does not know", async () => {
    const database = child("databases", "odd", { charset: "KLINGON" });
    await expect(backend("/databases").ensure(database, view)).rejects.toMatchObject({ status: 400 });
  });

  it("keeps its data, its port and its roles over a stop and a start", async () => {
    await query("CREATE TABLE kept AS SELECT 42 AS answer");
    const before = group.servers()[0]!.port;
    await group.stop();
    group = createGroup();
    await backend("flexibleservers").ensure(resources[0]!, view);
    expect(group.servers()[0]!.port).toBe(before);
    expect(await query("SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  });

  it("is brought back when it is killed", async () => {
    const { pid } = JSON.parse(
      await readFile(path.join(dir, (await serverFolder())!, "postgres.pid"), "utf8"),
    ) as { pid: number };
    process.kill(pid, "SIGKILL");
    await vi.waitFor(async () => {
      const [row] = await query<{ pid: boolean }>(
        "SELECT pg_postmaster_start_time() > now() - interval '1 minute' AS pid",
      );
      const now = JSON.parse(
        await readFile(path.join(dir, (await serverFolder())!, "postgres.pid"), "utf8"),
      ) as { pid: number };
      expect([row?.pid, now.pid === pid]).toEqual([true, false]);
    }, 10_000);
  });

  it("takes a new password with an update of the resource", async () => {
    resources[0] = resource(serverId, {
      properties: { ...properties, administratorLoginPassword: "second" },
    });
    await backend("flexibleservers").ensure(resources[0], view);
    await expect(query("SELECT 1")).rejects.toMatchObject({ code: "28P01" });
    expect(await query("SELECT 1 AS one", { password: "second" })).toEqual([{ one: 1 }]);
    resources[0] = resource(serverId, { properties: { ...properties } });
    await backend("flexibleservers").ensure(resources[0], view);
  });

  it("refuses a login name that Azure reserves", async () => {
    const other = resource(serverId.replace("acme-pg", "odd-pg"), {
      properties: { ...properties, administratorLogin: "azuresu" },
    });
    await expect(backend("flexibleservers").ensure(other, viewOf([other]))).rejects.toMatchObject({
      code: "InvalidAdministratorLogin",
    });
    await backend("flexibleservers").remove(other, viewOf([other]));
  });

  describe("parameters", () => {
    it("take effect at once where they can, and answer their default", async () => {
      const set = child("configurations", "work_mem", { value: "8192", source: "user-override" });
      expect(await backend("/configurations").ensure(set, view)).toMatchObject({
        value: "8192",
        defaultValue: "4096",
        dataType: "Integer",
        isDynamicConfig: true,
        source: "user-override",
      });
      expect(await query("SHOW work_mem")).toEqual([{ work_mem: "8MB" }]);
      await backend("/configurations").remove(set, view);
      expect(await query("SHOW work_mem")).toEqual([{ work_mem: "4MB" }]);
    });

    it("restart the server where they must", async () => {
      const set = child("configurations", "max_connections", { value: "150" });
      expect(await backend("/configurations").ensure(set, view)).toMatchObject({
        value: "150",
        defaultValue: "200",
      });
      expect(await query("SHOW max_connections")).toEqual([{ max_connections: "150" }]);
    });

    it.each([
      ["an unknown name", "no_such_parameter", "1", "ConfigurationNotExists"],
      ["a value out of range", "work_mem", "1", "InvalidParameterValue"],
      ["one that is not to be set", "port", "1", "ReadOnlyConfiguration"],
    ])("are refused with %s", async (_, name, value, code) => {
      const set = child("configurations", name, { value });
      await expect(backend("/configurations").ensure(set, view)).rejects.toMatchObject({ code });
    });

    it("refuse connections without TLS once secure transport is required", async () => {
      const set = child("configurations", "require_secure_transport", { value: "on" });
      expect(await query("SELECT 1 AS one", { tls: false })).toEqual([{ one: 1 }]);
      await backend("/configurations").ensure(set, view);
      await expect(query("SELECT 1", { tls: false })).rejects.toMatchObject({ code: "28000" });
      expect(await query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    it("can be asked for although nobody has set them", async () => {
      expect(await group.configuration(serverId, "wal_level", view)).toMatchObject({ value: "logical" });
    });
  });
});

async function serverFolder(): Promise<string | undefined> {
  const { readdir } = await import("node:fs/promises");
  return (await readdir(dir)).find((name) => name.startsWith("acme-pg-"));
}

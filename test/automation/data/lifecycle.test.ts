import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  CopyReport,
  DeltaReport,
  FreezeReport,
  ProvisionReport,
  PurgeReport,
  VerifyReport,
} from "../../../automation/data/postgres/report.ts";
import { postgresPrograms } from "../../support/local-parts.ts";
import {
  ACME,
  createDatabase,
  OTHER,
  requestFor,
  rows,
  run,
  runData,
  SEED,
  startServers,
  TENANT_PASSWORD,
  withClient,
} from "./servers.ts";
import type { TestServers } from "./servers.ts";

const binDir = postgresPrograms();
const acme = { user: "tenant_acme_corp", password: TENANT_PASSWORD };
const other = { user: "tenant_other", password: TENANT_PASSWORD };
const INSERT = `INSERT INTO public.countries VALUES ('ZZ', 'new') ON CONFLICT (code) DO UPDATE SET name = 'newer'`;

describe.skipIf(!binDir)("the tenant's rows and role on the shared server", () => {
  let servers: TestServers;
  let database: string;
  beforeAll(async () => {
    servers = await startServers(binDir!);
    database = await createDatabase(servers, SEED);
    await runData("provision", requestFor(servers, [database], OTHER));
  });
  afterAll(() => servers.stop());

  const provision = () => runData<ProvisionReport>("provision", requestFor(servers, [database]));
  const asAcme = (sql: string) => withClient(servers.source, database, acme, (client) => client.query(sql));

  it("provision makes a role that logs in, reads and writes, also what is made later", async () => {
    expect((await provision()).role).toBe("tenant_acme_corp");
    await asAcme(INSERT);
    await run(
      servers.source,
      database,
      "CREATE TABLE IF NOT EXISTS public.later (id serial, tenant_id uuid)",
    );
    await asAcme("INSERT INTO public.later DEFAULT VALUES");
    await expect(asAcme("TRUNCATE public.later")).rejects.toThrow(/permission denied/);
    await expect(asAcme("CREATE TABLE public.mine (id int)")).rejects.toThrow(/permission denied/);
  });

  it("provision can run again, and several tenants at once", async () => {
    await provision();
    const again = await Promise.all([
      provision(),
      runData<ProvisionReport>("provision", requestFor(servers, [database], OTHER)),
    ]);
    expect(again.map(({ created }) => created)).toEqual([false, false]);
    await asAcme("SELECT 1");
  });

  it("provision gives the role no more connections than its tier has, and more when the tier grows", async () => {
    const request = requestFor(servers, [database]);
    const limited = (connectionLimit: number) => ({
      ...request,
      role: { ...request.role!, connectionLimit },
    });
    const two = () => withClient(servers.source, database, acme, () => asAcme("SELECT 1"));
    await runData("provision", limited(1));
    await expect(two()).rejects.toThrow(/too many connections for role "tenant_acme_corp"/);
    await runData("provision", limited(2));
    await expect(two()).resolves.toBeDefined();
    await provision();
    expect(
      await rows(
        servers.source,
        database,
        "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'tenant_acme_corp'",
      ),
    ).toEqual([{ rolconnlimit: 2 }]);
  });

  it("freeze stops this tenant's writes and open transactions, and nobody else's", async () => {
    await provision();
    await withClient(servers.source, database, acme, async (client) => {
      await client.query("BEGIN");
      await client.query(INSERT);
      const report = await runData<FreezeReport>("freeze", requestFor(servers, [database]));
      expect(report).toMatchObject({ roleExists: true, writable: false, endedSessions: 1 });
      expect(report.seconds).toBeLessThan(4);
      await expect(client.query("COMMIT")).rejects.toThrow();
    });
    await expect(asAcme(INSERT)).rejects.toThrow(/permission denied/);
    await expect(asAcme("SELECT count(*) FROM public.countries")).resolves.toBeDefined();
    await withClient(servers.source, database, other, (client) => client.query(INSERT));
    expect(await runData<FreezeReport>("unfreeze", requestFor(servers, [database]))).toMatchObject({
      writable: true,
    });
    await asAcme(INSERT);
  });

  it("freeze says so when there is no such role", async () => {
    const nobody = { ...ACME, slug: "nobody" };
    expect(await runData<FreezeReport>("freeze", requestFor(servers, [database], nobody))).toMatchObject({
      roleExists: false,
      writable: false,
    });
  });

  it("freeze fails when a grant by hand still lets the role write", async () => {
    await provision();
    await run(servers.source, database, "GRANT UPDATE ON public.users TO tenant_acme_corp");
    await expect(runData("freeze", requestFor(servers, [database]))).rejects.toThrow(/public.users/);
    await run(servers.source, database, "REVOKE UPDATE ON public.users FROM tenant_acme_corp");
    await runData("unfreeze", requestFor(servers, [database]));
  });

  it("delta brings inserted, changed and deleted rows, and then both sides are equal", async () => {
    const changing = await createDatabase(servers, SEED);
    const request = requestFor(servers, [changing]);
    await runData("copy", request);
    await run(
      servers.source,
      changing,
      `INSERT INTO public.users (tenant_id, email) VALUES ('${ACME.id}', 'late@acme.test'), ('${OTHER.id}', 'x@other.test');
       UPDATE public.documents SET price = price + 1 WHERE state = 'live';
       DELETE FROM "Mixed Case"."Order Items" WHERE "Id" % 3 = 0`,
    );
    const report = await runData<DeltaReport>("delta", request);
    // They came row by row; nothing was left to be copied again.
    expect(report.rows).toBe(0);
    expect(await runData<VerifyReport>("verify", request)).toMatchObject({ ok: true });
    expect((await runData<DeltaReport>("delta", request)).rows).toBe(0);
    const touched = await rows(
      servers.target,
      changing,
      "SELECT max(touched) AS touched FROM public.documents",
    );
    expect(touched).toEqual([{ touched: 1 }]);
    await expect(run(servers.target, changing, "UPDATE public.documents SET owner = -1")).rejects.toThrow(
      /foreign key/,
    );
    await run(
      servers.target,
      changing,
      `INSERT INTO public.users (tenant_id, email) VALUES ('${ACME.id}', 'after@acme.test')`,
    );
  });

  it("delta copies tables again where the server could not keep the changes", async () => {
    const changing = await createDatabase(servers, SEED);
    const request = requestFor(servers, [changing]);
    await run(
      servers.source,
      changing,
      "CREATE TABLE public.odd (tenant_id uuid, n int, m int GENERATED ALWAYS AS (n + 1) STORED)",
    );
    const copied = await runData<CopyReport>("copy", request);
    expect(copied.databases[0]!.following).toBe(false);
    expect(copied.databases[0]!.notes.join()).toMatch(
      /changes are not followed.*public.odd.*generated column/,
    );
    await run(
      servers.source,
      changing,
      `INSERT INTO public.odd VALUES ('${ACME.id}', 1); UPDATE public.odd SET n = 2`,
    );
    const report = await runData<DeltaReport>("delta", request);
    expect(
      report.databases[0]!.tables.filter(({ action }) => action === "copied").map(({ table }) => table),
    ).toEqual(["public.odd"]);
    expect(await runData<VerifyReport>("verify", request)).toMatchObject({ ok: true });
  });

  it("copy refuses a database that the tenant may be working on", async () => {
    const moved = await createDatabase(servers, SEED);
    const request = requestFor(servers, [moved]);
    await runData("copy", request);
    await runData("delta", request);
    await expect(runData("copy", request)).rejects.toMatchObject({ code: "REFUSED" });
    expect(await rows(servers.target, moved, "SELECT count(*)::int AS n FROM public.users")).toEqual([
      { n: 200 },
    ]);
  });

  it("delta asks for a copy where the schema has changed since", async () => {
    const changed = await createDatabase(servers, SEED);
    const request = requestFor(servers, [changed]);
    await runData("copy", request);
    await run(servers.source, changed, "CREATE TABLE public.added (id int)");
    await expect(runData("delta", request)).rejects.toThrow(/public.added: .*run copy again/);
  });
});

describe.skipIf(!binDir)("purge", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers(binDir!);
  });
  afterAll(() => servers.stop());

  const fingerprint = (database: string, tenant: string) =>
    rows(
      servers.source,
      database,
      `SELECT 'users' AS t, count(*)::int AS n, sum(hashtextextended(u::text, 0)) AS sum FROM public.users u WHERE tenant_id = '${tenant}'
       UNION ALL SELECT 'documents', count(*)::int, sum(hashtextextended(d::text, 0)) FROM public.documents d WHERE tenant_id = '${tenant}'
       UNION ALL SELECT 'items', count(*)::int, sum(hashtextextended(i::text, 0)) FROM "Mixed Case"."Order Items" i WHERE tenant_id = '${tenant}'
       UNION ALL SELECT 'events', count(*)::int, sum(hashtextextended(e::text, 0)) FROM public.events e WHERE tenant_id = '${tenant}'`,
    );

  it("takes the tenant's rows and role away and leaves every other row as it was", async () => {
    const database = await createDatabase(servers, SEED);
    await runData("provision", requestFor(servers, [database]));
    const before = await fingerprint(database, OTHER.id);
    const report = await runData<PurgeReport>("purge", requestFor(servers, [database]));
    expect(report).toMatchObject({ rows: 2400, role: { name: "tenant_acme_corp", dropped: true } });
    for (const { others } of report.databases[0]!.tables) expect(others.after).toBe(others.before);
    expect(await fingerprint(database, OTHER.id)).toEqual(before);
    expect((await fingerprint(database, ACME.id)).map(({ n }) => n as number)).toEqual([0, 0, 0, 0]);
    expect(
      await rows(servers.source, database, "SELECT FROM pg_roles WHERE rolname = 'tenant_acme_corp'"),
    ).toEqual([]);
  });

  it("finds nothing to do the second time", async () => {
    const database = await createDatabase(servers, SEED);
    await runData("purge", requestFor(servers, [database]));
    expect(await runData<PurgeReport>("purge", requestFor(servers, [database]))).toMatchObject({
      rows: 0,
      role: { dropped: false },
    });
  });

  it("ends the tenant's sessions, and keeps what its role owned", async () => {
    const database = await createDatabase(servers, SEED);
    await runData("provision", requestFor(servers, [database]));
    await run(
      servers.source,
      database,
      "GRANT CREATE ON SCHEMA public TO tenant_acme_corp; GRANT tenant_acme_corp TO manager",
    );
    await withClient(servers.source, database, acme, async (client) => {
      await client.query("CREATE TABLE public.owned (id int)");
      await client.query("BEGIN; LOCK TABLE public.users");
      await runData("purge", requestFor(servers, [database]));
      await expect(client.query("SELECT 1")).rejects.toThrow();
    });
    expect(await rows(servers.source, database, "SELECT * FROM public.owned")).toEqual([]);
  });

  it("refuses to begin when another tenant's rows would go along", async () => {
    const database = await createDatabase(servers, SEED);
    await run(
      servers.source,
      database,
      `UPDATE "Mixed Case"."Order Items" SET "Document" = (SELECT id FROM public.documents WHERE tenant_id = '${ACME.id}' LIMIT 1)
       WHERE "Id" = (SELECT max("Id") FROM "Mixed Case"."Order Items" WHERE tenant_id = '${OTHER.id}')`,
    );
    const before = await fingerprint(database, ACME.id);
    await expect(runData("purge", requestFor(servers, [database]))).rejects.toMatchObject({
      code: "REFUSED",
    });
    expect(await fingerprint(database, ACME.id)).toEqual(before);
  });
});

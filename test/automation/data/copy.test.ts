import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CopyReport, VerifyReport } from "../../../automation/data/postgres/report.ts";
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
} from "./servers.ts";
import type { TestServers } from "./servers.ts";

const binDir = postgresPrograms();

/** Every definition in a database, a line each. */
const DEFINITIONS = `
  SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) AS line
    FROM pg_constraint WHERE connamespace IN ('public'::regnamespace, '"Mixed Case"'::regnamespace)
  UNION ALL SELECT 'index ' || pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
    WHERE c.relnamespace IN ('public'::regnamespace, '"Mixed Case"'::regnamespace)
  UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'view ' || viewname || definition FROM pg_views WHERE schemaname = 'public'
  UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT 'column ' || attrelid::regclass || ' ' || attnum || ' ' || attname || ' ' || format_type(atttypid, atttypmod)
      || ' ' || attnotnull || attidentity::text || attgenerated::text || ' ' || coalesce(pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = attnum
    WHERE c.relnamespace IN ('public'::regnamespace, '"Mixed Case"'::regnamespace) AND attnum > 0 AND relkind <> 'i'
  UNION ALL SELECT 'sequence ' || sequencename || ' ' || last_value || ' ' || increment_by FROM pg_sequences
  UNION ALL SELECT 'comment ' || description FROM pg_description WHERE objoid = 'public.documents'::regclass
  ORDER BY 1`;

/** What few schemas have: tables that refer to each other in a cycle, a large value, times without end. */
const UNUSUAL = `
  ALTER TABLE public.users ADD favourite uuid REFERENCES public.documents ON DELETE SET NULL;
  UPDATE public.users u SET favourite = (SELECT id FROM public.documents d WHERE d.owner = u.id LIMIT 1);
  UPDATE public.documents SET at = CASE number % 3 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' ELSE at END::timestamptz;
  UPDATE public.documents SET raw = decode(repeat(md5('x'), 655360), 'hex')
    WHERE id = (SELECT id FROM public.documents WHERE tenant_id = '${ACME.id}' LIMIT 1)`;

describe.skipIf(!binDir)("copy", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers(binDir!);
  });
  afterAll(() => servers.stop());

  it("brings the tenant's rows and whole reference tables, and nothing of other tenants", async () => {
    const database = await createDatabase(servers, SEED);
    const report = await runData<CopyReport>("copy", requestFor(servers, [database]));
    expect(report.databases[0]!.tables.map(({ table, scope, rows: count }) => [table, scope, count])).toEqual(
      [
        ["Mixed Case.Order Items", "tenant", 1000],
        ["public.countries", "reference", 100],
        ["public.documents", "tenant", 1000],
        ["public.events_2025", "tenant", expect.any(Number)],
        ["public.events_2026", "tenant", expect.any(Number)],
        ["public.users", "tenant", 200],
      ],
    );
    expect(report.rows).toBe(2500);
    const left = await rows(
      servers.target,
      database,
      `SELECT count(*)::int AS others FROM (
         SELECT tenant_id::text FROM public.users UNION ALL SELECT tenant_id::text FROM public.documents
         UNION ALL SELECT tenant_id FROM "Mixed Case"."Order Items" UNION ALL SELECT tenant_id::text FROM public.events
       ) x WHERE tenant_id <> '${ACME.id}'`,
    );
    expect(left).toEqual([{ others: 0 }]);
  });

  it("makes a schema that says the same of itself as the source's", async () => {
    const database = await createDatabase(servers, SEED);
    await runData("copy", requestFor(servers, [database]));
    const source = await rows(servers.source, database, DEFINITIONS);
    expect(source.length).toBeGreaterThan(60);
    expect(await rows(servers.target, database, DEFINITIONS)).toEqual(source);
  });

  it("brings rows that refer to each other in a cycle, a value of 10 MB and times without end", async () => {
    const database = await createDatabase(servers, `${SEED}; ${UNUSUAL}`);
    await runData("copy", requestFor(servers, [database]));
    expect((await runData<VerifyReport>("verify", requestFor(servers, [database]))).differences).toEqual([]);
    const definitions = await rows(servers.source, database, DEFINITIONS);
    expect(await rows(servers.target, database, DEFINITIONS)).toEqual(definitions);
    const unusual = `SELECT count(favourite)::int AS favourites, max(length(raw)) AS longest,
      count(*) FILTER (WHERE NOT isfinite(at))::int AS endless
      FROM public.users JOIN public.documents ON owner = users.id WHERE users.tenant_id = '${ACME.id}'`;
    const [found] = await rows<Record<string, number>>(servers.target, database, unusual);
    expect(found).toMatchObject({ favourites: 1000, longest: 10 * 1024 * 1024 });
    expect(found!["endless"]).toBeGreaterThan(500);
    expect(await rows(servers.source, database, unusual)).toEqual([found]);
  }, 60_000);

  it("leaves a database that works: sequences go on, triggers fire, keys hold", async () => {
    const database = await createDatabase(servers, SEED);
    await runData("copy", requestFor(servers, [database]));
    await run(
      servers.target,
      database,
      `INSERT INTO public.users (tenant_id, email) VALUES ('${ACME.id}', 'new@acme.test');
       INSERT INTO "Mixed Case"."Order Items" (tenant_id) VALUES ('${ACME.id}');
       UPDATE public.documents SET price = 1 WHERE number = (SELECT min(number) FROM public.documents)`,
    );
    expect(
      await rows(servers.target, database, "SELECT max(touched) AS touched FROM public.documents"),
    ).toEqual([{ touched: 1 }]);
    await expect(run(servers.target, database, `UPDATE public.documents SET owner = -1`)).rejects.toThrow(
      /foreign key/,
    );
  });

  it("replaces what an earlier try left, also one that was killed in the middle", async () => {
    const database = await createDatabase(servers, SEED);
    const killed = new AbortController();
    await expect(
      runData("copy", requestFor(servers, [database]), {
        signal: killed.signal,
        progress: ({ event }) => {
          if (event === "copied") killed.abort(new Error("killed"));
        },
      }),
    ).rejects.toThrow();
    const report = await runData<CopyReport>("copy", requestFor(servers, [database]));
    expect(report.rows).toBe(2500);
    expect((await runData<CopyReport>("copy", requestFor(servers, [database]))).rows).toBe(2500);
  });

  it("refuses a database with tables that it has not made", async () => {
    const database = await createDatabase(servers, SEED);
    await run(servers.target, database, "CREATE TABLE public.precious (id int)");
    await expect(runData("copy", requestFor(servers, [database]))).rejects.toMatchObject({ code: "REFUSED" });
    expect(await rows(servers.target, database, "SELECT count(*)::int AS n FROM public.precious")).toEqual([
      { n: 0 },
    ]);
  });

  it("refuses to replace another tenant's copy", async () => {
    const database = await createDatabase(servers, SEED);
    await runData("copy", requestFor(servers, [database], OTHER));
    await expect(runData("copy", requestFor(servers, [database]))).rejects.toThrow(/another tenant/);
  });

  it("names database and key when the tenant's rows do not stand by themselves", async () => {
    const database = await createDatabase(servers, SEED);
    await run(
      servers.source,
      database,
      `UPDATE public.documents SET owner = (SELECT id FROM public.users WHERE tenant_id = '${OTHER.id}' LIMIT 1)
       WHERE number = (SELECT min(number) FROM public.documents WHERE tenant_id = '${ACME.id}')`,
    );
    await expect(runData("copy", requestFor(servers, [database]))).rejects.toThrow(
      new RegExp(`${database}: cannot make constraint documents_owner_fkey`),
    );
  });

  it("splits a large database over several connections that see one snapshot", async () => {
    const database = await createDatabase(
      servers,
      `CREATE TABLE a (tenant_id uuid, n int, filler text); CREATE TABLE b (LIKE a); CREATE TABLE c (LIKE a);
       INSERT INTO a SELECT '${ACME.id}', n, repeat(md5(n::text), 10) FROM generate_series(1, 60000) n;
       INSERT INTO b SELECT * FROM a; INSERT INTO c SELECT * FROM a`,
    );
    const report = await runData<CopyReport>("copy", requestFor(servers, [database]));
    expect(report.databases[0]!.tables.map(({ rows: count }) => count)).toEqual([60000, 60000, 60000]);
    const verified = await runData<VerifyReport>("verify", requestFor(servers, [database]));
    expect(verified.differences).toEqual([]);
    expect(new Set(verified.databases[0]!.tables.map(({ checksum }) => checksum)).size).toBe(1);
  });

  it("verify finds both sides equal after a copy", async () => {
    const database = await createDatabase(servers, SEED);
    const copied = await runData<CopyReport>("copy", requestFor(servers, [database]));
    const report = await runData<VerifyReport>("verify", requestFor(servers, [database]));
    expect(report).toMatchObject({ ok: true, mismatches: [], rows: copied.rows });
  });

  it("verify brings the source's new rows over and tells a damaged target from them", async () => {
    const database = await createDatabase(servers, SEED);
    const request = requestFor(servers, [database]);
    await runData("copy", request);
    await run(servers.source, database, `DELETE FROM "Mixed Case"."Order Items" WHERE "Id" % 2 = 0`);
    expect(await runData<VerifyReport>("verify", request)).toMatchObject({
      ok: true,
      differences: [],
      drifted: [],
    });
    await run(servers.target, database, `DELETE FROM "Mixed Case"."Order Items" WHERE "Id" % 3 = 0`);
    expect(await runData<VerifyReport>("verify", request)).toMatchObject({
      ok: false,
      differences: [expect.stringMatching(/Mixed Case.Order Items: source 500 rows .*, target \d+ rows/)],
    });
  });

  it("verify names a table whose rows differ by one value, and one that is missing", async () => {
    const database = await createDatabase(servers, SEED);
    await runData("copy", requestFor(servers, [database]));
    await run(
      servers.target,
      database,
      `UPDATE public.countries SET name = 'x' WHERE code = 'AB'; DROP TABLE "Mixed Case"."Order Items"`,
    );
    const report = await runData<VerifyReport>("verify", requestFor(servers, [database]));
    expect(report.ok).toBe(false);
    expect(report.mismatches).toMatchObject([
      { table: "Mixed Case.Order Items", target: null },
      { table: "public.countries", source: { rows: 100 }, target: { rows: 100 } },
    ]);
  });
});

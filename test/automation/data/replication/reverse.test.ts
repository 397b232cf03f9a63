import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planReserve } from "../../../../automation/data/postgres/reverse/reserve.ts";
import type {
  CatchUpReport,
  CutoverReport,
  ReopenReport,
  ReturnReport,
} from "../../../../automation/data/postgres/report.ts";
import { postgresPrograms } from "../../../support/local-parts.ts";
import {
  ACME,
  createDatabase,
  createVerb,
  OTHER,
  PASSWORD,
  requestFor,
  rows,
  run,
  runData,
  SEED,
  startServers,
  TENANT_PASSWORD,
  withClient,
} from "../servers.ts";
import type { TestServers } from "../servers.ts";

const binDir = postgresPrograms();

/** Lines belong to an order and lots to a line; both go with what they belong to. */
const THROUGH = `
  CREATE TABLE public.orders (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, state text NOT NULL DEFAULT 'new');
  CREATE TABLE public.lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES public.orders ON DELETE CASCADE, what text);
  CREATE TABLE public.lots (line_id bigint NOT NULL REFERENCES public.lines ON DELETE CASCADE, lot text);
  COMMENT ON TABLE public.lines IS 'tierlift: through order_id = public.orders.id';
  COMMENT ON TABLE public.lots IS 'tierlift: through line_id = public.lines.id';
  INSERT INTO public.orders (tenant_id) SELECT t::uuid FROM unnest(ARRAY['${ACME.id}', '${OTHER.id}']) t, generate_series(1, 50);
  INSERT INTO public.lines (order_id, what) SELECT id, 'line' || n FROM public.orders, generate_series(1, 3) n;
  INSERT INTO public.lots SELECT id, 'lot' FROM public.lines;`;

const OWN_CHANGES = `
  INSERT INTO public.users (tenant_id, email) SELECT '${ACME.id}', 'own' || n || '@new.test' FROM generate_series(1, 300) n;
  UPDATE public.documents SET price = price + 1, body = body || '{"more": [1, null, "x"]}' WHERE state = 'live';
  UPDATE public.documents SET id = gen_random_uuid() WHERE number % 50 = 0 AND id NOT IN (SELECT "Document" FROM "Mixed Case"."Order Items");
  DELETE FROM "Mixed Case"."Order Items" WHERE "Id" % 3 = 0;
  DELETE FROM public.documents WHERE number % 7 = 0;
  UPDATE public.events SET at = at + 400 WHERE kind = 'k1' AND at < '2025-11-20';
  DELETE FROM public.events WHERE kind = 'k2';
  DELETE FROM public.orders WHERE id % 5 = 0;
  INSERT INTO public.orders (tenant_id) SELECT '${ACME.id}' FROM generate_series(1, 20);
  INSERT INTO public.lines (order_id, what) SELECT id, 'own' FROM public.orders WHERE id % 2 = 0;
  INSERT INTO public.lots SELECT id, 'own' FROM public.lines WHERE what = 'own';
  UPDATE public.lines SET what = 'changed' WHERE what = 'line2';
  INSERT INTO public.countries VALUES ('ZZ', 'of one tenant');`;

/** Every table's rows as text, told apart by whose they are. */
const CONTENT = `
  SELECT 'users' AS t, tenant_id::text AS tenant, md5(string_agg(u::text, '|' ORDER BY id)) AS sum FROM public.users u GROUP BY 2
  UNION ALL SELECT 'documents', tenant_id::text, md5(string_agg(d::text, '|' ORDER BY id)) FROM public.documents d GROUP BY 2
  UNION ALL SELECT 'items', tenant_id, md5(string_agg(i::text, '|' ORDER BY "Id")) FROM "Mixed Case"."Order Items" i GROUP BY 2
  UNION ALL SELECT 'events', tenant_id::text, md5(string_agg(e::text, '|' ORDER BY at, kind)) FROM public.events e GROUP BY 2
  UNION ALL SELECT 'orders', tenant_id::text, md5(string_agg(o::text, '|' ORDER BY id)) FROM public.orders o GROUP BY 2
  UNION ALL SELECT 'lines', o.tenant_id::text, md5(string_agg(l::text, '|' ORDER BY l.id)) FROM public.lines l JOIN public.orders o ON o.id = l.order_id GROUP BY 2
  UNION ALL SELECT 'lots', o.tenant_id::text, md5(string_agg(x::text, '|' ORDER BY x.line_id, lot)) FROM public.lots x JOIN public.lines l ON l.id = x.line_id JOIN public.orders o ON o.id = l.order_id GROUP BY 2
  ORDER BY 2, 1`;

describe.skipIf(!binDir)("the way back after a cutover", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers(binDir!);
  });
  afterAll(() => servers.stop());

  const verb = createVerb(() => servers);
  const contentOf = async (side: "source" | "target", database: string, tenant: string) =>
    (await rows<{ tenant: string }>(servers[side], database, CONTENT)).filter((row) => row.tenant === tenant);
  const leftovers = async (database: string) => ({
    slots: await rows(
      servers.target,
      database,
      "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()",
    ),
    publications: await rows(servers.target, database, "SELECT pubname FROM pg_publication"),
    notes: await rows(servers.source, database, "SELECT FROM pg_tables WHERE schemaname = 'tierlift_move'"),
  });

  async function switched(): Promise<string> {
    const database = await createDatabase(servers, `${SEED}${THROUGH}`);
    await verb("provision", database);
    await runData("provision", requestFor(servers, [database], OTHER));
    await verb("copy", database);
    const report = await verb<CutoverReport>("cutover", database, { reverse: true });
    expect(report).toMatchObject({ ok: true, differences: [] });
    await verb("detach", database);
    return database;
  }

  it("brings what the tenant writes on its own side to the shared one, beside others that go on there", async () => {
    const database = await switched();
    const identities = "SELECT relname, relreplident FROM pg_class WHERE relkind = 'r' ORDER BY 1";
    const before = await rows(servers.source, database, identities);
    await run(servers.target, database, OWN_CHANGES);
    // Of the other tenant, by the same sequences.
    await run(
      servers.source,
      database,
      `INSERT INTO public.users (tenant_id, email) SELECT '${OTHER.id}', 'other' || n || '@new.test' FROM generate_series(1, 300) n;
       INSERT INTO public.orders (tenant_id) SELECT '${OTHER.id}' FROM generate_series(1, 40);
       INSERT INTO public.lines (order_id, what) SELECT id, 'others' FROM public.orders WHERE tenant_id = '${OTHER.id}'`,
    );
    const others = await contentOf("source", database, OTHER.id);
    expect((await verb<CatchUpReport>("reverse", database)).changes).toBeGreaterThan(500);
    expect((await verb<CatchUpReport>("reverse", database)).changes).toBe(0);
    expect(await contentOf("source", database, ACME.id)).toEqual(
      await contentOf("target", database, ACME.id),
    );
    expect(await contentOf("source", database, OTHER.id)).toEqual(others);
    const [orphans] = await rows<{ n: number }>(
      servers.source,
      database,
      "SELECT count(*)::int AS n FROM public.lots l WHERE NOT EXISTS (SELECT FROM public.lines WHERE id = l.line_id)",
    );
    expect(orphans?.n).toBe(0);
    // A reference table is everybody's.
    expect(await rows(servers.source, database, "SELECT FROM public.countries WHERE code = 'ZZ'")).toEqual(
      [],
    );
    expect(await rows(servers.source, database, identities)).toEqual(before);
  });

  it("empties no other tenant's rows with those that the tenant truncates", async () => {
    const database = await switched();
    const others = await contentOf("source", database, OTHER.id);
    await run(servers.target, database, `TRUNCATE public.orders, "Mixed Case"."Order Items" CASCADE`);
    await verb("reverse", database);
    expect((await contentOf("source", database, ACME.id)).map((row) => (row as { t?: string }).t)).toEqual([
      "documents",
      "events",
      "users",
    ]);
    expect(await contentOf("source", database, OTHER.id)).toEqual(others);
  });

  it("hands the tenant back with all it wrote, and leaves nothing on either server", async () => {
    const database = await switched();
    const acknowledged: string[] = [];
    let isOver = false;
    const writing = (async () => {
      for (let n = 0; !isOver;) {
        await withClient(
          servers.target,
          database,
          { user: "manager", password: PASSWORD },
          async (client) => {
            for (; !isOver; n += 1) {
              await client.query(
                `INSERT INTO public.users (tenant_id, email) VALUES ('${ACME.id}', 'w${n}@grace.test')`,
              );
              acknowledged.push(`w${n}@grace.test`);
            }
          },
        ).catch(() => (n += 1));
      }
    })();
    await run(servers.target, database, OWN_CHANGES);
    await verb("reverse", database);
    const report = await verb<ReturnReport>("return", database, { freezeBudgetMs: 20_000 });
    expect(report).toMatchObject({ verb: "return", ok: true, differences: [] });
    isOver = true;
    await writing;
    await expect(
      run(servers.target, database, `DELETE FROM public.users WHERE email = 'w0@grace.test'`),
    ).rejects.toThrow(/read-only/);
    const arrived = await rows<{ email: string }>(
      servers.source,
      database,
      "SELECT email FROM public.users WHERE email LIKE '%@grace.test'",
    );
    const emails = new Set(arrived.map(({ email }) => email));
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(acknowledged.filter((email) => !emails.has(email))).toEqual([]);
    expect(await contentOf("source", database, ACME.id)).toEqual(
      await contentOf("target", database, ACME.id),
    );
    await verb("unfreeze", database);
    const login = { user: "tenant_acme_corp", password: TENANT_PASSWORD };
    await withClient(servers.source, database, login, (client) =>
      client.query(`INSERT INTO public.users (tenant_id, email) VALUES ('${ACME.id}', 'home@again.test')`),
    );
    await verb("end-reverse", database);
    expect(await leftovers(database)).toEqual({ slots: [], publications: [], notes: [] });
  });

  it("takes a return back when both sides differ, and says where", async () => {
    const database = await switched();
    await run(servers.source, database, `UPDATE public.orders SET state = 'forged' WHERE id = 1`);
    const report = await verb<ReturnReport>("return", database);
    expect(report.ok).toBe(false);
    expect(report.differences).toEqual([
      expect.stringMatching(
        new RegExp(`^postgres / ${database} / public.orders, id = 1: source \\w{12}, target \\w{12}$`),
      ),
    ]);
    await run(servers.target, database, `UPDATE public.orders SET state = 'paid' WHERE id = 1`);
    await verb("reverse", database);
    expect(await verb<ReturnReport>("return", database)).toMatchObject({ ok: true });
    expect((await verb<ReopenReport>("reopen", database)).verb).toBe("reopen");
    await run(servers.target, database, `UPDATE public.orders SET state = 'open again' WHERE id = 1`);
  });

  it("refuses to begin where nothing could be brought back, with writes as they were", async () => {
    const database = await createDatabase(servers, `${SEED}${THROUGH}`);
    await verb("provision", database);
    await verb("copy", database);
    await servers.source.query("REVOKE SET ON PARAMETER session_replication_role FROM azure_pg_admin");
    try {
      await expect(verb("cutover", database, { reverse: true })).rejects.toThrow(
        /may not set session_replication_role/,
      );
    } finally {
      await servers.source.query("GRANT SET ON PARAMETER session_replication_role TO azure_pg_admin");
    }
    const login = { user: "tenant_acme_corp", password: TENANT_PASSWORD };
    await withClient(servers.source, database, login, (client) =>
      client.query(`UPDATE public.orders SET state = 'still here' WHERE tenant_id = '${ACME.id}'`),
    );
    await expect(verb("reverse", database)).rejects.toThrow(/no way back was begun/);
  });
});

describe("numbers reserved for the tenant's own server", () => {
  it("are as many as can be spared, and apart from what the shared server goes on with", () => {
    const big = { last: 1000n, increment: 1n, min: 1n, max: 2n ** 63n - 1n };
    expect(planReserve(big)).toEqual({ own: 1_001_000n, shared: 2_001_000n });
    expect(planReserve({ ...big, max: 32_767n })).toEqual({ own: 1317n, shared: 1634n });
    expect(planReserve({ last: -5n, increment: -1n, min: -105n, max: -1n })).toEqual({
      own: -6n,
      shared: -7n,
    });
  });
});

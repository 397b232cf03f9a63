import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CopyReport, PurgeReport, VerifyReport } from "../../../automation/data/postgres/report.ts";
import { parseThrough } from "../../../automation/data/postgres/tables.ts";
import { postgresPrograms } from "../../support/local-parts.ts";
import { ACME, createDatabase, OTHER, requestFor, rows, run, runData, startServers } from "./servers.ts";
import type { TestServers } from "./servers.ts";

const binDir = postgresPrograms();

const SHOP = `
  CREATE TABLE public.orders (tenant_id uuid NOT NULL, id int PRIMARY KEY);
  CREATE TABLE public."Lines" (id int PRIMARY KEY, "Order" int NOT NULL REFERENCES public.orders);
  CREATE TABLE public.parts (line int NOT NULL, what text);
  COMMENT ON TABLE public."Lines" IS 'What was ordered. tierlift: through "Order" = public.orders.id';
  COMMENT ON TABLE public.parts IS 'tierlift: through line = public.Lines.id';
  INSERT INTO public.orders SELECT CASE WHEN n % 2 = 0 THEN '${ACME.id}' ELSE '${OTHER.id}' END::uuid, n FROM generate_series(1, 100) n;
  INSERT INTO public."Lines" SELECT n, 1 + n % 100 FROM generate_series(1, 300) n;
  INSERT INTO public.parts SELECT n, 'part' FROM generate_series(1, 300) n`;

describe.skipIf(!binDir)("tables without a tenant column", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers(binDir!);
  });
  afterAll(() => servers.stop());

  it("stop the copy by their names when nobody said whose rows they hold", async () => {
    const database = await createDatabase(
      servers,
      `CREATE TABLE public.mystery (id int); CREATE TABLE public.lost (id int);
       COMMENT ON TABLE public.lost IS 'tierlift: through id = public.nowhere.id'`,
    );
    await expect(runData("copy", requestFor(servers, [database]))).rejects.toMatchObject({
      code: "REFUSED",
      message: expect.stringMatching(/public\.lost, public\.mystery; say so in their comments/) as string,
    });
  });

  it("move with the row that they lead to, also later changes, and leave with it", async () => {
    const database = await createDatabase(servers, SHOP);
    const request = requestFor(servers, [database]);
    const copied = await runData<CopyReport>("copy", request);
    expect(copied.databases[0]!.tables.map(({ table, rows: count }) => [table, count])).toEqual([
      ["public.Lines", 150],
      ["public.orders", 50],
      ["public.parts", 150],
    ]);
    await run(
      servers.source,
      database,
      `INSERT INTO public.orders VALUES ('${ACME.id}', 1000), ('${OTHER.id}', 1001);
       INSERT INTO public."Lines" VALUES (1000, 1000), (1001, 1001), (1002, 2);
       INSERT INTO public.parts VALUES (1000, 'ours'), (1001, 'theirs');
       UPDATE public.parts SET what = 'changed'; UPDATE public."Lines" SET "Order" = 3 WHERE id = 1002;
       DELETE FROM public.parts WHERE line % 10 = 0 AND line < 1000`,
    );
    await runData("catch-up", request);
    expect(await runData<VerifyReport>("verify", request)).toMatchObject({ differences: [], drifted: [] });
    await runData<PurgeReport>("purge", request);
    const left = await rows(
      servers.source,
      database,
      `SELECT (SELECT count(*)::int FROM public.orders WHERE tenant_id = '${OTHER.id}') AS others,
         (SELECT count(*)::int FROM public.orders) AS orders,
         (SELECT count(*)::int FROM public."Lines" l WHERE NOT EXISTS (SELECT FROM public.orders o WHERE o.id = l."Order")) AS loose,
         (SELECT count(*)::int FROM public.parts p WHERE NOT EXISTS (SELECT FROM public."Lines" l WHERE l.id = p.line)) AS parts`,
    );
    expect(left).toEqual([{ others: 51, orders: 51, loose: 0, parts: 0 }]);
  });
});

it.each([
  ["tierlift: reference", "reference"],
  ["Kinds of things.\ntierlift: reference", "reference"],
  [
    "tierlift: through order_id = public.orders.id",
    { column: "order_id", parent: "public.orders", parentColumn: "id" },
  ],
  ["what a user wrote", null],
  [null, null],
])("the comment %j says %j", (comment, says) => {
  expect(parseThrough(comment)).toEqual(says);
});

import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  CatchUpReport,
  CopyReport,
  CutoverReport,
  InspectReport,
  VerifyReport,
} from "../../../../automation/data/postgres/report.ts";
import { postgresPrograms } from "../../../support/local-parts.ts";
import {
  ACME,
  createDatabase,
  createVerb,
  OTHER,
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
const LEDGER = `
  CREATE TABLE public.payments (tenant_id uuid NOT NULL, id bigint PRIMARY KEY, amount int NOT NULL, note text);
  CREATE TABLE public.accounts (tenant_id uuid NOT NULL, name text, balance bigint NOT NULL, PRIMARY KEY (tenant_id, name));
  CREATE INDEX ON public.payments (tenant_id);
  INSERT INTO public.accounts SELECT t::uuid, 'main', 0 FROM unnest(ARRAY['${ACME.id}', '${OTHER.id}']) t;`;
const seedOf = (count: number): string =>
  `${LEDGER}
   INSERT INTO public.payments SELECT t::uuid, n * 2 + (t = '${OTHER.id}')::int, n, repeat('x', 40)
   FROM unnest(ARRAY['${ACME.id}', '${OTHER.id}']) t, generate_series(1, ${count}) n;`;

interface Workload {
  /** Ids of payments whose transaction the server has confirmed. */
  acknowledged: number[];
  stop(): Promise<void>;
}

describe.skipIf(!binDir)("a cutover", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers(binDir!);
  });
  afterAll(() => servers.stop());

  const verb = createVerb(() => servers);

  async function copied(seed: string): Promise<string> {
    const database = await createDatabase(servers, seed);
    await verb("provision", database);
    await runData("provision", requestFor(servers, [database], OTHER));
    await verb<CopyReport>("copy", database);
    return database;
  }

  /** Payments of a tenant, one a transaction, by its own role, until stopped; a refused one is not in the ledger. */
  function work(database: string, tenant: typeof ACME, firstId: number): Workload {
    const acknowledged: number[] = [];
    let isOver = false;
    const login = { user: `tenant_${tenant.slug.replaceAll("-", "_")}`, password: TENANT_PASSWORD };
    const pay = async (client: pg.Client, id: number): Promise<void> => {
      await client.query(
        `WITH paid AS (INSERT INTO public.payments VALUES ('${tenant.id}', ${id}, 1, 'live') RETURNING amount)
         UPDATE public.accounts SET balance = balance + amount FROM paid WHERE tenant_id = '${tenant.id}'`,
      );
      acknowledged.push(id);
      await client.query("SELECT pg_sleep(0.01)");
    };
    const running = (async () => {
      for (let id = firstId; !isOver;) {
        await withClient(servers.source, database, login, async (client) => {
          for (; !isOver; id += 2) await pay(client, id);
        }).catch(() => (id += 2));
      }
    })();
    return {
      acknowledged,
      stop: () => {
        isOver = true;
        return running;
      },
    };
  }

  it("loses no acknowledged write of its tenant and disturbs no other's, while both go on writing", async () => {
    const database = await createDatabase(servers, seedOf(2_000));
    await verb("provision", database);
    await runData("provision", requestFor(servers, [database], OTHER));
    const own = work(database, ACME, 1_000_000);
    const canary = work(database, OTHER, 1_000_001);
    await verb("copy", database);
    await verb("catch-up", database);
    expect((await verb<VerifyReport>("verify", database)).differences).toEqual([]);
    const beforeCutover = canary.acknowledged.length;
    const report = await verb<CutoverReport>("cutover", database);
    const afterCutover = canary.acknowledged.length;
    await own.stop();
    await canary.stop();
    expect(report).toMatchObject({ mode: "followed", ok: true, differences: [] });
    expect(afterCutover).toBeGreaterThan(beforeCutover);
    const arrived = await rows<{ id: string }>(
      servers.target,
      database,
      "SELECT id FROM public.payments WHERE id >= 1000000",
    );
    const ids = new Set(arrived.map(({ id }) => Number(id)));
    expect(own.acknowledged.length).toBeGreaterThan(0);
    expect(own.acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    expect([...ids].filter((id) => id % 2 === 1)).toEqual([]);
    const [account] = await rows<{ balance: string }>(
      servers.target,
      database,
      "SELECT balance FROM public.accounts",
    );
    expect(Number(account?.balance)).toBe(ids.size);
    const kept = await rows<{ n: number }>(
      servers.source,
      database,
      `SELECT count(*)::int AS n FROM public.payments WHERE tenant_id = '${OTHER.id}' AND id > 1000000`,
    );
    expect(kept[0]?.n).toBeGreaterThanOrEqual(canary.acknowledged.length);
  }, 120_000);

  it("compares as many rows in the freeze for much data as for little", async () => {
    const frozen: Record<number, CutoverReport> = {};
    for (const count of [1_000, 100_000]) {
      const database = await copied(seedOf(count));
      frozen[count] = await verb<CutoverReport>("cutover", database);
      await verb("detach", database);
    }
    process.stderr.write(
      `frozen for ${frozen[1_000]!.frozenSeconds} s and ${frozen[100_000]!.frozenSeconds} s\n`,
    );
    expect(frozen[100_000]).toMatchObject({ ok: true, mode: "followed", comparedInFreeze: 0 });
    expect(frozen[1_000]).toMatchObject({ ok: true, comparedInFreeze: 0 });
  }, 120_000);

  it("names the row that is wrong on the target, leaves it as it is, and lets the tenant write", async () => {
    const database = await copied(seedOf(1_000));
    await run(servers.target, database, "UPDATE public.payments SET amount = 7 WHERE id = 1234");
    const report = await verb<CutoverReport>("cutover", database);
    expect(report).toMatchObject({ ok: false, frozenSeconds: 0 });
    expect(report.differences).toEqual([
      expect.stringMatching(
        new RegExp(
          `^postgres / ${database} / public.payments, id = 1234: source [0-9a-f]{12}, target [0-9a-f]{12}$`,
        ),
      ),
    ]);
    const wrong = await rows(servers.target, database, "SELECT amount FROM public.payments WHERE id = 1234");
    expect(wrong).toEqual([{ amount: 7 }]);
    expect((await verb<InspectReport>("inspect", database)).role.writes).toBe(true);
  });

  it("names the row that went wrong after everything was compared", async () => {
    const database = await copied(seedOf(1_000));
    await run(
      servers.target,
      database,
      `CREATE RULE spoil AS ON INSERT TO public.payments WHERE NEW.note = 'spoiled'
         DO INSTEAD INSERT INTO public.accounts VALUES (NEW.tenant_id, NEW.id::text, 0)`,
    );
    await run(
      servers.source,
      database,
      `INSERT INTO public.payments VALUES ('${ACME.id}', 9000000, 1, 'spoiled')`,
    );
    const report = await verb<CutoverReport>("cutover", database);
    expect(report.ok).toBe(false);
    expect(report.differences).toContainEqual(
      expect.stringMatching(/public.payments, id = 9000000: source [0-9a-f]{12}, target no row$/),
    );
  });

  it("ends with open writes when the freeze would take longer than it may, and can be tried again", async () => {
    const database = await copied(seedOf(100));
    await expect(verb("cutover", database, { freezeBudgetMs: 1 })).rejects.toMatchObject({
      code: "FREEZE_BUDGET",
    });
    expect((await verb<InspectReport>("inspect", database)).role.writes).toBe(true);
    expect(await verb<CutoverReport>("cutover", database)).toMatchObject({ ok: true });
    expect((await verb<InspectReport>("inspect", database)).role.writes).toBe(false);
  });

  it("does not freeze at all while more is written than can be brought over in the time that it may take", async () => {
    const database = await copied(seedOf(1_000));
    let isOver = false;
    const all = `UPDATE public.payments SET amount = amount + 1 WHERE tenant_id = '${ACME.id}'`;
    const writing = (async () => {
      while (!isOver) await run(servers.source, database, `${all}; SELECT pg_sleep(0.1)`);
    })();
    try {
      await expect(verb("cutover", database, { freezeBudgetMs: 1 })).rejects.toMatchObject({
        code: "LAG",
        message: expect.stringMatching(/writes faster than it can be followed: 1000 changed rows/) as unknown,
      });
      expect((await verb<InspectReport>("inspect", database)).role.writes).toBe(true);
    } finally {
      isOver = true;
      await writing;
    }
  }, 120_000);

  it("copies in the freeze, and says how long that was expected to take, where changes are not followed", async () => {
    const database = await copied(SEED);
    await verb("detach", database);
    const comment = await rows<{ marker: string }>(
      servers.target,
      database,
      "SELECT shobj_description(oid, 'pg_database') AS marker FROM pg_database WHERE datname = current_database()",
    );
    const unfollowed = comment[0]!.marker.replace('"following":true', '"following":false');
    await run(servers.target, database, `COMMENT ON DATABASE ${database} IS '${unfollowed}'`);
    await run(servers.source, database, `DELETE FROM public.events WHERE tenant_id = '${ACME.id}'`);
    const report = await verb<CutoverReport>("cutover", database, { freezeBudgetMs: 1 });
    expect(report).toMatchObject({ ok: true, mode: "copied", differences: [] });
    expect(report.forecastSeconds).toBeGreaterThan(0);
    expect(report.notes).toEqual([expect.stringContaining("changes are not followed")]);
  });

  it("is compared exactly while the tenant writes, also after changes were applied", async () => {
    const database = await copied(seedOf(500));
    const own = work(database, ACME, 2_000_000);
    await verb<CatchUpReport>("catch-up", database);
    for (let n = 0; n < 3; n += 1) {
      const report = await verb<VerifyReport>("verify", database);
      expect(report.differences).toEqual([]);
      expect(report.drifted).toEqual([]);
    }
    await own.stop();
    await run(servers.target, database, "DELETE FROM public.payments WHERE id = 10");
    expect((await verb<VerifyReport>("verify", database)).differences).toHaveLength(1);
  }, 120_000);

  it("leaves a slot and a publication that an inspection names until they are detached", async () => {
    const database = await copied(seedOf(10));
    const before = await verb<InspectReport>("inspect", database);
    expect(before.slots.length).toBeGreaterThan(0);
    expect(before.databases[0]?.publications).toHaveLength(1);
    await verb("detach", database);
    const after = await verb<InspectReport>("inspect", database);
    expect(after.databases[0]?.publications).toEqual([]);
    expect(after.slots).toHaveLength(before.slots.length - 1);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  CatchUpReport,
  CopyReport,
  DetachReport,
  VerifyReport,
} from "../../../../automation/data/postgres/report.ts";
import { createConnections } from "../../../../automation/data/postgres/connection.ts";
import { createFollower } from "../../../../automation/data/postgres/replication/catch-up-databases.ts";
import { catchUp as applyChanges } from "../../../../automation/data/postgres/replication/catch-up.ts";
import {
  createPublication,
  dropPublication,
} from "../../../../automation/data/postgres/replication/publication.ts";
import { readTables } from "../../../../automation/data/postgres/tables.ts";
import { postgresPrograms } from "../../../support/local-parts.ts";
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
} from "../servers.ts";
import type { TestServers } from "../servers.ts";

const binDir = postgresPrograms();

const CHANGES = `
  INSERT INTO public.users (tenant_id, email) SELECT t::uuid, 'late' || n || '@new.test'
    FROM unnest(ARRAY['${ACME.id}', '${OTHER.id}']) t, generate_series(1, 300) n;
  UPDATE public.documents SET price = price + 1, body = body || '{"more": [1, null, "x"]}' WHERE state = 'live';
  UPDATE public.documents SET id = gen_random_uuid() WHERE number % 50 = 0 AND id NOT IN (SELECT "Document" FROM "Mixed Case"."Order Items");
  DELETE FROM "Mixed Case"."Order Items" WHERE "Id" % 3 = 0;
  DELETE FROM public.documents WHERE number % 7 = 0;
  UPDATE public.events SET at = at + 400 WHERE kind = 'k1' AND at < '2025-11-20';
  DELETE FROM public.events WHERE kind = 'k2';
  INSERT INTO public.countries VALUES ('ZZ', 'new');
  UPDATE public.countries SET name = 'renamed' WHERE code = 'AA';`;

const IDENTITIES = `
  SELECT relname, relreplident FROM pg_class
  WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, '"Mixed Case"'::regnamespace) ORDER BY 1`;

describe.skipIf(!binDir)("changes between the copy and the cutover", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers(binDir!);
  });
  afterAll(() => servers.stop());

  const copied = async (seed = SEED): Promise<string> => {
    const database = await createDatabase(servers, seed);
    const report = await runData<CopyReport>("copy", requestFor(servers, [database]));
    expect(report.databases[0]).toMatchObject({ following: true });
    return database;
  };
  const catchUp = (database: string) => runData<CatchUpReport>("catch-up", requestFor(servers, [database]));
  const verify = (database: string) => runData<VerifyReport>("verify", requestFor(servers, [database]));

  it("arrive on the tenant's own server, and no other tenant's", async () => {
    const database = await copied();
    await run(servers.source, database, CHANGES);
    expect((await catchUp(database)).changes).toBeGreaterThan(1000);
    expect((await verify(database)).differences).toEqual([]);
    expect((await verify(database)).drifted).toEqual([]);
    expect((await catchUp(database)).changes).toBe(0);
  });

  it("arrive while they are made during the copy, none twice and none left out", async () => {
    const database = await createDatabase(servers, SEED);
    let stop = false;
    const writing = (async () => {
      for (let n = 0; !stop; n += 1) {
        await run(
          servers.source,
          database,
          `INSERT INTO public.users (tenant_id, email) VALUES ('${ACME.id}', 'during${n}@acme.test');
           UPDATE public.users SET country = 'AB' WHERE email = 'during${n - 3}@acme.test';
           DELETE FROM public.users WHERE email = 'during${n - 5}@acme.test' AND id % 2 = 0`,
        );
      }
    })();
    await runData("copy", requestFor(servers, [database]));
    await catchUp(database);
    stop = true;
    await writing;
    await catchUp(database);
    expect((await verify(database)).differences).toEqual([]);
  });

  it("are applied once when the target knows of them and the slot does not yet", async () => {
    const database = await copied();
    await run(
      servers.source,
      database,
      `INSERT INTO public.events SELECT '${ACME.id}', '2026-02-02', 'same' FROM generate_series(1, 10)`,
    );
    await killedBeforeTheSlotMoves(database);
    expect((await catchUp(database)).changes).toBe(0);
    expect((await verify(database)).differences).toEqual([]);
    const arrived = await rows(
      servers.target,
      database,
      "SELECT count(*)::int AS n FROM public.events WHERE kind = 'same'",
    );
    expect(arrived).toEqual([{ n: 10 }]);
  });

  /** A round that ends right after the target's commit. */
  async function killedBeforeTheSlotMoves(database: string): Promise<void> {
    const { source, target } = requestFor(servers, [database]);
    const connections = createConnections(new AbortController().signal);
    try {
      const from = await connections.open(source, database, "source");
      const to = await connections.open(target!, database, "target");
      const follower = await createFollower(from, to, database, ACME.id);
      const query = from.query.bind(from) as (...args: unknown[]) => Promise<unknown>;
      from.query = ((...args: unknown[]) =>
        String(args[0]).includes("pg_replication_slot_advance")
          ? Promise.reject(new Error("killed"))
          : query(...args)) as typeof from.query;
      await expect(applyChanges(follower!)).rejects.toThrow("killed");
    } finally {
      await connections.close();
    }
  }

  it("leave every identity, publication and slot of the shared server as they were, once detached", async () => {
    const database = await createDatabase(
      servers,
      `${SEED}; ALTER TABLE public.events_2026 REPLICA IDENTITY NOTHING`,
    );
    const before = await rows(servers.source, database, IDENTITIES);
    await runData("copy", requestFor(servers, [database]));
    await runData("copy", requestFor(servers, [database], ACME));
    expect(await rows(servers.source, database, IDENTITIES)).not.toEqual(before);
    const report = await runData<DetachReport>("detach", requestFor(servers, [database]));
    expect(report.databases).toEqual([{ name: database, publication: true, slots: 1 }]);
    expect(await rows(servers.source, database, IDENTITIES)).toEqual(before);
    expect(await rows(servers.source, database, "SELECT pubname FROM pg_publication")).toEqual([]);
    const slots = "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()";
    expect(await rows(servers.source, database, slots)).toEqual([]);
  });

  it("are not followed in any database when the copy of one fails", async () => {
    const whole = await createDatabase(servers, SEED);
    const undeclared = await createDatabase(servers, "CREATE TABLE public.mystery (id int)");
    const before = await rows(servers.source, whole, IDENTITIES);
    await expect(runData("copy", requestFor(servers, [whole, undeclared]))).rejects.toThrow(/public.mystery/);
    const slots = `SELECT FROM pg_replication_slots WHERE database IN ('${whole}', '${undeclared}')`;
    expect(await rows(servers.source, whole, slots)).toEqual([]);
    expect(await rows(servers.source, whole, "SELECT FROM pg_publication")).toEqual([]);
    expect(await rows(servers.source, whole, IDENTITIES)).toEqual(before);
  });

  it("keep the identities that another tenant needs, also where one begins as the other ends", async () => {
    const database = await createDatabase(servers, SEED);
    const before = await rows(servers.source, database, IDENTITIES);
    const connections = createConnections(new AbortController().signal);
    try {
      const { source } = requestFor(servers, [database]);
      const [first, second] = await Promise.all([
        connections.open(source, database, "source"),
        connections.open(source, database, "source"),
      ]);
      const tables = await readTables(first);
      for (let round = 0; round < 5; round += 1) {
        await createPublication(first, database, tables, ACME.id);
        await Promise.all([
          dropPublication(first, database, ACME.id),
          createPublication(second, database, tables, OTHER.id),
        ]);
        // The server refuses everybody's updates of a published table without the identity that its filter needs.
        await run(
          servers.source,
          database,
          "UPDATE public.events SET kind = kind; UPDATE public.users SET country = country",
        );
        await dropPublication(second, database, OTHER.id);
        expect(await rows(servers.source, database, IDENTITIES)).toEqual(before);
      }
    } finally {
      await connections.close();
    }
  });

  it("do not disturb the others' writes on the shared server", async () => {
    const database = await copied();
    const others = `tenant_id = '${OTHER.id}'`;
    await run(
      servers.source,
      database,
      `UPDATE public.users SET country = 'AB' WHERE ${others}; UPDATE public.documents SET price = 1 WHERE ${others};
       UPDATE public.events SET kind = 'k9' WHERE ${others}; DELETE FROM public.events WHERE ${others} AND at > '2026-01-01'`,
    );
    expect((await catchUp(database)).changes).toBe(0);
    expect((await verify(database)).differences).toEqual([]);
  });

  it("leave the target's keys, triggers and identity columns as they were", async () => {
    const database = await copied();
    const describeTarget = `
      SELECT conname || condeferrable::text || condeferred::text AS line FROM pg_constraint WHERE contype = 'f'
      UNION ALL SELECT tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL SELECT attname || attidentity::text FROM pg_attribute WHERE attidentity <> '' ORDER BY 1`;
    const before = await rows(servers.target, database, describeTarget);
    await run(servers.source, database, CHANGES);
    await catchUp(database);
    expect(await rows(servers.target, database, describeTarget)).toEqual(before);
    const touched = await rows(
      servers.target,
      database,
      "SELECT max(touched) AS touched FROM public.documents",
    );
    expect(touched).toEqual([{ touched: 1 }]);
    await runData("detach", requestFor(servers, [database]));
    const left = await rows(
      servers.target,
      database,
      "SELECT FROM pg_namespace WHERE nspname = 'tierlift_move'",
    );
    expect(left).toEqual([]);
  });

  it("stop with the table's name when its definition changes", async () => {
    const database = await copied();
    await run(
      servers.source,
      database,
      `ALTER TABLE public.users ADD COLUMN nick text; INSERT INTO public.users (tenant_id, email, nick) VALUES ('${ACME.id}', 'n@acme.test', 'n')`,
    );
    await expect(catchUp(database)).rejects.toThrow(/public.users: the schema changed since the copy/);
  });
});

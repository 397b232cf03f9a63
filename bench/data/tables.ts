/** What is moved in a bench: rows of two tenants, and the simplest way to copy one's. */
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { connected } from "./servers.ts";
import type { BenchServers, Login } from "./servers.ts";

export const TENANT = { id: "5b1f7a4e-0d44-4c5b-9a53-6e0f2f6f1a01", slug: "bench" };
const PAUSE_MS = 10;
const OTHER_ID = "0a4dd0a3-1b5c-4f0e-8b0c-2f6a3d1f7b02";
/** With its header and the index's entry a row takes about 250 bytes. */
const ROWS_PER_MB = 4_000;
/** So many tables share the rows, since a service has more than one. */
const TABLES = ["runs", "steps", "results", "metrics"];

const TABLE = (name: string): string =>
  `CREATE TABLE public.${name} (tenant_id uuid NOT NULL, id bigint PRIMARY KEY, at timestamptz NOT NULL,
     duration int NOT NULL, label text NOT NULL, attributes jsonb NOT NULL)`;

/** Tables on the source with about so many MB of the tenant's rows and a quarter as many of another's. Answers the tenant's rows. */
export async function seed(servers: BenchServers, database: string, megabytes: number): Promise<number> {
  await servers.createDatabase(database);
  const each = Math.round((megabytes * ROWS_PER_MB) / TABLES.length);
  await connected(servers.source, database, async (client) => {
    for (const table of TABLES) {
      await client.query(TABLE(table));
      for (const [tenantId, count, first] of [
        [TENANT.id, each, 0],
        [OTHER_ID, Math.round(each / 4), 10 * each],
      ] as const)
        await client.query(
          `INSERT INTO public.${table} SELECT $1::uuid, n, now() - n * interval '1 second', n % 9000,
             'run ' || n || ' ' || md5(n::text), jsonb_build_object('n', n, 'stage', md5((n + 1)::text))
           FROM generate_series($2::bigint + 1, $2::bigint + $3::bigint) n`,
          [tenantId, first, count],
        );
    }
    await client.query("ANALYZE");
  });
  return each * TABLES.length;
}

/** A COPY of the tenant's rows piped into a COPY, one table after the other, as a person would do it by hand. Answers seconds. */
export async function pipeByHand(servers: BenchServers, database: string): Promise<number> {
  const byHand = `${database}_by_hand`;
  await servers.createDatabase(byHand);
  const startedMs = performance.now();
  await connected(servers.source, database, (from) =>
    connected(servers.target, byHand, async (into) => {
      for (const table of TABLES) {
        await into.query(TABLE(table));
        await pipeline(
          from.query(
            copyTo(
              `COPY (SELECT * FROM public.${table} WHERE tenant_id = '${TENANT.id}') TO STDOUT (FORMAT binary)`,
            ),
          ),
          into.query(copyFrom(`COPY public.${table} FROM STDIN (FORMAT binary)`)),
        );
      }
    }),
  );
  return (performance.now() - startedMs) / 1000;
}

/** Inserts a row of the tenant every 10 ms until the signal aborts; a freeze ends the connection and refuses new rows. */
export async function writeSteadily(source: Login, database: string, signal: AbortSignal): Promise<void> {
  let id = 1_000_000_000;
  while (!signal.aborted) {
    await connected(source, database, async (client) => {
      for (; !signal.aborted; id += 1) {
        await client.query(
          `INSERT INTO public.${TABLES[0]} VALUES ('${TENANT.id}', ${id}, now(), 1, 'live', '{}')`,
        );
        await sleep(PAUSE_MS);
      }
    }).catch(() => sleep(PAUSE_MS));
  }
}

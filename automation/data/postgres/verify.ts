/** `verify`: the rows of both servers compared, table by table. */
import pLimit from "p-limit";
import { at } from "../errors.ts";
import { requireTarget } from "../request.ts";
import { claimTarget } from "./claim.ts";
import { SNAPSHOT, transaction } from "./connection.ts";
import type { Client } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import { readMarker } from "./marker.ts";
import type { Marker } from "./marker.ts";
import { atBarrier } from "./replication/barrier.ts";
import { createFollower } from "./replication/catch-up-databases.ts";
import { secondsSince } from "../progress.ts";
import type { Fingerprint, Mismatch, VerifyReport } from "./report.ts";
import { isSame, pairTables, planTenantFilter, readFingerprint, readTables } from "./tables.ts";
import type { Table } from "./tables.ts";

const DATABASES_AT_ONCE = 4;
/**
 * Compares the tenant's rows on the source with all rows on the target. A table that is missing on one side is a
 * mismatch too. Where changes are followed, those that were made until now are applied first and both sides are
 * compared at that very point, so that whatever differs is a fault, also while the tenant writes. Elsewhere rows that
 * were written to the source since the copy are told apart (`drifted`) until the first delta.
 */
export async function verifyDatabases(context: CopyContext): Promise<VerifyReport> {
  const { request, connections, progress } = context;
  const startedMs = performance.now();
  const target = requireTarget(request);
  const limit = pLimit(DATABASES_AT_ONCE);
  const verifyOne = (database: string) =>
    connections.using(request.source, database, "source", (from) =>
      connections.using(target, database, "target", async (to) => {
        const marker = await at({ side: "target", database }, () => readMarker(to));
        const pairs = await compareDatabase(context, database, from, to);
        progress({
          event: "compared",
          database,
          rows: pairs.reduce((n, pair) => n + (pair.right?.rows ?? 0), 0),
        });
        return { name: database, pairs, drifted: pairs.filter((pair) => isDrifted(pair, marker)) };
      }),
    );
  const databases = await Promise.all(request.databases.map((database) => limit(() => verifyOne(database))));
  const mismatches = databases.flatMap(({ name, pairs, drifted }) =>
    pairs
      .filter((pair) => !isPairSame(pair) && !drifted.includes(pair))
      .map((pair) => toMismatch(name, pair)),
  );
  return {
    store: "postgres",
    verb: "verify",
    ok: mismatches.length === 0,
    databases: databases.map(({ name, pairs }) => ({
      name,
      tables: pairs.map((pair) => ({
        table: pair.table.label,
        scope: pair.table.scope,
        rows: pair.right?.rows ?? 0,
        checksum: pair.right?.checksum ?? "0",
        ok: isPairSame(pair),
      })),
    })),
    mismatches,
    differences: mismatches.map(describeMismatch),
    drifted: databases.flatMap(({ name, drifted }) => drifted.map((pair) => toMismatch(name, pair))),
    rows: databases.flatMap(({ pairs }) => pairs).reduce((total, pair) => total + (pair.right?.rows ?? 0), 0),
    seconds: secondsSince(startedMs),
  };
}

async function compareDatabase(
  context: CopyContext,
  database: string,
  from: Client,
  to: Client,
): Promise<Pair[]> {
  const { id } = context.request.tenant;
  const follower = await createFollower(from, to, database, id);
  if (!follower) return await comparePairs(from, to, database, id);
  await claimTarget(to, database);
  return await atBarrier(context, follower, () => readPairs(from, to, database, id));
}

export interface Pair {
  table: Table;
  left: Fingerprint | null;
  right: Fingerprint | null;
}

export const isPairSame = ({ left, right }: Pair): boolean =>
  left !== null && right !== null && isSame(left, right);

/**
 * Until the last delta the tenant works on the source, so that only the target can be held against what was copied;
 * from then on both sides have to be equal.
 */
function isDrifted({ table, left, right }: Pair, marker: Marker | null): boolean {
  const copied =
    marker?.state === "copied" && marker.following !== true ? marker.tables?.[table.label] : undefined;
  if (!left || !right || !copied || isSame(left, right)) return false;
  return isSame(right, { rows: copied[0], checksum: copied[1] });
}

function describeMismatch({ database, table, source, target }: Mismatch): string {
  const side = (print: Fingerprint | null): string =>
    print ? `${print.rows} rows (checksum ${print.checksum})` : "no such table";
  return `${database} / ${table}: source ${side(source)}, target ${side(target)}`;
}

function toMismatch(database: string, { table, left, right }: Pair): Mismatch {
  return { database, table: table.label, source: left, target: right };
}

/** Both sides' fingerprints of every table, each side from one snapshot. */
export async function comparePairs(
  from: Client,
  to: Client,
  database: string,
  tenantId: string,
): Promise<Pair[]> {
  const compare = (): Promise<Pair[]> => readPairs(from, to, database, tenantId);
  return await transaction(from, SNAPSHOT, () => transaction(to, SNAPSHOT, compare));
}

/** The same by what the connections see: the caller has chosen the moment. */
export async function readPairs(
  from: Client,
  to: Client,
  database: string,
  tenantId: string,
  scope: "all" | "tenant" = "all",
): Promise<Pair[]> {
  const isRead = (table: Table): boolean => scope === "all" || table.scope === "tenant";
  const source = (await at({ side: "source", database }, () => readTables(from))).filter(isRead);
  const target = (await at({ side: "target", database }, () => readTables(to))).filter(isRead);
  const pairs: Pair[] = [];
  for (const pair of pairTables(source, target)) {
    const table = pair.source ?? pair.target!;
    const place = { database, table: table.label };
    const { source: left, target: right } = pair;
    const [leftPrint, rightPrint] = await Promise.all([
      left &&
        at({ ...place, side: "source" }, () => readFingerprint(from, left, planTenantFilter(left, tenantId))),
      right && at({ ...place, side: "target" }, () => readFingerprint(to, right, "true")),
    ]);
    pairs.push({ table, left: leftPrint, right: rightPrint });
  }
  return pairs;
}

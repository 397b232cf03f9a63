/** `verify`: the rows of both servers compared, table by table, without changing anything. */
import pLimit from "p-limit";
import { at } from "../errors.ts";
import { requireTarget } from "../request.ts";
import { transaction } from "./connection.ts";
import type { Client } from "./connection.ts";
import type { CopyContext } from "./copy.ts";
import { secondsSince } from "./report.ts";
import type { Fingerprint, Mismatch, VerifyReport } from "./report.ts";
import { isSame, pairTables, planTenantFilter, readFingerprint, readTables } from "./tables.ts";
import type { Table } from "./tables.ts";

const DATABASES_AT_ONCE = 4;
const SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/**
 * Compares the tenant's rows on the source, as they are now, with all rows on the target. A table that is missing on
 * one side is a mismatch too. Rows written to the source since the copy show up as mismatches: run `delta` before.
 */
export async function verifyDatabases({
  request,
  connections,
  progress,
}: CopyContext): Promise<VerifyReport> {
  const startedMs = performance.now();
  const target = requireTarget(request);
  const limit = pLimit(DATABASES_AT_ONCE);
  const verifyOne = (database: string) =>
    connections.using(request.source, database, "source", (from) =>
      connections.using(target, database, "target", async (to) => {
        const pairs = await comparePairs(from, to, database, request.tenant.id);
        progress({
          event: "compared",
          database,
          rows: pairs.reduce((n, pair) => n + (pair.right?.rows ?? 0), 0),
        });
        return { name: database, pairs };
      }),
    );
  const databases = await Promise.all(request.databases.map((database) => limit(() => verifyOne(database))));
  const mismatches = databases.flatMap(({ name, pairs }) =>
    pairs.filter((pair) => !isPairSame(pair)).map((pair) => toMismatch(name, pair)),
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
    rows: databases.flatMap(({ pairs }) => pairs).reduce((total, pair) => total + (pair.right?.rows ?? 0), 0),
    seconds: secondsSince(startedMs),
  };
}

export interface Pair {
  table: Table;
  left: Fingerprint | null;
  right: Fingerprint | null;
}

export const isPairSame = ({ left, right }: Pair): boolean =>
  left !== null && right !== null && isSame(left, right);

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
  const compare = async (): Promise<Pair[]> => {
    const source = await at({ side: "source", database }, () => readTables(from));
    const target = await at({ side: "target", database }, () => readTables(to));
    const pairs: Pair[] = [];
    for (const pair of pairTables(source, target)) {
      const table = pair.source ?? pair.target!;
      const place = { database, table: table.label };
      const { source: left, target: right } = pair;
      const [leftPrint, rightPrint] = await Promise.all([
        left &&
          at({ ...place, side: "source" }, () =>
            readFingerprint(from, left, planTenantFilter(left, tenantId)),
          ),
        right && at({ ...place, side: "target" }, () => readFingerprint(to, right, "true")),
      ]);
      pairs.push({ table, left: leftPrint, right: rightPrint });
    }
    return pairs;
  };
  return await transaction(from, SNAPSHOT, () => transaction(to, SNAPSHOT, compare));
}

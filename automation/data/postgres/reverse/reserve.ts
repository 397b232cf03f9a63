/**
 * Numbers that the tenant's own server may give while the shared one goes on giving them to others: without them a row
 * that is brought back could have the key of another tenant's.
 */
import { query } from "../connection.ts";
import type { Client } from "../connection.ts";

/** At most so many of each sequence, and no more than a hundredth of what it has left. */
const RESERVED = 1_000_000n;
const SHARE = 100n;

interface SequenceState {
  name: string;
  last: bigint;
  increment: bigint;
  min: bigint;
  max: bigint;
}

/**
 * The shared server leaves out a range of numbers, in which the tenant's own one goes on. What others take between the
 * reading and the leaving out is below the range: it begins as far from the last number as it is long.
 */
export function planReserve({ last, increment, min, max }: Omit<SequenceState, "name">): {
  own: bigint;
  shared: bigint;
} {
  const room = increment > 0n ? (max - last) / increment : (last - min) / -increment;
  const share = room / SHARE;
  const length = (share < RESERVED ? share : RESERVED) * increment;
  return { own: last + length, shared: last + 2n * length };
}

/** Sequences by their quoted names, which both servers have. Three statements, as writes are frozen meanwhile. */
export async function reserveNumbers(shared: Client, own: Client, names: string[]): Promise<void> {
  if (names.length === 0) return;
  const rows = await query<Record<keyof SequenceState, string>>(
    shared,
    `SELECT s.name, coalesce(pg_catalog.pg_sequence_last_value(s.name::regclass), q.seqstart)::text AS last,
       q.seqincrement::text AS increment, q.seqmin::text AS min, q.seqmax::text AS max
     FROM unnest($1::text[]) AS s(name) JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.name::regclass`,
    [names],
  );
  const plans = rows.map(({ name, ...state }) => ({
    name,
    ...planReserve({
      last: BigInt(state.last),
      increment: BigInt(state.increment),
      min: BigInt(state.min),
      max: BigInt(state.max),
    }),
  }));
  const set = (client: Client, side: "own" | "shared"): Promise<unknown> =>
    query(
      client,
      "SELECT setval(name::regclass, value) FROM unnest($1::text[], $2::bigint[]) AS s(name, value)",
      [plans.map(({ name }) => name), plans.map((plan) => String(plan[side]))],
    );
  await set(shared, "shared");
  await set(own, "own");
}

/** Brings one database of the one side to a point of the other's log. */
import { at, DataError } from "../../errors.ts";
import { query, transaction } from "../connection.ts";
import type { Client } from "../connection.ts";
import { BULK_TIMEOUT_MS } from "../connection.ts";
import { createApplier } from "./changes.ts";
import type { Applied, ApplierOptions } from "./changes.ts";
import { planPublicationName, planSlotName } from "./names.ts";
import { formatLsn } from "./pgoutput.ts";
import { advanceSlot, readCommittedEnd, requireSlot } from "./slot.ts";
import type { TargetTable } from "./targets.ts";
import type { Way } from "./way.ts";

const MESSAGES_AT_ONCE = 2_000;

export interface Follower {
  way: Way;
  from: Client;
  to: Client;
  database: string;
  tenantId: string;
  /** Those of `to`, by name. */
  tables: Map<string, TargetTable>;
  onChange?: ApplierOptions["onChange"];
}

/** The shared server's connection and that to the tenant's own, whichever way changes go. */
export function bothSides({ way, from, to }: Follower): { shared: Client; own: Client } {
  return way.from === "source" ? { shared: from, own: to } : { shared: to, own: from };
}

/**
 * Applies every transaction that ends by `upTo`, by default by now. The note of how far it is goes with the changes in
 * one transaction, so that after a kill anywhere nothing is applied twice and nothing is left out; only then may the slot
 * forget. Leaves the side that gets the changes relaxed; its way's `restore` puts it back.
 */
export async function catchUp(follower: Follower, upTo?: bigint): Promise<Applied> {
  const { way, from, to, database, tenantId, tables, onChange } = follower;
  const [reading, writing] = [
    { side: way.from, database },
    { side: way.to, database },
  ];
  const slot = planSlotName(tenantId, database);
  await requireSlot(from, reading, slot);
  const end = upTo ?? (await at(reading, () => readCommittedEnd(from)));
  const after = await at(writing, () => way.readProgress(to, tenantId));
  if (after === null) throw new DataError("REFUSED", "follows no changes; run copy first", writing);
  const prepare = (): Promise<void> => way.relax(to);
  const writeProgress = (lsn: bigint): Promise<void> => way.writeProgress(to, tenantId, lsn);
  const applier = createApplier({
    ...{ to, reading, writing, tables, after, upTo: end },
    ...{ prepare, writeProgress, onChange },
  });
  try {
    await readChanges(follower, slot, end, (data) => applier.take(data));
    const applied = await applier.finish();
    await at(writing, () => (after < end ? writeProgress(end) : Promise.resolve()));
    await at(reading, () => advanceSlot(from, slot, end));
    return applied;
  } catch (error) {
    await applier.abandon();
    throw error;
  }
}

/** The same, and the side that got the changes is as it was before. */
export async function catchUpAndRestore(follower: Follower, upTo?: bigint): Promise<Applied> {
  const { way, to, database } = follower;
  const applied = await catchUp(follower, upTo);
  await at({ side: way.to, database }, () => way.restore(to));
  return applied;
}

/** Reads without taking: what is read again after a failure is told apart by the note of how far it is. */
async function readChanges(
  { way, from, database, tenantId }: Follower,
  slot: string,
  end: bigint,
  take: (data: Buffer) => Promise<void>,
): Promise<void> {
  const read = <T>(work: () => Promise<T>): Promise<T> => at({ side: way.from, database }, work);
  await transaction(from, "READ WRITE", async () => {
    await read(() =>
      from.query(
        `SET LOCAL statement_timeout = ${BULK_TIMEOUT_MS};
         DECLARE changes NO SCROLL CURSOR FOR SELECT data FROM pg_logical_slot_peek_binary_changes(
           '${slot}', '${formatLsn(end)}', NULL, 'proto_version', '1', 'publication_names', '${planPublicationName(tenantId)}')`,
      ),
    );
    for (;;) {
      const rows = await read(() => query<{ data: Buffer }>(from, `FETCH ${MESSAGES_AT_ONCE} FROM changes`));
      for (const { data } of rows) await take(data);
      if (rows.length < MESSAGES_AT_ONCE) return;
    }
  });
}

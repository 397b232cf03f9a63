/** Brings one database's target to a point of the source's log. */
import { at, DataError } from "../../errors.ts";
import { query, transaction } from "../connection.ts";
import type { Client } from "../connection.ts";
import { BULK_TIMEOUT_MS } from "../connection.ts";
import { createApplier } from "./changes.ts";
import type { Applied, ApplierOptions } from "./changes.ts";
import { planPublicationName, planSlotName } from "./names.ts";
import { formatLsn } from "./pgoutput.ts";
import { readProgress, relaxTarget, writeProgress } from "./relax.ts";
import { advanceSlot, readCommittedEnd, requireSlot } from "./slot.ts";
import type { TargetTable } from "./targets.ts";

const MESSAGES_AT_ONCE = 2_000;

export interface Follower {
  from: Client;
  to: Client;
  database: string;
  tenantId: string;
  tables: Map<string, TargetTable>;
  onChange?: ApplierOptions["onChange"];
}

/**
 * Applies every transaction that ends by `upTo`, by default by now. The target's own note of how far it is goes with
 * the changes in one transaction, so that after a kill anywhere nothing is applied twice and nothing is left out; only
 * then may the source's slot forget. Leaves the target relaxed; `restoreTarget` puts it back.
 */
export async function catchUp(follower: Follower, upTo?: bigint): Promise<Applied> {
  const { from, to, database, tenantId, tables, onChange } = follower;
  const slot = planSlotName(tenantId, database);
  await requireSlot(from, database, slot);
  const end = upTo ?? (await at({ side: "source", database }, () => readCommittedEnd(from)));
  const after = await at({ side: "target", database }, () => readProgress(to));
  if (after === null) {
    throw new DataError("REFUSED", "follows no changes; run copy first", { side: "target", database });
  }
  const prepare = (): Promise<void> => relaxTarget(to);
  const applier = createApplier({ to, database, tables, after, upTo: end, prepare, onChange });
  try {
    await readChanges(follower, slot, end, (data) => applier.take(data));
    const applied = await applier.finish();
    await at({ side: "target", database }, () => (after < end ? writeProgress(to, end) : Promise.resolve()));
    await at({ side: "source", database }, () => advanceSlot(from, slot, end));
    return applied;
  } catch (error) {
    await applier.abandon();
    throw error;
  }
}

/** Reads without taking: what is read again after a failure is told apart by the target's note. */
async function readChanges(
  { from, database, tenantId }: Follower,
  slot: string,
  end: bigint,
  take: (data: Buffer) => Promise<void>,
): Promise<void> {
  const read = <T>(work: () => Promise<T>): Promise<T> => at({ side: "source", database }, work);
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

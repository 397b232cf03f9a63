/** The way back to the shared server, where the tenant's rows lie among those of others. */
import { at, DataError } from "../../errors.ts";
import { query } from "../connection.ts";
import type { Client } from "../connection.ts";
import type { Way } from "../replication/way.ts";
import { readNote, writeNote } from "./note.ts";

const INSUFFICIENT_PRIVILEGE = "42501";

/**
 * Nothing of the shared server's schema is touched: in a session of this role triggers rest, as what they would do comes
 * by itself, and foreign keys are not asked, as the tenant's own server has asked them.
 */
export const BACK: Way = {
  from: "target",
  to: "source",
  readProgress: readNote,
  writeProgress: writeNote,
  relax: async (shared) => void (await query(shared, "SET session_replication_role = replica")),
  restore: async (shared) => void (await query(shared, "RESET session_replication_role")),
};

/** Throws `REFUSED` when the shared server's administrator may not bring rows back. */
export async function requireBackAllowed(shared: Client, database: string): Promise<void> {
  const place = { side: "source", database } as const;
  await at(place, async () => {
    try {
      await BACK.relax(shared);
    } catch (error) {
      if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
      const reason =
        "its administrator may not set session_replication_role, without which nothing can be brought back in a grace period; grant it, or do without the grace period";
      throw new DataError("REFUSED", reason, place, { cause: error });
    }
    await BACK.restore(shared);
  });
}

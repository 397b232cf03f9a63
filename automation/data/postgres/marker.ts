/**
 * What a target database holds, written on the database itself (its comment), so that no other place can disagree
 * with it: whose copy it is, and how far it has come.
 */
import { DataError } from "../errors.ts";
import { query, quoteName, quoteValue } from "./connection.ts";
import type { Client } from "./connection.ts";
import { USER_SCHEMAS } from "./tables.ts";

/**
 * `copying`: a copy began. `copied`: it is complete. `current`: the last changes were applied under a freeze, after
 * which the tenant may work on it: it must not be replaced any more.
 */
export type CopyState = "copying" | "copied" | "current";

export interface Marker {
  tenant: string;
  state: CopyState;
  migration?: string;
  /** Whether changes on the source are followed until the cutover. */
  following?: boolean;
  /** Rows and checksum of each table as they were copied, where changes are not followed. */
  tables?: Record<string, [rows: number, checksum: string]>;
}

const PREFIX = "tierlift:";

export async function readMarker(client: Client): Promise<Marker | null> {
  const [row] = await query<{ comment: string | null }>(
    client,
    `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_catalog.pg_database WHERE datname = current_database()`,
  );
  if (!row?.comment?.startsWith(PREFIX)) return null;
  try {
    return JSON.parse(row.comment.slice(PREFIX.length)) as Marker;
  } catch {
    return null;
  }
}

export async function writeMarker(client: Client, database: string, marker: Marker | null): Promise<void> {
  const text = marker ? quoteValue(PREFIX + JSON.stringify(marker)) : "NULL";
  await client.query(`COMMENT ON DATABASE ${quoteName(database)} IS ${text}`);
}

/** Throws `REFUSED` unless the database is empty or holds a copy of this tenant that nobody works on yet. */
export async function requireReplaceable(client: Client, database: string, tenantId: string): Promise<void> {
  const place = { side: "target", database } as const;
  const marker = await readMarker(client);
  if (!marker) {
    const [row] = await query<{ tables: number }>(
      client,
      `SELECT count(*)::int AS tables FROM pg_catalog.pg_class c JOIN (${USER_SCHEMAS}) n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p')`,
    );
    if (!row || row.tables === 0) return;
    throw new DataError(
      "REFUSED",
      `holds ${row.tables} tables that no copy of ours has made; empty it first`,
      place,
    );
  }
  if (marker.tenant !== tenantId) {
    throw new DataError("REFUSED", `holds the copy of another tenant (${marker.tenant})`, place);
  }
  if (marker.state === "current") {
    throw new DataError(
      "REFUSED",
      "holds the tenant's current rows; replacing them would lose what was written",
      place,
    );
  }
}

import pg from "pg";
import { badRequest } from "../arm/errors.ts";
import { adminGroup } from "./administrator.ts";
import type { PostgresServer } from "./server.ts";

/** Azure's defaults for a database that names neither (Microsoft.DBforPostgreSQL/flexibleServers/databases). */
const defaults = { charset: "UTF8", collation: "en_US.utf8" };

export interface DatabaseProperties {
  charset?: string;
  collation?: string;
}

/** Creates the database unless it is there; charset and collation of one that is there cannot change. */
export async function ensureDatabase(
  server: PostgresServer,
  name: string,
  properties: DatabaseProperties,
): Promise<Required<DatabaseProperties>> {
  const charset = properties.charset ?? defaults.charset;
  const collation = properties.collation ?? defaults.collation;
  if (await hasDatabase(server, name)) return { charset, collation };
  const create = `CREATE DATABASE ${pg.escapeIdentifier(name)} OWNER ${adminGroup} TEMPLATE template0 ENCODING ${pg.escapeLiteral(charset)}`;
  for (const locale of localeClauses(collation)) {
    try {
      await server.query(`${create} ${locale}`);
      return { charset, collation };
    } catch (error) {
      if (!isUnknownLocale(error)) throw badRequest("InvalidParameterValue", messageOf(error));
    }
  }
  throw badRequest(
    "InvalidCollationName",
    `The collation ${collation} is not known to the server.`,
    "collation",
  );
}

/** Ends the sessions in it and drops it. */
export async function dropDatabase(server: PostgresServer, name: string): Promise<void> {
  await server.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
}

async function hasDatabase(server: PostgresServer, name: string): Promise<boolean> {
  const rows = await server.query(`SELECT 1 FROM pg_database WHERE datname = ${pg.escapeLiteral(name)}`);
  return rows.length > 0;
}

/**
 * As the system's library has it, as on Azure; where this machine does not have that locale, by ICU, whose data the
 * server brings along. Plain `C` needs neither.
 */
function localeClauses(collation: string): string[] {
  if (/^(c|posix)$/i.test(collation)) return ["LOCALE 'C'"];
  if (/^c\.utf-?8$/i.test(collation)) return ["LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"];
  const language = collation.replace(/\..*$/, "").replace("_", "-");
  const icu = `LOCALE_PROVIDER icu ICU_LOCALE ${pg.escapeLiteral(language)} LOCALE 'C'`;
  const looksRight = /^[a-z]{2,3}(-[A-Za-z]{2,4})?$/.test(language);
  return [`LOCALE_PROVIDER libc LOCALE ${pg.escapeLiteral(collation)}`, ...(looksRight ? [icu] : [])];
}

function isUnknownLocale(error: unknown): boolean {
  return /locale/i.test(messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

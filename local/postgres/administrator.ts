import pg from "pg";
import { badRequest } from "../arm/errors.ts";
import { scramVerifier } from "./scram.ts";
import type { PostgresServer } from "./server.ts";

/** The group every administrator of a flexible server belongs to, as Azure names it. */
export const adminGroup = "azure_pg_admin";

/** Refused by Azure as names of an administrator (learn.microsoft.com, flexible-server/quickstart-create-server). */
const reserved = new Set([
  "azuresu",
  adminGroup,
  "azure_superuser",
  "admin",
  "administrator",
  "root",
  "guest",
  "public",
]);

/** Groups whose rights Azure's administrators have by their own. */
const granted = [
  "pg_monitor",
  "pg_signal_backend",
  "pg_checkpoint",
  "pg_read_all_data",
  "pg_write_all_data",
  "pg_create_subscription",
  "pg_use_reserved_connections",
  "pg_maintain",
];

/** Throws for a login name that Azure refuses. */
export function checkLogin(login: string): void {
  if (reserved.has(login.toLowerCase()) || login.toLowerCase().startsWith("pg_")) {
    throw badRequest(
      "InvalidAdministratorLogin",
      `The administrator login name ${login} is reserved.`,
      "administratorLogin",
    );
  }
}

/**
 * Makes the administrator of a server, or gives the present one the password. As on Azure it is no superuser, but may
 * create databases and roles, replicate, and pass row-level security, and reads and writes all data through its group
 * (learn.microsoft.com, flexible-server/security-access-control and concepts-security; PostgreSQL 16 and later).
 */
export async function ensureAdministrator(
  server: PostgresServer,
  login: string,
  password: string,
): Promise<void> {
  const name = pg.escapeIdentifier(login);
  const roles = await server.query<{ rolname: string }>("SELECT rolname FROM pg_roles");
  const present = new Set(roles.map(({ rolname }) => rolname));
  const attributes = "LOGIN NOSUPERUSER INHERIT CREATEDB CREATEROLE REPLICATION BYPASSRLS";
  const verifier = pg.escapeLiteral(scramVerifier(password));
  const statements = [
    ...(present.has(adminGroup) ? [] : createGroup()),
    present.has(login) ? "" : `CREATE ROLE ${name}`,
    `ALTER ROLE ${name} WITH ${attributes} PASSWORD ${verifier}`,
    `GRANT ${adminGroup} TO ${name} WITH ADMIN OPTION, INHERIT TRUE, SET TRUE`,
    // Azure lets its administrators set it for a session (learn.microsoft.com/answers, 1879117).
    `GRANT SET ON PARAMETER session_replication_role TO ${adminGroup}`,
  ];
  await server.query(statements.filter(Boolean).join(";\n"));
}

function createGroup(): string[] {
  return [
    `CREATE ROLE ${adminGroup} NOLOGIN CREATEDB CREATEROLE`,
    `GRANT ${granted.join(", ")} TO ${adminGroup} WITH ADMIN OPTION`,
    `ALTER DATABASE postgres OWNER TO ${adminGroup}`,
  ];
}

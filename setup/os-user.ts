import { readFile } from "node:fs/promises";
import { CommandFailure, runCommand } from "./command.ts";
import { findOnPath } from "./on-path.ts";
import type { Log } from "./progress.ts";

export interface OsUser {
  uid: number;
  gid: number;
}

/**
 * The account a PostgreSQL server runs as when this process is root, which the server refuses to be: `postgres`, made
 * when the system has none, or else `nobody`.
 */
export async function ensurePostgresUser(log: Log): Promise<OsUser> {
  const present = await findUser("postgres");
  if (present) return present;
  const useradd = await findOnPath("useradd", ["/usr/sbin", "/sbin"]);
  if (useradd) {
    log("set-up: adding the system account postgres: a PostgreSQL server does not run as root");
    const args = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "postgres"];
    await runCommand(useradd, args, { timeoutMs: 10_000 }).catch((error: unknown) => {
      // Two set-ups at once may both try; what counts is whether the account is there afterwards.
      if (!(error instanceof CommandFailure)) throw error;
    });
  }
  return (await findUser("postgres")) ?? (await findUser("nobody")) ?? { uid: 65534, gid: 65534 };
}

async function findUser(name: string): Promise<OsUser | undefined> {
  const accounts = await readFile("/etc/passwd", "utf8").catch(() => "");
  return parseUser(accounts, name);
}

/** One account of a passwd(5) file. */
export function parseUser(passwd: string, name: string): OsUser | undefined {
  const fields = passwd
    .split("\n")
    .map((line) => line.split(":"))
    .find((line) => line[0] === name);
  // An empty field must not become root's 0.
  const ids = fields?.slice(2, 4).filter((field) => /^\d+$/.test(field)) ?? [];
  return ids.length === 2 ? { uid: Number(ids[0]), gid: Number(ids[1]) } : undefined;
}

/**
 * The same rows by `pg_dump` and `pg_restore`. Both belong to a server's version and are not among the programs that
 * set-up brings, so that this is measured where the system has a whole PostgreSQL: with its servers, for both ways.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { CopyReport } from "../../automation/data/postgres/report.ts";
import type { Finding, Measure } from "../report.ts";
import { rounded } from "../statistics.ts";
import { runMover } from "./mover.ts";
import { startBenchServers } from "./servers.ts";
import type { BenchServers, Login } from "./servers.ts";
import { seed, TENANT } from "./tables.ts";

const NAME = "dataDumpAndRestore";
const DATABASE = "dumped";
const RESTORED = "restored";
/** Where Debian and its relatives keep a PostgreSQL of each version. */
const DEBIAN = "/usr/lib/postgresql";
const NEEDED = ["initdb", "postgres", "pg_dump", "pg_restore"];
/** Replication with a row filter came with this one; without it the data command would move the rows otherwise. */
const OLDEST = 15;

export async function measureDump(
  mover: string,
  { megabytes, signal }: { megabytes: number; signal: AbortSignal },
): Promise<Finding | Measure> {
  const binDir = findPrograms();
  if (binDir === undefined)
    return {
      name: NAME,
      notMeasured: `no PostgreSQL ${OLDEST} or newer with pg_dump below ${DEBIAN}; the package postgresql has one`,
    };
  const servers = await startBenchServers(binDir, { isOld: true });
  try {
    const rows = await seed(servers, DATABASE, megabytes);
    const { report } = await runMover<CopyReport>(
      mover,
      "copy",
      {
        tenant: TENANT,
        source: servers.source,
        target: servers.target,
        databases: [DATABASE],
        migrationId: DATABASE,
      },
      { caFile: servers.caFile, signal },
    );
    const dumpSeconds = await dumpAndRestore(servers, binDir, signal);
    return {
      name: NAME,
      what: "Rows a second of the data command's copy against pg_dump into a file and pg_restore of the same rows, on the system's own PostgreSQL.",
      value: dumpSeconds / report.seconds,
      unit: "ratio",
      goal: { atLeast: 3 },
      figures: {
        rows,
        copySeconds: rounded(report.seconds, 2),
        dumpAndRestoreSeconds: rounded(dumpSeconds, 2),
        version: path.basename(path.dirname(binDir)),
      },
    };
  } finally {
    await servers.stop();
  }
}

/** From the tenant's own server, which holds its rows alone: `pg_dump` cannot choose rows. */
async function dumpAndRestore(servers: BenchServers, binDir: string, signal: AbortSignal): Promise<number> {
  const { target } = servers;
  await servers.createDatabase(RESTORED);
  const dir = await mkdtemp(path.join(os.tmpdir(), "tierlift-bench-dump-"));
  const file = path.join(dir, "dump");
  const run = (program: string, ...args: string[]) =>
    promisify(execFile)(path.join(binDir, program), [...loginOf(target), ...args], {
      env: { PATH: process.env["PATH"], PGPASSWORD: target.password, PGSSLMODE: "prefer" },
      signal,
    });
  try {
    const startedMs = performance.now();
    await run("pg_dump", "--format=custom", `--file=${file}`, "--table=public.*", DATABASE);
    await run("pg_restore", "--no-owner", `--dbname=${RESTORED}`, file);
    return (performance.now() - startedMs) / 1000;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const loginOf = ({ host, port, user }: Login): string[] => [
  `--host=${host}`,
  `--port=${port}`,
  `--username=${user}`,
  "--no-password",
];

/** The newest whole PostgreSQL of the system. */
function findPrograms(): string | undefined {
  if (!existsSync(DEBIAN)) return undefined;
  return readdirSync(DEBIAN)
    .filter((version) => Number(version) >= OLDEST)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => path.join(DEBIAN, version, "bin"))
    .find((dir) => NEEDED.every((program) => existsSync(path.join(dir, program))));
}

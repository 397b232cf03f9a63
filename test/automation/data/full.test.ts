/** A target whose disk is full, which is a small file system in memory. */
import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { InspectReport } from "../../../automation/data/postgres/report.ts";
import { resolveUser } from "../../../local/postgres/placement.ts";
import { postgresPrograms } from "../../support/local-parts.ts";
import { ACME, createDatabase, requestFor, run, runData, startServers } from "./servers.ts";
import type { TestServers } from "./servers.ts";

const binDir = postgresPrograms();
const DISK_MB = 24;

/** A folder with so much room, or why there is none. */
function mountDisk(): string | Error {
  const dir = mkdtempSync(path.join(tmpdir(), "tierlift-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m`, "tmpfs", dir], { stdio: "pipe" });
    return dir;
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    return error as Error;
  }
}

const disk = binDir ? mountDisk() : new Error("there is no PostgreSQL");
if (disk instanceof Error)
  console.log(`skipped: a small file system cannot be mounted here (${disk.message})`);

/** Rows of the tenant, about 1 MB for each thousand. */
const rowsFrom = (first: number, count: number): string =>
  `INSERT INTO public.files SELECT '${ACME.id}', n, repeat(md5(n::text), 30)
   FROM generate_series(${first}, ${first + count - 1}) n;`;
const TABLE = `CREATE TABLE public.files (tenant_id uuid NOT NULL, id bigint PRIMARY KEY, body text NOT NULL);
  ALTER TABLE public.files ALTER COLUMN body SET STORAGE EXTERNAL;`;

describe.skipIf(typeof disk !== "string")("a target that runs full", { timeout: 60_000 }, () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers(binDir!);
    const { uid, gid } = (await resolveUser()) ?? {};
    if (uid !== undefined && gid !== undefined) chownSync(disk as string, uid, gid);
  }, 60_000);
  afterAll(async () => {
    await servers?.stop();
    execFileSync("umount", [disk as string]);
    rmSync(disk as string, { recursive: true, force: true });
  });

  /** A database whose target side is on the small disk. */
  async function onSmallDisk(seed: string): Promise<string> {
    const database = await createDatabase(servers, seed);
    const [found] = await servers.target.query("SELECT FROM pg_tablespace WHERE spcname = 'small'");
    if (!found) await servers.target.query(`CREATE TABLESPACE small LOCATION '${disk as string}'`);
    await servers.target.query(`ALTER DATABASE ${database} SET TABLESPACE small`);
    await runData("provision", requestFor(servers, [database]));
    return database;
  }
  const inspect = (database: string) => runData<InspectReport>("inspect", requestFor(servers, [database]));

  it("ends the copy with its name and what it said, and the shared server follows nothing", async () => {
    const database = await onSmallDisk(TABLE + rowsFrom(1, 40_000));
    await expect(runData("copy", requestFor(servers, [database]))).rejects.toMatchObject({
      code: "DATABASE",
      message: expect.stringMatching(new RegExp(`^target / ${database}.*No space left on device`)) as unknown,
    });
    const { role, slots, databases } = await inspect(database);
    expect(role.writes).toBe(true);
    expect([...slots, ...databases.flatMap(({ publications }) => publications)]).toEqual([]);
    await servers.target.query(`DROP DATABASE ${database} WITH (FORCE)`);
    // Until then its files keep their place.
    await servers.target.query("CHECKPOINT");
  });

  it("ends the cutover, with open writes on the shared side", async () => {
    const database = await onSmallDisk(TABLE + rowsFrom(1, 100));
    await runData("copy", requestFor(servers, [database]));
    await run(servers.source, database, rowsFrom(1_000, 40_000));
    await expect(runData("cutover", requestFor(servers, [database]))).rejects.toMatchObject({
      code: "DATABASE",
      message: expect.stringContaining("No space left on device") as unknown,
    });
    expect((await inspect(database)).role.writes).toBe(true);
  });
});

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresPrograms } from "../../support/local-parts.ts";
import { createDatabase, PASSWORD, requestFor, rows, SEED, startServers } from "./servers.ts";
import type { TestServers } from "./servers.ts";

const binDir = postgresPrograms();

function start(args: string[], caFile?: string): ChildProcess {
  const env: NodeJS.ProcessEnv = { ...process.env };
  delete env.NODE_EXTRA_CA_CERTS;
  delete env["TIERLIFT_PLUGIN_BUNDLES"];
  if (caFile) env.NODE_EXTRA_CA_CERTS = caFile;
  return spawn(process.execPath, ["automation/data/run.mjs", ...args], {
    env,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

async function run(args: string[], input: string, caFile?: string) {
  const child = start(args, caFile);
  child.stdin!.end(input);
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  return { code: await exited, stdout, stderr };
}

describe("the data command without a server", () => {
  it.each([
    ["an unknown verb", ["postgres", "destroy"], "{}", /expected one of provision, copy/],
    ["an unknown store", ["oracle", "copy"], "{}", /expected the store postgres/],
    ["no document", ["postgres", "copy"], "", /does not hold one JSON document/],
    ["missing fields", ["postgres", "copy"], "{}", /tenant: .*; source: .*; databases: /],
  ])("refuses %s with exit code 2", async (_, args, input, reason) => {
    const result = await run(args, input);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(reason);
  });

  it("never repeats what it was given, which may be a password", async () => {
    const broken = await run(["postgres", "copy"], `{"source": {"password": "hunter2"`);
    const wrong = await run(["postgres", "copy"], `{"source": {"password": ["hunter2"], "port": "hunter2"}}`);
    expect(broken.stderr + wrong.stderr).not.toContain("hunter2");
  });
});

describe.skipIf(!binDir)("the data command", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers(binDir!);
    await Promise.all([servers.source.requireTls(true), servers.target.requireTls(true)]);
  });
  afterAll(() => servers.stop());

  /** With the default mode: TLS, because the servers offer it. */
  const documentFor = (database: string): string => {
    const request = requestFor(servers, [database]);
    const withTls = { ...request.source, sslmode: undefined };
    return JSON.stringify({ ...request, source: withTls, target: { ...request.target, sslmode: undefined } });
  };
  const seeded = async (): Promise<string> => {
    await Promise.all([servers.source.requireTls(false), servers.target.requireTls(false)]);
    const database = await createDatabase(servers, SEED);
    await Promise.all([servers.source.requireTls(true), servers.target.requireTls(true)]);
    return database;
  };

  it("copies over TLS that it checks, reports on standard output and tells its progress on standard error", async () => {
    const database = await seeded();
    const { code, stdout, stderr } = await run(["postgres", "copy"], documentFor(database), servers.caFile);
    expect(stderr).not.toMatch(/^error/m);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      store: "postgres",
      databases: [{ name: database }],
      rows: 2500,
    });
    const progress = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string });
    expect(progress.map(({ event }) => event)).toContain("copied");
    expect(stdout + stderr).not.toContain(PASSWORD);
  });

  it("refuses a server whose certificate nobody it trusts has signed, also where it could go on without TLS", async () => {
    const database = await seeded();
    const { code, stdout, stderr } = await run(["postgres", "copy"], documentFor(database));
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/error DATABASE: source .*certificate/);
    expect(stderr).not.toContain(PASSWORD);
  });

  it("names server side and database when it cannot log in, without the password", async () => {
    const request = JSON.parse(documentFor("nowhere")) as { source: { password: string } };
    request.source.password = "wrong-password";
    const { code, stderr } = await run(["postgres", "copy"], JSON.stringify(request), servers.caFile);
    expect(code).toBe(4);
    expect(stderr).toMatch(/source \/ nowhere: .*28P01/);
    expect(stderr).not.toContain("wrong-password");
  });

  it("ends on SIGTERM with exit code 143 and leaves nothing running on the servers", async () => {
    await Promise.all([servers.source.requireTls(false), servers.target.requireTls(false)]);
    const database = await createDatabase(
      servers,
      `CREATE TABLE public.big AS SELECT n, repeat(md5(n::text), 100) AS filler FROM generate_series(1, 200000) n;
       COMMENT ON TABLE public.big IS 'tierlift: reference'`,
    );
    const child = start(["postgres", "copy"], servers.caFile);
    const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
    child.stdin!.end(documentFor(database));
    child.stdout!.resume();
    child.stderr!.resume();
    await until(async () => (await sessions(servers, database)).some(({ query }) => /^COPY/.test(query)));
    child.kill("SIGTERM");
    expect(await exited).toBe(143);
    await until(async () => (await sessions(servers, database)).length === 0);
    const slots = `SELECT FROM pg_replication_slots WHERE database = '${database}'`;
    expect(await rows(servers.source, database, slots)).toEqual([]);
    expect(await rows(servers.source, database, "SELECT FROM pg_publication")).toEqual([]);
  });
});

async function sessions(servers: TestServers, database: string): Promise<{ query: string }[]> {
  const sql = `SELECT query FROM pg_stat_activity WHERE application_name = 'tierlift-data' AND datname = '${database}'`;
  const both = await Promise.all(
    [servers.source, servers.target].map((server) => rows<{ query: string }>(server, "postgres", sql)),
  );
  return both.flat();
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

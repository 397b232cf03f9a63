/** How fast a tenant's rows, blobs and keys move, what the mover needs, and how long writes are frozen, by the amount of data. */
import { bundlesVariable, planDataCommand } from "../../commands/own-programs.ts";
import type { CopyReport, CutoverReport } from "../../automation/data/postgres/report.ts";
import type { Parts } from "../../setup/parts.ts";
import type { Finding, Measure } from "../report.ts";
import { peakOf, rounded } from "../statistics.ts";
import { measureBlobs } from "./blobs.ts";
import { measureDump } from "./dump.ts";
import { measureKeys } from "./keys.ts";
import { runMover } from "./mover.ts";
import type { Mover } from "./mover.ts";
import { measureRecords } from "./records.ts";
import { startBenchServers } from "./servers.ts";
import type { BenchServers } from "./servers.ts";
import { pipeByHand, seed, TENANT, writeSteadily } from "./tables.ts";

const SIZES_MB = [10, 200, 1000] as const;
/** Large enough for starts not to count. */
const COMPARED_MB = 200;

interface Sized {
  megabytes: number;
  rows: number;
  copySeconds: number;
  peakMb: number;
  frozenSeconds: number;
}

export async function measureData(
  parts: Parts,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal },
): Promise<(Finding | Measure)[]> {
  const servers = await startBenchServers(parts.postgres.binDir);
  const mover = { command: planDataCommand(), environment: bundlesVariable(parts.bundles) };
  try {
    const sizes: Sized[] = [];
    let byHandSeconds = Number.NaN;
    for (const megabytes of SIZES_MB) {
      log(`bench: data: ${megabytes} MB of rows`);
      const database = `rows_${megabytes}`;
      const rows = await seed(servers, database, megabytes);
      if (megabytes === COMPARED_MB) byHandSeconds = await pipeByHand(servers, database);
      sizes.push({ megabytes, rows, ...(await move(servers, mover, database, signal)) });
    }
    const rows = findingsOf(sizes, byHandSeconds);
    await servers.stop();
    log("bench: data: dump and restore");
    const dump = await measureDump(mover, { megabytes: COMPARED_MB, signal });
    log("bench: data: blobs");
    const blobs = await measureBlobs(mover, parts.blobServer.main, signal);
    const keys = await measureKeys(parts, mover, { log, signal });
    const records = await measureRecords(parts, mover, { log, signal });
    return [...rows, dump, ...blobs, ...keys, ...records];
  } finally {
    await servers.stop();
  }
}

/** Copied, followed and cut over, with a writer that never stops. */
async function move(
  servers: BenchServers,
  mover: Mover,
  database: string,
  signal: AbortSignal,
): Promise<Pick<Sized, "copySeconds" | "peakMb" | "frozenSeconds">> {
  const document = {
    tenant: TENANT,
    source: servers.source,
    target: servers.target,
    databases: [database],
    migrationId: database,
    role: { name: "tenant_bench", password: "written only on this machine", connectionLimit: 10 },
  };
  const run = <R>(verb: string, more: object = {}) =>
    runMover<R>(mover, verb, { ...document, ...more }, { caFile: servers.caFile, signal });
  await run("provision");
  const copied = await run<CopyReport>("copy");
  const over = new AbortController();
  const login = { ...servers.source, user: document.role.name, password: document.role.password };
  const writing = writeSteadily(login, database, over.signal);
  try {
    const caughtUp = await run("catch-up");
    const cutOver = await run<CutoverReport>("cutover");
    return {
      copySeconds: copied.seconds,
      peakMb: peakOf([copied.peakMb, caughtUp.peakMb, cutOver.peakMb]),
      frozenSeconds: cutOver.report.frozenSeconds,
    };
  } finally {
    over.abort();
    await writing;
    await run("detach");
  }
}

function findingsOf(sizes: readonly Sized[], byHandSeconds: number): Finding[] {
  const compared = sizes.find(({ megabytes }) => megabytes === COMPARED_MB)!;
  const bySize = (of: (size: Sized) => number) =>
    Object.fromEntries(sizes.map((size) => [`${size.megabytes} MB`, rounded(of(size), 2)]));
  return [
    {
      name: "dataRows",
      what: "Rows a second of the data command's copy against a COPY of the tenant's rows piped into a COPY by hand.",
      value: byHandSeconds / compared.copySeconds,
      unit: "ratio",
      goal: { atLeast: 0.8 },
      figures: {
        rows: compared.rows,
        copySeconds: rounded(compared.copySeconds, 2),
        byHandSeconds: rounded(byHandSeconds, 2),
        copySecondsBySize: bySize(({ copySeconds }) => copySeconds),
      },
    },
    {
      name: "dataFreeze",
      what: "The longest time for which a cutover froze writes, of all amounts of data, with a writer that never stops.",
      value: peakOf(sizes.map(({ frozenSeconds }) => frozenSeconds)),
      unit: "s",
      goal: { atMost: 2 },
      figures: bySize(({ frozenSeconds }) => frozenSeconds),
    },
    {
      name: "dataMemory",
      what: "The most memory that the data command had at once, of all verbs and amounts of data.",
      value: peakOf(sizes.map(({ peakMb }) => peakMb)),
      unit: "MB",
      goal: { atMost: 150 },
      figures: bySize(({ peakMb }) => peakMb),
    },
  ];
}

/**
 * The data command: `main.ts postgres|blobs|cache <verb>`, one JSON document on standard input, one JSON report on standard
 * output, progress as JSON lines on standard error. Run by the stacks and by the cutover.
 */
import { text } from "node:stream/consumers";
import { parseBlobVerb } from "./blobs/request.ts";
import { parseCacheVerb } from "./cache/request.ts";
import { DataError, describeFailure, EXIT_CODES } from "./errors.ts";
import { createConnections } from "./postgres/connection.ts";
import type { Alongside } from "./postgres/copy.ts";
import { runVerb } from "./postgres/verbs.ts";
import type { Progress } from "./postgres/report.ts";
import { parseBlobsRequest, parseCacheRequest, parseRequest, parseVerb } from "./request.ts";
import type { DataRequest } from "./request.ts";

const progress: Progress = (event) => {
  process.stderr.write(`${JSON.stringify(event)}\n`);
};

/** Runs one command and answers its exit code. */
async function main([store, verb]: string[]): Promise<number> {
  const aborted = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => aborted.abort(new DataError("CANCELLED", `cancelled by ${signal}`)));
  }
  try {
    const report = await runStore(store, verb, aborted.signal);
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return 0;
  } catch (error) {
    return explain(aborted.signal.aborted ? aborted.signal.reason : error);
  }
}

async function runStore(store = "", verb: string | undefined, signal: AbortSignal): Promise<unknown> {
  if (store === "postgres") return await runPostgres(verb, signal);
  if (store === "blobs") return await runBlobs(verb, signal);
  if (store === "cache") return await runCache(verb, signal);
  throw new DataError("BAD_REQUEST", `expected the store postgres, blobs or cache, got "${store}"`);
}

async function runPostgres(verb: string | undefined, signal: AbortSignal): Promise<unknown> {
  const known = parseVerb(verb);
  const request = parseRequest(await text(process.stdin));
  const connections = createConnections(signal);
  try {
    const alongside = known === "cutover" ? await openAlongside(request) : undefined;
    return await runVerb(known, { request, connections, progress, ...(alongside && { alongside }) });
  } finally {
    await connections.close();
  }

  async function openAlongside({ tenant, blobs }: DataRequest): Promise<Alongside | undefined> {
    if (!blobs) return undefined;
    const { createBlobsAlongside } = await import("./blobs/settle.ts");
    return await createBlobsAlongside({ tenant, blobs }, { signal, progress });
  }
}

/** Azure's clients are loaded for the blobs' sake only: rows do without them, and start sooner. */
async function runBlobs(verb: string | undefined, signal: AbortSignal): Promise<unknown> {
  const known = parseBlobVerb(verb);
  const request = parseBlobsRequest(await text(process.stdin));
  const [{ openContainers }, { runBlobVerb }] = await Promise.all([
    import("./blobs/account.ts"),
    import("./blobs/verbs.ts"),
  ]);
  return await runBlobVerb(known, await openContainers(request, { signal, progress }));
}

/** The client of caches is loaded for their sake only. */
async function runCache(verb: string | undefined, signal: AbortSignal): Promise<unknown> {
  const known = parseCacheVerb(verb);
  const request = parseCacheRequest(await text(process.stdin));
  const { runCacheVerb } = await import("./cache/verbs.ts");
  return await runCacheVerb(known, request, { signal, progress });
}

function explain(error: unknown): number {
  if (error instanceof DataError) {
    process.stderr.write(`error ${error.code}: ${error.message}\n`);
    return EXIT_CODES[error.code];
  }
  process.stderr.write(`error INTERNAL: ${describeFailure(error)}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));

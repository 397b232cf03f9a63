/**
 * The data command: `main.ts postgres|blobs|cache|kafka <verb>`, one JSON document on standard input, one JSON report on
 * standard output, progress as JSON lines on standard error. Run by the stacks and by the cutover.
 */
import { text } from "node:stream/consumers";
import { joinAlongside } from "./alongside.ts";
import type { Alongside } from "./alongside.ts";
import { parseBlobVerb } from "./blobs/request.ts";
import { parseCacheVerb } from "./cache/request.ts";
import { DataError, describeFailure, EXIT_CODES } from "./errors.ts";
import { parseKafkaVerb } from "./kafka/request.ts";
import { createConnections } from "./postgres/connection.ts";
import { runVerb } from "./postgres/verbs.ts";
import type { Progress } from "./progress.ts";
import {
  parseBlobsRequest,
  parseCacheRequest,
  parseKafkaRequest,
  parseRequest,
  parseVerb,
} from "./request.ts";
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
  switch (store) {
    case "postgres":
      return await runPostgres(verb, signal);
    case "blobs":
      return await runBlobs(verb, signal);
    case "cache":
      return await runCache(verb, signal);
    case "kafka":
      return await runKafka(verb, signal);
    default:
      throw new DataError(
        "BAD_REQUEST",
        `expected the store postgres, blobs, cache or kafka, got "${store}"`,
      );
  }
}

async function runPostgres(verb: string | undefined, signal: AbortSignal): Promise<unknown> {
  const known = parseVerb(verb);
  const request = parseRequest(await text(process.stdin));
  const connections = createConnections(signal);
  let alongside: Alongside | undefined;
  try {
    if (known === "cutover" || known === "return") alongside = await openAlongside(known, request, signal);
    return await runVerb(known, { request, connections, progress, ...(alongside && { alongside }) });
  } finally {
    await Promise.all([connections.close(), Promise.resolve(alongside?.close?.())]);
  }
}

/** What is settled in the rows' freeze, all of it at once. */
async function openAlongside(
  verb: "cutover" | "return",
  request: DataRequest,
  signal: AbortSignal,
): Promise<Alongside> {
  const { tenant, blobs, kafka } = request;
  const options = { signal, progress };
  const others: Alongside[] = [];
  if (blobs) {
    const { createBlobsAlongside, createBlobsReturn } = await import("./blobs/settle.ts");
    const create = verb === "cutover" ? createBlobsAlongside : createBlobsReturn;
    others.push(await create({ tenant, blobs }, options));
  }
  if (kafka) {
    const { createKafkaAlongside, createKafkaReturn } = await import("./kafka/settle.ts");
    const create = verb === "cutover" ? createKafkaAlongside : createKafkaReturn;
    others.push(await create({ tenant, kafka }, options));
  }
  return joinAlongside(others);
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

/** The same for Kafka's client. */
async function runKafka(verb: string | undefined, signal: AbortSignal): Promise<unknown> {
  const known = parseKafkaVerb(verb);
  const request = parseKafkaRequest(await text(process.stdin));
  const [{ withClusters }, { runKafkaVerb }] = await Promise.all([
    import("./kafka/cluster.ts"),
    import("./kafka/verbs.ts"),
  ]);
  return await withClusters(request, { signal, progress }, (context) => runKafkaVerb(known, context));
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
// What a client has left open, as one may whose server was killed, is not waited for; what was written is.
process.stdout.end(() => process.stderr.end(() => process.exit()));

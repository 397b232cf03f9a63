/**
 * The data command: `main.ts postgres <verb>`, one JSON document on standard input, one JSON report on standard
 * output, progress as JSON lines on standard error. Run by the stacks and by the cutover.
 */
import { text } from "node:stream/consumers";
import { DataError, describeFailure, EXIT_CODES } from "./errors.ts";
import { createConnections } from "./postgres/connection.ts";
import { runVerb } from "./postgres/verbs.ts";
import type { Progress } from "./postgres/report.ts";
import { parseRequest, parseVerb } from "./request.ts";

const progress: Progress = (event) => {
  process.stderr.write(`${JSON.stringify(event)}\n`);
};

/** Runs one command and answers its exit code. */
async function main(args: string[]): Promise<number> {
  const aborted = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => aborted.abort(new DataError("CANCELLED", `cancelled by ${signal}`)));
  }
  const connections = createConnections(aborted.signal);
  try {
    const [store, verb] = args;
    if (store !== "postgres")
      throw new DataError("BAD_REQUEST", `expected the store postgres, got "${store ?? ""}"`);
    const known = parseVerb(verb);
    const report = await runVerb(known, {
      request: parseRequest(await text(process.stdin)),
      connections,
      progress,
    });
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return 0;
  } catch (error) {
    return explain(aborted.signal.aborted ? aborted.signal.reason : error);
  } finally {
    await connections.close();
  }
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

/**
 * What a store does beside a switch, as a process of its own with the document on standard input and what was settled on
 * standard output: the authority that the servers' certificates are of is only trusted by processes that begin with it.
 */
import { text } from "node:stream/consumers";
import type { Alongside } from "../../../automation/data/alongside.ts";
import { createBlobsReturn } from "../../../automation/data/blobs/settle.ts";
import { parseBlobsRequest } from "../../../automation/data/request.ts";

const options = { signal: AbortSignal.timeout(120_000), progress: () => undefined };

const STEPS: Record<string, (document: string) => Promise<Alongside>> = {
  "blobs-return": (document) => createBlobsReturn(parseBlobsRequest(document), options),
};

const alongside = await STEPS[process.argv[2] ?? ""]!(await text(process.stdin));
try {
  await alongside.prepare();
  process.stdout.write(JSON.stringify(await alongside.settle(options.signal)));
} finally {
  await alongside.close?.();
}

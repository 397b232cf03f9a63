/**
 * What a store does beside a switch, as a process of its own with the document on standard input and what was settled on
 * standard output: the authority that the servers' certificates are of is only trusted by processes that begin with it.
 */
import { text } from "node:stream/consumers";
import type { Alongside } from "../../../automation/data/alongside.ts";
import { createBlobsReturn } from "../../../automation/data/blobs/settle.ts";
import { createKafkaAlongside, createKafkaReturn } from "../../../automation/data/kafka/settle.ts";
import { parseBlobsRequest, parseKafkaRequest } from "../../../automation/data/request.ts";

const options = { signal: AbortSignal.timeout(120_000), progress: () => undefined };

type Step = (document: string) => Promise<Alongside>;

const STEPS: Record<string, Step> = {
  "blobs-return": (document) => createBlobsReturn(parseBlobsRequest(document), options),
  "kafka-over": (document) => createKafkaAlongside(parseKafkaRequest(document), options),
  "kafka-return": (document) => createKafkaReturn(parseKafkaRequest(document), options),
};

const alongside = await STEPS[process.argv[2] ?? ""]!(await text(process.stdin));
try {
  await alongside.prepare();
  const settled = await alongside.settle(options.signal);
  if (settled.differences.length === 0) await alongside.startReverse?.();
  process.stdout.write(JSON.stringify(settled));
} finally {
  await alongside.close?.();
}

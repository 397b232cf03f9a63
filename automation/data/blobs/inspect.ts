/** `inspect`: what the shared account holds of a tenant, without changing anything. */
import { createHash } from "node:crypto";
import { secondsSince } from "../progress.ts";
import type { BlobContext } from "./account.ts";
import { listBlobs } from "./listing.ts";
import type { BlobInspectReport } from "./report.ts";
import { readMd5 } from "./transfer.ts";

export async function inspectBlobs(context: BlobContext): Promise<BlobInspectReport> {
  const startedMs = performance.now();
  const digest = createHash("sha256");
  let [blobs, bytes] = [0, 0];
  for await (const blob of listBlobs(context, context.source)) {
    const md5 = blob.md5 ?? (await readMd5(context, context.source, blob));
    digest.update(`${blob.name}\0${md5}\n`);
    blobs += 1;
    bytes += blob.bytes;
  }
  const seconds = secondsSince(startedMs);
  return { store: "blobs", verb: "inspect", blobs, bytes, digest: digest.digest("hex"), seconds };
}

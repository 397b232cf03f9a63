/** `verify`: every copy is read and compared with the blob it was made of. */
import { isDeepStrictEqual } from "node:util";
import { secondsSince } from "../progress.ts";
import { isStatus } from "./account.ts";
import type { BlobContext } from "./account.ts";
import { isDue } from "./copy.ts";
import { listBlobs, pairBlobs } from "./listing.ts";
import type { Blob, Pair } from "./listing.ts";
import { inParallel } from "../in-parallel.ts";
import type { BlobVerifyReport } from "./report.ts";
import { readMd5 } from "./transfer.ts";

const BLOBS_AT_ONCE = 8;

/** By the bytes themselves in the tenant's own account; a difference is named with both digests, and not healed. */
export async function verifyBlobs(context: BlobContext): Promise<BlobVerifyReport> {
  const startedMs = performance.now();
  const verified = { blobs: 0, bytes: 0 };
  const differences: string[] = [];
  let pending = 0;
  const pairs = pairBlobs(listBlobs(context, context.source), listBlobs(context, context.target()));
  await inParallel(pairs, BLOBS_AT_ONCE, async (pair) => {
    const { name, source, target } = pair;
    if (source ? isDue(source, target) : target?.mark !== undefined) {
      pending += 1;
      return;
    }
    const found = await compareBytes(context, pair);
    if (found === "changed") pending += 1;
    else if (found !== undefined) differences.push(planDifference(name, found));
    if (!target || found === "changed") return;
    verified.blobs += 1;
    verified.bytes += target.bytes;
  });
  differences.sort();
  const seconds = secondsSince(startedMs);
  return {
    store: "blobs",
    verb: "verify",
    ok: differences.length === 0,
    verified,
    pending,
    differences,
    seconds,
  };
}

/** What is different about a pair; `changed` where one of the two is another one by now. */
async function compareBytes(context: BlobContext, { source, target }: Pair): Promise<string | undefined> {
  if (!source || !target) return compareListed({ source, target });
  try {
    const [expected, found] = await Promise.all([
      source.md5 ?? readMd5(context, context.source, source),
      readMd5(context, context.target(), target),
    ]);
    return compareListed({ source: { ...source, md5: expected }, target: { ...target, md5: found } });
  } catch (error) {
    if (isStatus(error, 404) || isStatus(error, 412)) return "changed";
    throw error;
  }
}

/** What is different by the properties that listings give. */
export function compareListed({ source, target }: Pick<Pair, "source" | "target">): string | undefined {
  if (!source) return `it is only in the tenant's own account, where the move has not put it`;
  if (!target) return `it is missing in the tenant's own account`;
  return compareStates(source, target);
}

/** The same for what both sides have, whichever of them was made of the other. */
export function compareStates(source: Blob, target: Blob): string | undefined {
  // Without a Content-MD5 of its own the original is the state that the copy's MD5 was computed from, by its mark.
  const expected = source.md5 ?? (target.mark === source.etag ? target.md5 : undefined);
  const found = target.md5 ?? (source.mark === target.etag ? source.md5 : undefined);
  if (expected === undefined || expected !== found || source.bytes !== target.bytes)
    return `MD5 ${source.md5 ?? "unknown"} of ${source.bytes} bytes in the shared account, ${target.md5 ?? "unknown"} of ${target.bytes} bytes in the tenant's own`;
  if (!isDeepStrictEqual(source.headers, target.headers)) return "content type or another header differs";
  if (!isDeepStrictEqual(source.metadata, target.metadata)) return "metadata differ";
  return undefined;
}

export function planDifference(name: string, found: string): string {
  return `blobs / ${name}: ${found}`;
}

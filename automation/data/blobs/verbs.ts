/** What each of the blobs' verbs does. */
import type { BlobContext } from "./account.ts";
import { copyBlobs } from "./copy.ts";
import { inspectBlobs } from "./inspect.ts";
import { bringLateBlobs } from "./late.ts";
import { purgeBlobs } from "./purge.ts";
import { reverseBlobs } from "./reverse.ts";
import type { BlobReport } from "./report.ts";
import type { BlobVerb } from "./request.ts";
import { verifyBlobs } from "./verify.ts";

const RUN = {
  copy: (context) => copyBlobs(context),
  "catch-up": (context) => copyBlobs(context, "catch-up"),
  verify: verifyBlobs,
  late: (context) => bringLateBlobs(context),
  "late-back": (context) => bringLateBlobs(context, "late-back"),
  reverse: reverseBlobs,
  purge: purgeBlobs,
  inspect: inspectBlobs,
} as const satisfies Record<BlobVerb, (context: BlobContext) => Promise<BlobReport>>;

/** Throws a `DataError` that says what failed and where. */
export async function runBlobVerb(verb: BlobVerb, context: BlobContext): Promise<BlobReport> {
  return await RUN[verb](context);
}

/** How fast a tenant's blobs move, and what the mover needs for small and for large ones. */
import path from "node:path";
import type { BlobCopyReport } from "../../automation/data/blobs/report.ts";
import type { Finding } from "../report.ts";
import { peakOf, rounded } from "../statistics.ts";
import { startBenchAccounts } from "./accounts.ts";
import type { BenchAccounts } from "./accounts.ts";
import { runMover, runToEnd } from "./mover.ts";

const BY_HAND = path.join(import.meta.dirname, "blobs-by-hand.ts");
const KIB = 1024;
const SMALL = { count: 1_000, bytes: 64 * KIB };
/** Each goes in several blocks, and all of them together are more than the mover may have in memory. */
const LARGE = { count: 40, bytes: 10 * KIB * KIB };

export async function measureBlobs(
  mover: string,
  blobServer: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const accounts = await startBenchAccounts(blobServer);
  try {
    const small = await compare(mover, accounts, SMALL, signal);
    const large = await compare(mover, accounts, LARGE, signal);
    const labelled = (of: (sized: typeof small) => number) => ({
      [`${SMALL.count} of 64 KiB`]: rounded(of(small), 2),
      [`${LARGE.count} of 10 MiB`]: rounded(of(large), 2),
    });
    return [
      {
        name: "dataBlobs",
        what: "Blobs a second of the data command's copy against the same client without any check, blobs of 64 KiB.",
        value: small.byHandSeconds / small.copySeconds,
        unit: "ratio",
        goal: null,
        figures: {
          blobsPerSecond: Math.round(SMALL.count / small.copySeconds),
          ...labelled(({ copySeconds, byHandSeconds }) => byHandSeconds / copySeconds),
        },
      },
      {
        name: "dataBlobsMemory",
        what: "The most memory that the data command had at once while it copied blobs.",
        value: peakOf([small.peakMb, large.peakMb]),
        unit: "MB",
        goal: { atMost: 150 },
        figures: labelled(({ peakMb }) => peakMb),
      },
    ];
  } finally {
    await accounts.stop();
  }
}

/** Both ways in one go, each into an empty container. */
async function compare(
  mover: string,
  { document, caFile }: BenchAccounts,
  { count, bytes }: typeof SMALL,
  signal: AbortSignal,
) {
  const byHand = async (step: "seed" | "copy" | "clear"): Promise<number> => {
    const job = { accounts: document, count, bytes };
    const { stdout } = await runToEnd(["--import", "tsx", BY_HAND, step], job, { caFile, signal });
    return Number(stdout);
  };
  await byHand("seed");
  const byHandSeconds = await byHand("copy");
  await byHand("clear");
  await byHand("seed");
  const { report, peakMb } = await runMover<BlobCopyReport>(mover, "copy", document, {
    store: "blobs",
    caFile,
    signal,
  });
  await byHand("clear");
  return { byHandSeconds, copySeconds: report.seconds, peakMb };
}

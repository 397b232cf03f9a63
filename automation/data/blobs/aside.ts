/** What two have written is kept twice: the late state of a blob lies beside the one that has its name. */
import { isStatus } from "./account.ts";
import type { BlobContext, Side, Way } from "./account.ts";
import { readBlob } from "./listing.ts";
import type { Blob } from "./listing.ts";
import { NOTHING, transferBlob } from "./transfer.ts";
import type { Destination } from "./transfer.ts";

const WORDS = { source: "shared", target: "own" } as const satisfies Record<Side["name"], string>;

/** `report.csv` as the shared side had it at a time: `report.csv.shared-20261127T101500Z`. */
export function planAside({ name, changedAt }: Blob, side: Side["name"]): string {
  return `${name}.${WORDS[side]}-${changedAt.toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/** Answers undefined where an earlier run has put this state there, or where the blob is gone. */
export async function putAside(
  context: Pick<BlobContext, "signal">,
  way: Way,
  late: Blob,
  options: Pick<Destination, "isMarked"> = {},
): Promise<{ name: string; bytes: number } | undefined> {
  // Of two states in one second the later one has its ETag in its name as well.
  const name = planAside(late, way.from.name);
  const names = [name, `${name}-${late.etag}`];
  for (const one of names) {
    try {
      const bytes = await transferBlob(context, way, late, { ...options, name: one, replaces: NOTHING });
      return bytes === undefined ? undefined : { name: one, bytes };
    } catch (error) {
      const isTaken = isStatus(error, 409, way.to.name) || isStatus(error, 412, way.to.name);
      const there = isTaken ? await readBlob(context, way.to, one) : undefined;
      if (!there) throw error;
      if (there.bytes === late.bytes && (late.md5 === undefined || there.md5 === late.md5)) return undefined;
    }
  }
  return undefined;
}

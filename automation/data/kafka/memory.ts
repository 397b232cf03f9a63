/** Records leave more behind than the collector thinks worth its while: it has a machine's whole memory to fill. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const EVERY_PAGES = 6;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
let pages = 0;

/** Told of each page that was read; now and then it lets go of those before, so that the mover stays small. */
export function countPage(): void {
  pages += 1;
  if (pages % EVERY_PAGES === 0) collect();
}

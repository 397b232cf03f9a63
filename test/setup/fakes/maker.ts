/** Makes the entry `part-1` of a cache: CACHE wait; waits for the file `go-on` while it makes it. */
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensureCached } from "../../../setup/cache.ts";

const cache = process.argv[2]!;
await ensureCached({
  cache,
  name: "part-1",
  probe: "program",
  log: (line) => console.log(line),
  make: async (folder) => {
    console.log("making");
    while (!existsSync(path.join(cache, "go-on"))) await delay(20);
    writeFileSync(path.join(folder, "program"), "made");
  },
});
console.log("found");

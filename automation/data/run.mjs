// Starts the data command: from its bundle where set-up has made one, which takes half the time and memory, else from
// its source. Plain JavaScript at a path that stays the same from version to version, as stacks keep it.
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const bundle = path.join(process.env.TIERLIFT_PLUGIN_BUNDLES ?? "", "data.mjs");
if (process.env.TIERLIFT_PLUGIN_BUNDLES && existsSync(bundle)) {
  await import(pathToFileURL(bundle).href);
} else {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./main.ts");
}

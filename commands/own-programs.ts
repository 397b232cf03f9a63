/** How this project's own programs are started, by the stacks and by the service alike. */
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

/**
 * The data command. Stacks keep these words, so that they stay the same from version to version. What streams through it
 * is short-lived: a small young generation keeps the process 30 to 50 MB smaller (`npm run bench:data`).
 */
export function planDataCommand(): string[] {
  return [process.execPath, "--max-semi-space-size=1", sourceOf("automation/data/run.mjs")];
}

/** Where plugins and the data command look for what set-up has bundled. */
export function bundlesVariable(bundles: string | undefined): Record<string, string> {
  return bundles === undefined ? {} : { TIERLIFT_PLUGIN_BUNDLES: bundles };
}

/** A module under the node that runs the service. */
export function runSource(module: string): string[] {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return [process.execPath, "--import", loader, sourceOf(module)];
}

function sourceOf(module: string): string {
  return path.resolve(import.meta.dirname, "..", module);
}

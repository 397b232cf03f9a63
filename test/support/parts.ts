/** The engine that set-up brings, as tests find it; a missing one is a visible skip. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../setup/cache.ts";

/** The folder with `bin/pulumi`, or null (and a line that says so) when there is none. */
export function engineRoot(): string | null {
  const roots = [process.env.TIERLIFT_ENGINE_ROOT, ...fromCache()];
  const found = roots.find((root) => root !== undefined && existsSync(join(root, "bin", "pulumi")));
  if (found === undefined)
    console.warn("skipped: no Pulumi engine; `npm test` brings it, or set TIERLIFT_ENGINE_ROOT");
  return found ?? null;
}

function fromCache(): string[] {
  const cache = cacheFolder();
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .filter((name) => name.startsWith("engine-"))
    .map((name) => join(cache, name));
}

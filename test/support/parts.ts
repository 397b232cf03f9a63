/** The parts that set-up brings, as tests find them; a missing one is a visible skip. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The folder with `bin/pulumi`, or null (and a line that says so) when there is none. */
export async function engineRoot(): Promise<string | null> {
  const root = process.env.TIERLIFT_ENGINE_ROOT;
  if (root && existsSync(join(root, "bin", "pulumi"))) return root;
  console.warn("skipped: no Pulumi engine; `npm test` brings it, or set TIERLIFT_ENGINE_ROOT");
  return Promise.resolve(null);
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with the published types as they came, where it is at hand. */
export const sourceFolder =
  process.env["TIERLIFT_ARM_SOURCE"] ?? fileURLToPath(new URL("../../../../shared/arm", import.meta.url));

export const hasSource = existsSync(join(sourceFolder, "index.json"));

export interface Fixture {
  urn: string;
  type: string;
  inputs: Record<string, unknown>;
}

/** Resources of the stack exports that ARM would take. */
export function fixtures(): Fixture[] {
  return ["samples.json", "examples.json"].flatMap((file) => {
    const text = readFileSync(join(sourceFolder, "fixtures", file), "utf8");
    return (JSON.parse(text) as { deployment: { resources: Fixture[] } }).deployment.resources;
  });
}

/** A story on an installation of its own: begun once, told in chapters that build on each other, ended in any case. */
import { afterAll, beforeAll, beforeEach, onTestFailed } from "vitest";
import type { SharedTier } from "../../stacks/spec.ts";
import { beginWith, type Beginning } from "./beginning.ts";
import { Halves } from "./halves.ts";

const MINUTE = 60_000;

/** Registers the hooks of a story about the tenant `acme`, and answers with how it begins. */
export function tellChapters(tier: SharedTier): { installation: Halves; begun: () => Beginning } {
  const installation = new Halves();
  let begun: Beginning | undefined;
  let failedChapter: string | undefined;

  beforeAll(async () => {
    begun = await beginWith(installation, "acme", tier);
  }, 15 * MINUTE);

  afterAll(async () => {
    await installation.stop();
    if (process.env["TIERLIFT_E2E_KEEP"] === undefined) installation.remove();
  }, 2 * MINUTE);

  beforeEach((context) => {
    if (failedChapter) context.skip(`"${failedChapter}" failed, and this goes on from there`);
    onTestFailed(() => void (failedChapter = context.task.name));
  });

  return {
    installation,
    begun: () => {
      if (begun === undefined) throw new Error("the story has not begun");
      return begun;
    },
  };
}

/**
 * Which stories are told, each on an installation of its own: `TIERLIFT_E2E` unset, those of a whole upgrade, of a
 * tenant that writes all the time, of a cutover that must not happen and of a grace period; `short`, all of them with a
 * few of their chapters; `full`, everything, which takes about 45 minutes on 2 idle cores.
 */

export const isFull = (): boolean => process.env["TIERLIFT_E2E"] === "full";

export const WHY_NOT = "a longer story of the same kind: TIERLIFT_E2E=full tells it";

/** The files of the stories of this run, as patterns. */
export function storiesNow(): string[] {
  return process.env["TIERLIFT_E2E"]
    ? ["test/e2e/**/*.test.ts"]
    : ["upgrade", "data", "gates", "grace"].map((story) => `test/e2e/${story}.test.ts`);
}

/** What is left out, for the one who started the tests; undefined when it is nothing. */
export function leftOut(): string | undefined {
  if (process.env["TIERLIFT_E2E"]) return undefined;
  return "left out, as they take about 40 minutes: the stories of crashes, ways back, faults and tiers (TIERLIFT_E2E=short or full)";
}

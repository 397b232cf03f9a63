import { defineConfig } from "vitest/config";
import { leftOut, storiesNow } from "./test/e2e/scope.ts";

const skipped = leftOut();
if (skipped !== undefined) console.warn(`tests: ${skipped}`);

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 180_000,
    pool: "forks",
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**"],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // Each story has an installation of its own, which wants the whole machine: one after the other.
        test: {
          name: "stories",
          include: storiesNow(),
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "./processes.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
const npm = (home: string, ...args: string[]) =>
  promisify(execFile)("npm", ["run", ...args], { cwd: ROOT, env: { ...process.env, TIERLIFT_HOME: home } });

// Without set-up's engine this test would build one.
test.skipIf(process.env.TIERLIFT_ENGINE_ROOT === undefined)(
  "npm run pulumi gives the engine's output alone, so that JSON can be piped on",
  async () => {
    const home = temporaryFolder();
    const { stdout } = await npm(home, "pulumi", "--", "stack", "ls", "--json");
    expect(JSON.parse(stdout)).toEqual([]);
  },
);

test("npm run token gives the token alone", async () => {
  const { stdout } = await npm(temporaryFolder(), "token", "--", "--role", "ADMIN");
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
});

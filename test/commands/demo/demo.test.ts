import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { isRunning, startProcess, temporaryFolder, until } from "../processes.ts";

const DEMO = path.join(import.meta.dirname, "..", "..", "..", "commands", "demo.ts");
const startDemo = (home: string, args: string[] = []) =>
  startProcess(DEMO, { args, env: { TIERLIFT_HOME: home, PORT: "0" } });
const lastLine = (demo: ReturnType<typeof startDemo>) => demo.output().stdout.trimEnd().split("\n").at(-1);

/** Processes of this machine that were given the folder, by environment or argument. */
function processesOf(home: string): number[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => {
    try {
      const facts = ["environ", "cmdline"].map((name) => readFileSync(`/proc/${pid}/${name}`, "utf8"));
      return pid !== process.pid && isRunning(pid) && facts.some((text) => text.includes(home));
    } catch {
      return false;
    }
  });
}

test("a home that no demo made is refused in the last line", async () => {
  const home = temporaryFolder();
  writeFileSync(path.join(home, "jwt-secret"), "precious");
  const demo = startDemo(home);
  expect(await demo.ended).toBe(1);
  expect(lastLine(demo)).toMatch(/^demo: FAILED: .* holds an installation that no demo made/);
}, 60_000);

test("an argument that is not known is refused with the usage", async () => {
  const demo = startDemo(temporaryFolder(), ["--keeep"]);
  expect(await demo.ended).toBe(2);
  expect(lastLine(demo)).toMatch(/^demo: FAILED: .*--keeep/);
  expect(demo.output().stdout).toContain("usage: npm run demo [-- --keep]");
});

test.skipIf(process.platform !== "linux" || process.env.TIERLIFT_HYPER === undefined)(
  "an interruption ends everything that was started, and the last line says so",
  async () => {
    const home = temporaryFolder();
    const demo = startDemo(home);
    await demo.prints("start: making the platform ready");
    // The engine and servers of the platform's stack run by now.
    await until(() => processesOf(home).length > 5);
    demo.child.kill("SIGINT");
    expect(await demo.ended).toBe(130);
    expect(lastLine(demo)).toBe("demo: FAILED: interrupted by SIGINT");
    expect(processesOf(home)).toEqual([]);
  },
  180_000,
);

import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { cacheFolder, ensureCached } from "../../setup/cache.ts";
import { startProcess, temporaryFolder } from "../commands/processes.ts";

const MAKER = path.join(import.meta.dirname, "fakes", "maker.ts");
const log = () => undefined;

function entryIn(cache: string, make: (folder: string) => Promise<void>) {
  return { cache, name: "part-1", probe: "program", make, log };
}
const writeProgram = (text: string) => (folder: string) => {
  writeFileSync(path.join(folder, "program"), text);
  return Promise.resolve();
};

test.each([
  [{ TIERLIFT_CACHE: "/c" }, "/c"],
  [{ XDG_CACHE_HOME: "/x" }, "/x/tierlift"],
  [{ TIERLIFT_CACHE: "/c", XDG_CACHE_HOME: "/x" }, "/c"],
])("with %j parts are kept in %s", (env, folder) => {
  expect(cacheFolder(env)).toBe(folder);
});

describe("an entry", () => {
  test("is made once and then found", async () => {
    const cache = temporaryFolder();
    const made = await ensureCached(entryIn(cache, writeProgram("first")));
    const found = await ensureCached(entryIn(cache, () => Promise.reject(new Error("made again"))));
    expect(found).toBe(made);
    expect(readFileSync(path.join(found, "program"), "utf8")).toBe("first");
  });

  test("that could not be made leaves nothing, and the reason is the maker's", async () => {
    const cache = temporaryFolder();
    const broken = entryIn(cache, async (folder) => {
      await writeProgram("half")(folder);
      throw new Error("no compiler");
    });
    await expect(ensureCached(broken)).rejects.toThrow("no compiler");
    expect(readdirSync(cache)).toEqual([]);
  });

  test("whose program is gone is made again", async () => {
    const cache = temporaryFolder();
    mkdirSync(path.join(cache, "part-1", "rest"), { recursive: true });
    await ensureCached(entryIn(cache, writeProgram("whole")));
    expect(readdirSync(path.join(cache, "part-1"))).toEqual(["program"]);
  });

  test("takes away what a killed set-up left of the same entry only", async () => {
    const cache = temporaryFolder();
    mkdirSync(path.join(cache, "part-1.draft-old"), { recursive: true });
    mkdirSync(path.join(cache, "part-2.draft-other"), { recursive: true });
    await ensureCached(entryIn(cache, writeProgram("x")));
    expect(readdirSync(cache).sort()).toEqual(["part-1", "part-2.draft-other"]);
  });
});

describe("two set-ups at once", () => {
  test("make an entry once: the second waits and says so", async () => {
    const cache = temporaryFolder();
    const first = startProcess(MAKER, { args: [cache, "wait"] });
    await first.prints("making");
    const second = startProcess(MAKER, { args: [cache, "wait"] });
    await second.prints("waiting for another set-up that makes part-1");
    writeFileSync(path.join(cache, "go-on"), "");
    expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0]);
    expect(second.output().stdout).not.toContain("making");
    expect(second.output().stdout).toContain("found");
  });

  test("do not wait for one that was killed longer than its lock is kept alive", async () => {
    const cache = temporaryFolder();
    const killed = startProcess(MAKER, { args: [cache, "wait"] });
    await killed.prints("making");
    killed.child.kill("SIGKILL");
    await killed.ended;
    const lock = path.join(cache, "part-1.lock");
    expect(existsSync(lock)).toBe(true);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(lock, longAgo, longAgo);
    await ensureCached(entryIn(cache, writeProgram("mine")));
    expect(readFileSync(path.join(cache, "part-1", "program"), "utf8")).toBe("mine");
  });
});

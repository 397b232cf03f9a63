import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { prepareDemoHome } from "../../../commands/demo/home.ts";
import { ensureHome, lockHome } from "../../../commands/home.ts";
import { temporaryFolder } from "../processes.ts";

test.each([
  ["that is not there", (root: string) => path.join(root, "new")],
  ["that is empty", (root: string) => root],
])("a folder %s becomes a demo's", async (_what, choose) => {
  const root = choose(temporaryFolder());
  await prepareDemoHome(root);
  expect(readdirSync(root)).toEqual(["demo"]);
});

test("what an earlier demo made is removed", async () => {
  const root = temporaryFolder();
  await prepareDemoHome(root);
  await ensureHome(root);
  mkdirSync(path.join(root, "cloud", "postgres", "server", "data"), { recursive: true });
  await prepareDemoHome(root);
  expect(readdirSync(root)).toEqual(["demo"]);
});

test("what no demo made is refused and left alone", async () => {
  const root = temporaryFolder();
  writeFileSync(path.join(root, "jwt-secret"), "precious");
  await expect(prepareDemoHome(root)).rejects.toThrow("holds an installation that no demo made");
  expect(existsSync(path.join(root, "jwt-secret"))).toBe(true);
});

test("a demo that still runs is refused with its process", async () => {
  const root = temporaryFolder();
  await prepareDemoHome(root);
  const lock = lockHome(await ensureHome(root));
  await expect(prepareDemoHome(root)).rejects.toThrow(`in use by process ${process.pid}: npm stop ends it`);
  expect(existsSync(path.join(root, "data"))).toBe(true);
  lock.release();
});

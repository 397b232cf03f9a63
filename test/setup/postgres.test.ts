import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { runCommand } from "../../setup/command.ts";
import { parseUser } from "../../setup/os-user.ts";
import { ensurePostgres, isOpenToOthers } from "../../setup/postgres.ts";
import { temporaryFolder } from "../commands/processes.ts";

afterEach(() => vi.unstubAllEnvs());

test("the programs of the npm package run here", async () => {
  const cache = temporaryFolder();
  const postgres = await ensurePostgres({ cache, log: () => undefined });
  const { stdout } = await runCommand(path.join(postgres.binDir, "postgres"), ["--version"], {
    timeoutMs: 20_000,
  });
  expect(stdout).toContain(postgres.version.replace(/\.0$/, ""));
});

test.skipIf(process.getuid?.() !== 0)("root gets an account that is not root", async () => {
  const { runAs } = await ensurePostgres({ cache: temporaryFolder(), log: () => undefined });
  expect(runAs!.uid).toBeGreaterThan(0);
});

test("a folder below one that others may not pass is not open to others", async () => {
  const closed = temporaryFolder();
  const bin = path.join(closed, "bin");
  mkdirSync(bin);
  writeFileSync(path.join(bin, "postgres"), "", { mode: 0o755 });
  expect(await isOpenToOthers(bin)).toBe(false);
  chmodSync(closed, 0o711);
  expect(await isOpenToOthers(bin)).toBe(true);
  chmodSync(path.join(bin, "postgres"), 0o700);
  expect(await isOpenToOthers(bin)).toBe(false);
});

test.each([
  ["postgres", { uid: 101, gid: 104 }],
  ["nobody", { uid: 65534, gid: 65534 }],
  ["broken", undefined],
  ["post", undefined],
])("the account %s is found in passwd as %j", (name, expected) => {
  const passwd =
    "postgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\nbroken:x::\nnobody:x:65534:65534::/:/bin/false\n";
  expect(parseUser(passwd, name)).toEqual(expected);
});

import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { ensureBlobServer } from "../../setup/blob-server.ts";
import { SetupError } from "../../setup/errors.ts";
import { temporaryFolder } from "../commands/processes.ts";

const log = () => undefined;

afterEach(() => vi.unstubAllEnvs());

/** An `npm` that runs a shell line instead, first on PATH. */
function fakeNpm(line: string): void {
  const bin = temporaryFolder();
  writeFileSync(path.join(bin, "npm"), `#!/bin/sh\n${line}\n`);
  chmodSync(path.join(bin, "npm"), 0o755);
  vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
}

test("the blob server is installed once, from the lock file and without the packages' scripts", async () => {
  const cache = temporaryFolder();
  fakeNpm(
    'test -f package-lock.json && echo "$@" > arguments && mkdir -p node_modules/azurite/dist/src/blob && touch node_modules/azurite/dist/src/blob/main.js',
  );
  const first = await ensureBlobServer({ cache, log });
  expect(first.version).toBe("3.35.0");
  fakeNpm("exit 1");
  expect(await ensureBlobServer({ cache, log })).toEqual(first);
  const [folder] = readdirSync(cache);
  expect(first.main).toBe(path.join(cache, folder!, "node_modules/azurite/dist/src/blob/main.js"));
});

test("a registry that does not answer is a set-up error with npm's words, and nothing half made stays", async () => {
  const cache = temporaryFolder();
  fakeNpm("mkdir node_modules; echo 'npm error ECONNREFUSED' >&2; exit 1");
  const failure = ensureBlobServer({ cache, log });
  await expect(failure).rejects.toThrow(SetupError);
  await expect(failure).rejects.toThrow(/Azurite could not be installed.*\n.*ECONNREFUSED\n.*npm registry/);
  expect(readdirSync(cache)).toEqual([]);
});

test("without npm the set-up says what is missing", async () => {
  const empty = temporaryFolder();
  mkdirSync(path.join(empty, "bin"));
  vi.stubEnv("PATH", path.join(empty, "bin"));
  vi.spyOn(process, "execPath", "get").mockReturnValue(path.join(empty, "bin", "node"));
  await expect(ensureBlobServer({ cache: temporaryFolder(), log })).rejects.toThrow(
    /npm, which is not on PATH/,
  );
  vi.restoreAllMocks();
});

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { buildGo, findGo, GO_VERSION, hashModule, isAtLeast, requiredVersion } from "../../setup/go.ts";
import { temporaryFolder } from "../commands/processes.ts";

const SETUP = path.join(import.meta.dirname, "..", "..", "setup");
const MODULES = ["engine", "control-plane/hyper", "control-plane/kwok"];
const goModOf = (module: string) => readFileSync(path.join(SETUP, module, "go.mod"), "utf8");

afterEach(() => vi.unstubAllEnvs());

/** A `go` that answers as one of that version does. */
function fakeGo(script: string): string {
  const folder = path.join(temporaryFolder(), "bin");
  mkdirSync(folder);
  const file = path.join(folder, "go");
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  vi.stubEnv("PATH", `${folder}:/usr/bin:/bin`);
  return file;
}

test.each([
  ["1.26.8", "1.26", true],
  ["1.26", "1.26", true],
  ["1.27rc1", "1.26", true],
  ["2.0", "1.26", true],
  ["1.9.3", "1.26", false],
  ["1.25.11", "1.26", false],
])("Go %s is at least %s: %s", (have, want, expected) => {
  expect(isAtLeast(have, want)).toBe(expected);
});

test.each(MODULES)("module %s asks for the Go version that set-up looks for", (module) => {
  expect(goModOf(module)).toMatch(new RegExp(`^go ${GO_VERSION}$`, "m"));
});

test("the engine that is built is the SDK's version", () => {
  const { version } = createRequire(import.meta.url)("@pulumi/pulumi/package.json") as { version: string };
  expect(requiredVersion(goModOf("engine"), "github.com/pulumi/pulumi/pkg/v3")).toBe(version);
});

test("a module that is not required has no version", () => {
  expect(() => requiredVersion(goModOf("engine"), "example.org/nothing")).toThrow("does not require");
});

test("a module's hash changes with its files and its link options, and with nothing else", async () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, "go.mod"), "module a");
  const module = { folder, package: ".", variables: { version: "1" } };
  const before = await hashModule(module);
  writeFileSync(path.join(folder, "notes.txt"), "nothing");
  expect(await hashModule(module)).toBe(before);
  expect(await hashModule({ ...module, variables: { version: "2" } })).not.toBe(before);
  writeFileSync(path.join(folder, "go.mod"), "module b");
  expect(await hashModule(module)).not.toBe(before);
});

describe("the Go tool chain", () => {
  test("of the wanted version is used as it is", async () => {
    const command = fakeGo("echo go1.26.8");
    const go = await findGo("the part");
    expect(go).toMatchObject({ command, env: { GOTOOLCHAIN: "local" } });
  });

  test("of an older version is used when it fetches the wanted one", async () => {
    fakeGo('case "$GOTOOLCHAIN" in local) echo go1.22.1;; *) echo go1.26.0;; esac');
    expect((await findGo("the part")).env.GOTOOLCHAIN).toBe("go1.26.0+auto");
  });

  test("of an older version that cannot fetch is refused with both versions and a way to get one", async () => {
    fakeGo('case "$GOTOOLCHAIN" in local) echo go1.22.1;; *) exit 1;; esac');
    await expect(findGo("the part")).rejects.toThrow(
      /^the part has to be built here with Go 1\.26 or newer, and .*\/go is Go 1\.22\.1, which could not fetch.*go\.dev/,
    );
  });

  test("from before tool chains could be fetched is refused", async () => {
    fakeGo("echo go1.19.8");
    await expect(findGo("the part")).rejects.toThrow(/is Go 1\.19\.8: get it from https:\/\/go\.dev/);
  });

  test("a failing build is told with the compiler's words and what a build needs", async () => {
    fakeGo('echo "no space left on device" >&2; exit 1');
    const module = { folder: temporaryFolder(), package: ".", variables: {} };
    const build = buildGo({ command: "go", env: process.env }, module, "/tmp/hyper");
    await expect(build).rejects.toThrow(
      /building hyper in .* exited with 1\nno space left on device\n.*5 GB of disk/,
    );
  });
});

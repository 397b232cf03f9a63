import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ensureBundles, withLocations } from "../../setup/bundle.ts";
import { startProcess, temporaryFolder } from "../commands/processes.ts";

test("plugins are one file each that serves, and programs share one copy of the SDK", async () => {
  const cache = temporaryFolder();
  const log = () => undefined;
  const folder = await ensureBundles({ cache, log });
  expect(await ensureBundles({ cache, log })).toBe(folder);

  for (const plugin of ["azure-native", "kubernetes", "command"]) {
    const running = startProcess(path.join(folder, `${plugin}.mjs`), { node: [] });
    await running.prints("\n");
    expect(running.output().stdout).toMatch(/^\d+\n$/);
    running.child.kill("SIGKILL");
    await running.ended;
  }

  const run = path.resolve("automation/data/run.mjs");
  const env = { ...process.env, TIERLIFT_PLUGIN_BUNDLES: folder, NODE_DEBUG: "esm" };
  const data = spawnSync(process.execPath, [run, "nowhere", "copy"], { env });
  expect(data.stderr.toString()).toContain("expected the store postgres");
  expect(data.stderr.toString()).toContain(path.join(folder, "data.mjs"));
  expect(data.stderr.toString()).not.toContain("automation/data/main.ts");

  const container = { endpoint: "https://127.0.0.1:1/shared/", container: "tenants" };
  const input = JSON.stringify({
    tenant: { id: "5b1f7a4e-0d44-4c5b-9a53-6e0f2f6f1a01", slug: "acme" },
    blobs: { metadataHost: "127.0.0.1:1", source: container },
  });
  const blobs = spawnSync(process.execPath, [path.join(folder, "data.mjs"), "blobs", "inspect"], { input });
  expect(blobs.stderr.toString()).toContain("error STORAGE: fetch failed");

  const files = readdirSync(folder);
  expect(files).toEqual(expect.arrayContaining(["child.mjs", "host.mjs", "program.mjs"]));
  const program = (await import(path.join(folder, "program.mjs"))) as Record<string, unknown>;
  expect(program["createProgram"]).toBeTypeOf("function");
}, 120_000);

test.each([
  ["read(__dirname)", 'var __dirname = "/a";read(__dirname)'],
  [
    "const __dirname = of(import.meta.url); f(__filename)",
    'var __filename = "/a/b.js";const __dirname = of("file:///a/b.js"); f(__filename)',
  ],
  ["read(import.meta.dirname)", 'read("/a")'],
  ["read(x)", "read(x)"],
])("a module in a bundle finds what is beside its file: %s", (text, located) => {
  expect(withLocations(text, "/a/b.js")).toBe(located);
});

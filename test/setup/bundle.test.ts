import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ensureBundles } from "../../setup/bundle.ts";
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

  const data = startProcess(path.join(folder, "data.mjs"), { node: [], args: ["nowhere", "copy"] });
  await data.ended;
  expect(data.output().stderr).toContain("expected the store postgres");

  const files = readdirSync(folder);
  expect(files).toEqual(expect.arrayContaining(["child.mjs", "host.mjs", "program.mjs"]));
  const program = (await import(path.join(folder, "program.mjs"))) as Record<string, unknown>;
  expect(program["createProgram"]).toBeTypeOf("function");
}, 120_000);

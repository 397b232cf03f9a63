import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EngineProgress } from "../../../automation/engine/engine.ts";
import { createStackEngine } from "../../../automation/engine/stack-engine.ts";
import { engineRoot } from "../../support/parts.ts";
import { tenantRequest } from "../../support/requests.ts";

const root = engineRoot();
const home = mkdtempSync(join(tmpdir(), "tierlift-engine-"));
const timeoutMs = 60_000;
const programModule = new URL("../../support/programs.ts", import.meta.url).href;

const engine = createStackEngine({
  workspace: {
    engineRoot: root ?? "",
    pulumiHome: join(home, "pulumi"),
    backendUrl: `file://${home}/backend`,
    secretsProvider: "passphrase",
    workRoot: join(home, "work"),
    plugins: [],
    programModule,
  },
  environment: {
    PATH: process.env.PATH ?? "",
    HOME: home,
    PULUMI_CONFIG_PASSPHRASE: "for this test only",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  },
  graceMs: 10_000,
});

describe.skipIf(root === null)("the stack engine with the real engine", { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const { mkdir } = await import("node:fs/promises");
    await mkdir(join(home, "backend"), { recursive: true });
  });
  afterAll(async () => {
    await engine.close();
    rmSync(home, { recursive: true, force: true });
  });

  it("previews, applies what was approved and nothing on a second run", async () => {
    const request = tenantRequest({ slug: "walk", layers: ["infrastructure"] });
    const progress: EngineProgress[] = [];
    const previewed = await engine.preview(request, { timeoutMs });
    expect(previewed.operations.map(({ urn }) => urn.split("::").slice(2).join("::"))).toEqual([
      "tierlift:dedicated:Dedicated$tierlift:test:Layer::infrastructure",
      "tierlift:dedicated:Dedicated::walk",
      "tierlift:slice:Slice::walk",
    ]);
    let approved = "";
    const applied = await engine.update(request, {
      timeoutMs,
      approve: (changes) => (approved = changes.digest),
      onProgress: (event) => progress.push(event),
    });
    expect(applied.digest).toBe(approved);
    expect(progress.filter((event) => event.kind === "resource" && event.state === "done")).toHaveLength(3);
    expect(progress.find((event) => event.kind === "planned")).toEqual({ kind: "planned", resources: 3 });
    const again = await engine.update(request, { timeoutMs, approve: () => undefined });
    expect(again.totals).toMatchObject({ create: 0, update: 0, delete: 0, same: 3 });
    expect(await engine.outputs("walk")).toEqual({ route: "slice", seed: "a seed" });
  });

  it("touches nothing when the change set is refused", async () => {
    const request = tenantRequest({ slug: "refused", layers: [] });
    const refusal = new Error("not what was approved");
    await expect(
      engine.update(request, {
        timeoutMs,
        approve: () => {
          throw refusal;
        },
      }),
    ).rejects.toBe(refusal);
    expect(await engine.resources("refused")).toEqual([]);
  });

  it("moves the records once all else stands and it was told to", async () => {
    const request = tenantRequest({ slug: "moved", layers: ["infrastructure"], next: true });
    const done: string[] = [];
    await engine.update(request, {
      timeoutMs,
      approve: () => undefined,
      onProgress: (event) => {
        if (event.kind === "resource" && event.state === "done") done.push(event.name);
      },
      beforeSwitch: async () => {
        // Long enough for a record that does not wait.
        await new Promise((resolve) => setTimeout(resolve, 500));
        done.push("asked");
      },
    });
    expect(done.slice(0, 3).sort()).toEqual(["infrastructure", "moved", "moved"]);
    expect(done.slice(3)).toEqual(["asked", "record"]);
  });

  it("leaves the records as they are when what comes before the switch fails, and says why", async () => {
    const request = tenantRequest({ slug: "stays", layers: ["infrastructure"], next: true });
    const reason = new Error("the rows differ");
    await expect(
      engine.update(request, {
        timeoutMs,
        approve: () => undefined,
        beforeSwitch: () => Promise.reject(reason),
      }),
    ).rejects.toBe(reason);
    const stands = (await engine.resources("stays")).map(({ type }) => type);
    expect(stands).not.toContain("tierlift:test:Record");
    expect(stands).toContain("tierlift:test:Layer");
    await engine.update(request, { timeoutMs, approve: () => undefined });
    expect((await engine.resources("stays")).map(({ type }) => type)).toContain("tierlift:test:Record");
  });

  it("destroys one component's subtree without the program and leaves the rest", async () => {
    const request = tenantRequest({ slug: "back", layers: ["infrastructure", "kubernetes"] });
    await engine.update(request, { timeoutMs, approve: () => undefined });
    const progress: EngineProgress[] = [];
    const { deleted } = await engine.destroy(
      "back",
      { components: ["tierlift:dedicated:Dedicated"] },
      { timeoutMs, onProgress: (event) => progress.push(event) },
    );
    expect(deleted).toBe(3);
    expect(progress[0]).toEqual({ kind: "planned", resources: 3 });
    expect(progress.filter((event) => event.kind === "resource" && event.state === "done")).toHaveLength(3);
    expect((await engine.resources("back")).map(({ type }) => type)).toEqual(["tierlift:slice:Slice"]);
    await engine.destroy("back", "all", { timeoutMs });
    await engine.remove("back");
    expect(await engine.resources("back")).toEqual([]);
  });

  it("names the program's mistake", async () => {
    const request = tenantRequest({ slug: "mistake", layers: [], name: "throws" });
    await expect(engine.preview(request, { timeoutMs })).rejects.toMatchObject({
      message: expect.stringContaining("the program has a mistake") as string,
    });
  });

  it("ends an operation that passes its deadline and lets the next one run", async () => {
    const request = tenantRequest({ slug: "slow", layers: [], name: "hangs" });
    await expect(engine.preview(request, { timeoutMs: 6_000 })).rejects.toMatchObject({
      code: "ENGINE_TIMEOUT",
    });
    const next = tenantRequest({ slug: "slow", layers: [] });
    await expect(engine.preview(next, { timeoutMs })).resolves.toMatchObject({ totals: { create: 2 } });
  });

  it("keeps secrets out of the work folder and the backend", () => {
    const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    for (const { parentPath, name } of files) {
      expect(readFileSync(join(parentPath, name), "latin1"), name).not.toContain("a seed");
    }
    expect(existsSync(join(home, "work", "walk", "plan.json"))).toBe(false);
  });
});

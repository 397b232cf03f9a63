import { fork } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Operation } from "../../../automation/model.ts";
import { openFileStore } from "../../../automation/store/file-store.ts";
import { createMemoryStore } from "../../../automation/store/memory-store.ts";
import type { Store } from "../../../automation/store/store.ts";
import { describeStore } from "./contract.ts";

const folders: string[] = [];
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tierlift-store-"));
  folders.push(folder);
  return folder;
}
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describeStore("a memory store", () => Promise.resolve(createMemoryStore()));
describeStore("a file store", async () => openFileStore(await newFolder()));

describe("a file store on disk", () => {
  let folder: string;
  let store: Store | undefined;
  beforeEach(async () => {
    folder = await newFolder();
  });
  afterEach(async () => {
    await store?.close();
    store = undefined;
  });

  const operation: Operation = {
    id: "a",
    tenantId: "t",
    kind: "PROVISION_SLICE",
    status: "RUNNING",
    startedAt: "now",
  };
  const file = (): string => join(folder, "operations", "a.json");

  async function reopened(): Promise<Store> {
    await store?.close();
    store = await openFileStore(folder);
    return store;
  }

  test("does not find again what was removed", async () => {
    store = await openFileStore(folder);
    await store.operations.create(operation);
    await store.operations.remove(operation.id);
    expect((await reopened()).operations.list()).toEqual([]);
  });

  test("finds documents, logs and artifacts again", async () => {
    store = await openFileStore(folder);
    await store.operations.create(operation);
    await store.events.append("t", [{ id: 1, tenantId: "t", at: "now", type: "log", data: {} }]);
    await store.artifacts.put("report", { passed: true });
    const again = await reopened();
    expect(again.operations.get("a")).toEqual(operation);
    expect((await again.events.last("t"))?.id).toBe(1);
    expect(await again.artifacts.get("report")).toEqual({ passed: true });
  });

  test.each([
    ["empty", () => writeFile(file(), "")],
    ["cut off", async () => writeFile(file(), (await readFile(file(), "utf8")).slice(0, 40))],
    ["of another kind", () => writeFile(file(), "[]")],
    [
      "under another's name",
      async () => writeFile(join(folder, "operations", "b.json"), await readFile(file())),
    ],
  ])("refuses by name a document that is %s", async (_what, damage) => {
    store = await openFileStore(folder);
    await store.operations.create(operation);
    await store.close();
    store = undefined;
    await damage();
    await expect(openFileStore(folder)).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringMatching(/operations\/[ab]\.json/) as string,
    });
  });

  test("refuses a document of another schema version", async () => {
    store = await openFileStore(folder);
    await store.operations.create(operation);
    await store.close();
    store = undefined;
    await writeFile(file(), JSON.stringify({ schemaVersion: 99, document: operation }));
    await expect(openFileStore(folder)).rejects.toMatchObject({ code: "STORE_VERSION" });
  });

  test("lets go of the folder when it refuses a file", async () => {
    store = await openFileStore(folder);
    await store.operations.create(operation);
    await store.close();
    store = undefined;
    const good = await readFile(file());
    await writeFile(file(), "");
    await expect(openFileStore(folder)).rejects.toThrow();
    await writeFile(file(), good);
    store = await openFileStore(folder);
    expect(store.operations.get("a")).toEqual(operation);
  });

  test("cuts off a log's torn last line and says so", async () => {
    store = await openFileStore(folder);
    await store.events.append("t", [{ id: 1, tenantId: "t", at: "now", type: "log", data: {} }]);
    await store.close();
    await appendFile(join(folder, "events", "t.jsonl"), '{"id":2,"tena');
    const cuts: [string, number][] = [];
    store = await openFileStore(folder, { onCut: (path, bytes) => cuts.push([path, bytes]) });
    expect((await store.events.last("t"))?.id).toBe(1);
    expect(cuts).toEqual([[join(folder, "events", "t.jsonl"), 13]]);
    await store.events.append("t", [{ id: 2, tenantId: "t", at: "now", type: "log", data: {} }]);
    expect((await store.events.read("t")).map(({ id }) => id)).toEqual([1, 2]);
  });

  test("refuses by name and line a log that is damaged before its end", async () => {
    store = await openFileStore(folder);
    await writeFile(join(folder, "audit", "t.jsonl"), '{"seq":1}\nnot json\n{"seq":3}\n');
    await expect(store.audit.read("t")).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringContaining("line 2") as string,
    });
  });

  test("refuses a second opener and names the process that has it", async () => {
    store = await openFileStore(folder);
    await expect(openFileStore(folder)).rejects.toMatchObject({
      code: "STORE_LOCKED",
      message: expect.stringContaining(`process ${process.pid}`) as string,
    });
  });

  test("takes over from a dead process, also one whose number another process has now", async () => {
    const dead = fork(join(import.meta.dirname, "writer.ts"), [folder], { execArgv: ["--import", "tsx"] });
    await once(dead, "message");
    dead.kill("SIGKILL");
    await once(dead, "exit");
    store = await openFileStore(folder);
    await store.close();
    await writeFile(join(folder, "lock"), JSON.stringify({ pid: process.pid, started: "1", token: "other" }));
    store = await openFileStore(folder);
    expect(store.operations.list()).not.toEqual([]);
  });

  test("has everything that was confirmed before its process was killed in the middle of writes", async () => {
    const child = fork(join(import.meta.dirname, "writer.ts"), [folder], { execArgv: ["--import", "tsx"] });
    let confirmed = 0;
    await new Promise<void>((resolve) =>
      child.on("message", (count: number) => {
        confirmed = count;
        if (count >= 25) resolve();
      }),
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    store = await openFileStore(folder);
    expect(store.operations.get("counter")?.resourcesDone).toBeGreaterThanOrEqual(confirmed);
    const ids = (await store.events.read("t")).map(({ id }) => id);
    expect(ids.length).toBeGreaterThanOrEqual(confirmed);
    expect(ids).toEqual(ids.map((_id, index) => index + 1));
    expect((await readdir(join(folder, "operations"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("writes as little for the hundredth entry as for the first", async () => {
    store = await openFileStore(folder);
    await store.operations.create(operation);
    const before = await stat(file());
    for (let id = 1; id <= 100; id += 1) {
      await store.events.append("t", [{ id, tenantId: "t", at: "now", type: "log", data: {} }]);
    }
    await store.operations.update("a", (draft) => {
      draft.status = "DONE";
    });
    expect((await stat(file())).size).toBeLessThan(before.size + 10);
  });

  test("refuses writes once it is closed", async () => {
    store = await openFileStore(folder);
    await store.close();
    await expect(store.operations.create(operation)).rejects.toMatchObject({ code: "STORE_CLOSED" });
    await expect(store.events.append("t", [])).rejects.toMatchObject({ code: "STORE_CLOSED" });
  });
});

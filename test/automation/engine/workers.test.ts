import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createWorkers } from "../../../automation/engine/workers.ts";

const folder = mkdtempSync(join(tmpdir(), "tierlift-workers-"));
const module = join(folder, "worker.mjs");
writeFileSync(
  module,
  "process.on('message', (m) => process.send(m)); process.on('disconnect', () => process.exit(0));",
);

const all: ReturnType<typeof createWorkers>[] = [];
function create(idleMs = 60_000) {
  const workers = createWorkers({
    module,
    fork: { detached: true, stdio: "ignore" },
    idleMs,
    graceMs: 5_000,
  });
  all.push(workers);
  return workers;
}

afterEach(() => Promise.all(all.splice(0).map((workers) => workers.close())));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("engine processes", () => {
  it("serve their stack's next operation", async () => {
    const workers = create();
    const first = workers.take("acme", folder);
    workers.keep("acme", first);
    const second = workers.take("acme", folder);
    second.send("hello");
    expect(await once(second, "message")).toContain("hello");
    expect(second.pid).toBe(first.pid);
  });

  it("never serve another stack", () => {
    const workers = create();
    const first = workers.take("acme", folder);
    workers.keep("acme", first);
    expect(workers.take("globex", folder).pid).not.toBe(first.pid);
  });

  it("are replaced when they died while they waited", async () => {
    const workers = create();
    const first = workers.take("acme", folder);
    workers.keep("acme", first);
    const exited = once(first, "exit");
    first.kill("SIGKILL");
    await exited;
    expect(workers.take("acme", folder).pid).not.toBe(first.pid);
  });

  it("end when nobody needs them for a while", async () => {
    const workers = create(10);
    const child = workers.take("acme", folder);
    workers.keep("acme", child);
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("end with the service, those that wait and those that work", async () => {
    const workers = create();
    const waiting = workers.take("acme", folder);
    workers.keep("acme", waiting);
    const working = workers.take("globex", folder);
    await workers.close();
    expect([waiting.connected, working.connected]).toEqual([false, false]);
    expect([waiting.exitCode ?? waiting.signalCode, working.exitCode ?? working.signalCode]).toEqual([0, 0]);
  });
});

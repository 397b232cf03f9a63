import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  endRecordedProcess,
  forgetProcess,
  recordProcess,
} from "../../../automation/engine/process-record.ts";

let workDir: string;
beforeEach(() => (workDir = mkdtempSync(join(tmpdir(), "tierlift-record-"))));
afterEach(() => rmSync(workDir, { recursive: true, force: true }));

/** A group whose leader ignores SIGTERM while it runs. */
async function startStubborn() {
  const script = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')";
  const child = spawn(process.execPath, ["-e", script], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  return child;
}

describe("the record of a stack's process", () => {
  it("says when there was none", async () => {
    expect(await endRecordedProcess(workDir, 100)).toBe(false);
  });

  it("ends a process that outlived its service, by force after the grace", async () => {
    const child = await startStubborn();
    const exited = once(child, "exit");
    recordProcess(workDir, child.pid as number, "update");
    expect(await endRecordedProcess(workDir, 300)).toBe(true);
    expect(await exited).toEqual([null, "SIGKILL"]);
  });

  it("leaves a process alone that has the pid of an ended one", async () => {
    const child = await startStubborn();
    const pid = child.pid as number;
    recordProcess(workDir, pid, "update");
    const { readFileSync, writeFileSync } = await import("node:fs");
    const file = join(workDir, "operation.json");
    const record = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...record, startTime: "1" }));
    expect(await endRecordedProcess(workDir, 300)).toBe(true);
    expect(child.exitCode ?? child.signalCode).toBeNull();
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  });

  it("is gone once the operation has ended", async () => {
    recordProcess(workDir, process.pid, "update");
    forgetProcess(workDir);
    expect(await endRecordedProcess(workDir, 100)).toBe(false);
  });
});

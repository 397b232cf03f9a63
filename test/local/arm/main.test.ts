import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { CloudConnection } from "../../../local/connection.ts";
import { isPortFree } from "../../../local/ports.ts";

let home: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tierlift-cloud-"));
});
afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await rm(home, { recursive: true, force: true });
});

/** Starts the process as the supervisor does and waits for its word that it is ready. */
async function start(): Promise<CloudConnection> {
  child = spawn(process.execPath, ["--import", "tsx", "local/main.ts"], {
    env: { PATH: process.env["PATH"], TIERLIFT_HOME: home },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const [message] = (await once(child, "message")) as [unknown];
  expect(message).toEqual({ type: "ready" });
  return JSON.parse(readFileSync(join(home, "cloud", "connection.json"), "utf8")) as CloudConnection;
}

const portOf = (connection: CloudConnection): number => Number(new URL(connection.armUrl).port);

it("tells where it is, in files that only their owner reads", async () => {
  const connection = await start();
  expect(connection.pid).toBe(child?.pid);
  for (const file of [
    connection.operatorTokenFile,
    connection.platform.clientSecretFile,
    join(home, "cloud", "connection.json"),
    join(home, "cloud", "directory.json"),
  ]) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
  expect(readFileSync(join(home, "cloud", "connection.json"), "utf8")).not.toContain(
    readFileSync(connection.platform.clientSecretFile, "utf8").trim(),
  );
});

it.each([
  ["SIGTERM", (process: ChildProcess) => process.kill("SIGTERM")],
  ["SIGINT", (process: ChildProcess) => process.kill("SIGINT")],
  ["the loss of its supervisor", (process: ChildProcess) => process.disconnect()],
])("ends on %s with exit code 0 and leaves no port behind", async (_what, stop) => {
  const connection = await start();
  const exited = once(child as ChildProcess, "exit");
  stop(child as ChildProcess);
  expect(await exited).toEqual([0, null]);
  expect(await isPortFree(portOf(connection))).toBe(true);
  expect(await isPortFree(connection.dns.port)).toBe(true);
  expect(existsSync(join(home, "cloud", "connection.json"))).toBe(false);
});

it("comes back on the same addresses after it was killed", async () => {
  const before = await start();
  const exited = once(child as ChildProcess, "exit");
  child?.kill("SIGKILL");
  await exited;
  const after = await start();
  expect(after).toEqual({ ...before, pid: after.pid });
});

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { endLeftOver, startServer, type Server, type ServerSpec } from "../../local/process.ts";

let dir: string;
const started: Server[] = [];

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tierlift-process-"));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  await rm(dir, { recursive: true, force: true });
});

/** A node program as a server; `ready` by default once it has printed `up`. */
function spec(program: string, more: Partial<ServerSpec> = {}): ServerSpec {
  const logFile = path.join(dir, "log");
  return {
    name: "test server",
    command: process.execPath,
    args: ["-e", program],
    logFile,
    pidFile: path.join(dir, "pid"),
    ready: async () => (await readFile(logFile, "utf8")).includes("up"),
    deadlineMs: 10_000,
    ...more,
  };
}

const serve = "console.log('up'); setInterval(() => {}, 1000);";
const stubborn = `process.on('SIGTERM', () => {}); ${serve}`;

async function start(of: ServerSpec): Promise<Server> {
  const server = await startServer(of);
  started.push(server);
  return server;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("a supervised server", () => {
  it("is there when it is ready, and gone when it was stopped", async () => {
    const server = await start(spec(serve));
    expect(isAlive(server.pid)).toBe(true);
    await server.stop();
    expect([isAlive(server.pid), server.isRunning()]).toEqual([false, false]);
    await expect(readFile(path.join(dir, "pid"))).rejects.toThrow();
  });

  it("tells the end of its log when it exits before it is ready", async () => {
    const failing = startServer(spec("console.error('port is taken'); process.exit(3)"));
    await expect(failing).rejects.toThrow(
      /test server exited with code 3 before it was ready.*port is taken/s,
    );
  });

  it("is ended when it is not ready in time", async () => {
    const slow = startServer(
      spec("console.log(process.pid); setInterval(() => {}, 1000)", { deadlineMs: 500 }),
    );
    await expect(slow).rejects.toThrow(/not ready within 0.5 s/);
    expect(isAlive(Number(await readFile(path.join(dir, "log"), "utf8")))).toBe(false);
  });

  it("is not held up by a probe that never answers", async () => {
    const hanging = startServer(spec("process.exit(4)", { ready: () => new Promise(() => undefined) }));
    await expect(hanging).rejects.toThrow(/exited with code 4/);
  });

  it("is killed when it does not heed the signal", async () => {
    const server = await start(spec(stubborn, { stop: { withinMs: 200 } }));
    await server.stop();
    expect(await server.exited).toBe("was ended by SIGKILL");
  });

  it("does not see the environment of its parent", async () => {
    process.env.TIERLIFT_TEST_SECRET = "hidden";
    try {
      await start(
        spec(`console.log('up', process.env.TIERLIFT_TEST_SECRET, process.env.OWN); ${serve}`, {
          env: { OWN: "given" },
        }),
      );
      expect(await readFile(path.join(dir, "log"), "utf8")).toContain("up undefined given");
    } finally {
      delete process.env.TIERLIFT_TEST_SECRET;
    }
  });

  it("says that a program is missing", async () => {
    await expect(startServer(spec("", { command: "/nowhere/server" }))).rejects.toThrow(
      /could not be started.*ENOENT/,
    );
  });
});

describe("a server left behind", () => {
  it("is found by its file and ended", async () => {
    const server = await start(spec(stubborn));
    expect(await endLeftOver(path.join(dir, "pid"), { withinMs: 200 })).toBe("ended");
    expect(isAlive(server.pid)).toBe(false);
  });

  it("is nothing when there is no file, or a file of no sense", async () => {
    await writeFile(path.join(dir, "damaged"), "{");
    expect(await endLeftOver(path.join(dir, "absent"))).toBe("none");
    expect(await endLeftOver(path.join(dir, "damaged"))).toBe("none");
  });

  it("is left alone when its id belongs to another program by now", async () => {
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    try {
      await writeFile(
        path.join(dir, "pid"),
        JSON.stringify({ pid: other.pid, startedAt: "an earlier boot/17" }),
      );
      expect(await endLeftOver(path.join(dir, "pid"))).toBe("foreign");
      expect(isAlive(other.pid!)).toBe(true);
    } finally {
      other.kill("SIGKILL");
    }
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const plugin = join(import.meta.dirname, "../../../../local/providers/command/pulumi-resource-command");

/** Starts the plugin in a folder without node_modules, as the engine may. */
function start() {
  const child = spawn(plugin, ["127.0.0.1:1"], { stdio: ["pipe", "pipe", "inherit"], cwd: "/" });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const ended = once(child, "exit");
  return { child, ended, printed: () => printed, port: once(child.stdout, "data") };
}

describe("a plugin's process", () => {
  it("prints one line, its port, and nothing else", async () => {
    const { child, ended, port, printed } = start();
    await port;
    child.stdin.end();
    await ended;
    expect(printed()).toMatch(/^\d+\n$/);
  });

  it("ends when the engine's end of its input closes", async () => {
    const { child, ended, port } = start();
    await port;
    child.stdin.end();
    expect(await ended).toEqual([0, null]);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends on %s", async (signal) => {
    const { child, ended, port } = start();
    await port;
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  });

  it("ends when the process that started it is killed", async () => {
    const script = `const { spawn } = require("node:child_process");
      const child = spawn(${JSON.stringify(plugin)}, ["127.0.0.1:1"], { stdio: ["pipe", "pipe", "inherit"], cwd: "/" });
      child.stdout.once("data", () => console.log(child.pid)); setInterval(() => {}, 1000);`;
    const engine = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(engine.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    engine.kill("SIGKILL");
    await expect.poll(() => isRunning(pid), { timeout: 5_000 }).toBe(false);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

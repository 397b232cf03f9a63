import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { endGroupWith } from "../../commands/process-group.ts";

/** A program that starts another one, tells its process id, and then does as `then` says. */
async function startPair({ child, then }: { child: string; then: string }) {
  const program = `
    const { spawn } = require("node:child_process");
    const other = spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: ["ignore", "pipe", "ignore"] });
    other.stdout.once("data", () => { console.log(other.pid); ${then} });
  `;
  const leader = spawn(process.execPath, ["-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const [line] = (await once(leader.stdout, "data")) as [Buffer];
  return { leader, other: Number(line.toString()) };
}

const STAYS = "setInterval(() => {}, 1000); console.log(1)";
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a program's process group", () => {
  it("ends with the program, whose exit code is given", async () => {
    const { leader, other } = await startPair({
      child: STAYS,
      then: "process.exitCode = 3; other.unref(); other.stdout.destroy();",
    });
    expect(await endGroupWith(leader, new AbortController().signal)).toBe(3);
    expect(isAlive(other)).toBe(false);
  });

  it("is interrupted as a whole, although the program dies of it at once", async () => {
    const interruption = new AbortController();
    const child = `process.on("SIGTERM", () => setTimeout(() => process.exit(), 300)); ${STAYS}`;
    const { leader, other } = await startPair({ child, then: "" });
    const ended = endGroupWith(leader, interruption.signal);
    interruption.abort("SIGTERM");
    expect(await ended).toBe(143);
    expect(isAlive(other)).toBe(false);
  });

  it("is killed where it does not end by itself", async () => {
    const interruption = new AbortController();
    const { leader, other } = await startPair({
      child: `process.on("SIGTERM", () => {}); ${STAYS}`,
      then: "",
    });
    const ended = endGroupWith(leader, interruption.signal, 300);
    interruption.abort("SIGTERM");
    await ended;
    // Its parent is gone: how soon it is reaped is up to the system.
    await expect.poll(() => isAlive(other), { timeout: 10_000 }).toBe(false);
  });
});

/** A process that serves plugins to one engine after another, and how engines are told of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** How long the process may take to start and to open its ports. */
const OPEN_MS = 30_000;

export interface PluginHost {
  /** Opens the plugins and returns what an engine's environment needs to attach to them. */
  open(): Promise<Record<string, string>>;
  /** Ends what the plugins served since they were opened. */
  close(): void;
}

/**
 * Starts the process, in this process's group. It reads `open` and `close` from its standard input, answers `open` with
 * a line of JSON, ports by plugin name, and ends when its input does: with this process, at the latest.
 */
export function startPluginHost([program = "", ...args]: readonly string[]): PluginHost {
  const host = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  // A write to a process that has ended fails here as well; what is awaited tells of it.
  host.stdin.on("error", () => undefined);
  const lines = createInterface({ input: host.stdout });
  const ended = once(host, "exit").then(([code, signal]) => {
    throw new Error(`the process that serves the plugins ended with ${String(signal ?? code)}`);
  });
  ended.catch(() => undefined);

  return {
    async open() {
      const answer = once(lines, "line", { signal: AbortSignal.timeout(OPEN_MS) });
      host.stdin.write("open\n");
      const [line] = (await Promise.race([answer, ended])) as [string];
      const ports = Object.entries(JSON.parse(line) as Record<string, number>);
      return { PULUMI_DEBUG_PROVIDERS: ports.map(([name, port]) => `${name}:${port}`).join(",") };
    },
    close() {
      host.stdin.write("close\n");
    },
  };
}

/** The installation a demo works with: `npm start` in a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { CommandError } from "../command-line.ts";
import type { Endpoints } from "../endpoints.ts";
import type { Home } from "../home.ts";
import type { KeepMessage, StarterMessage } from "../starter.ts";

export interface RunningInstallation {
  pid: number;
  /** What endpoints.json says now. */
  endpoints: () => Promise<Endpoints>;
  /** Resolves, with a sentence, when it ends unasked. */
  failed: Promise<string>;
  /** Ends it and waits until it has ended. */
  stop: () => Promise<void>;
  /** Leaves it running when this process ends. */
  keep: () => Promise<void>;
}

const START = path.join(import.meta.dirname, "..", "start.ts");
const LOADER = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** Starts an installation and resolves when it takes work. Rejects when it ends before, or when `signal` aborts. */
export async function startBeside(
  home: Home,
  options: { env: NodeJS.ProcessEnv; log: (line: string) => void; signal: AbortSignal },
): Promise<RunningInstallation> {
  const logFile = path.join(home.logs, "start.log");
  const { child, ended } = launch(logFile, options.env);
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  try {
    await untilReady(child, ended, options);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: child.pid!,
    endpoints: async () => JSON.parse(await readFile(home.endpointsFile, "utf8")) as Endpoints,
    failed: ended.then((how) => `the installation ${how}:\n${readFileSync(logFile, "utf8").trimEnd()}`),
    stop,
    async keep() {
      const message: KeepMessage = { type: "keep" };
      await new Promise((resolve) => child.send(message, resolve));
      child.disconnect();
      child.unref();
    },
  };
}

/** In a session of its own, so that it can outlive the terminal the demo was started in. */
function launch(logFile: string, env: NodeJS.ProcessEnv): { child: ChildProcess; ended: Promise<string> } {
  const log = openSync(logFile, "w", 0o600);
  try {
    const child = spawn(process.execPath, ["--import", LOADER, START], {
      env,
      stdio: ["ignore", log, log, "ipc"],
      detached: true,
    });
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(`could not be started: ${error.message}`));
      child.once("exit", (code, signal) =>
        resolve(signal ? `was ended by ${signal}` : `exited with code ${code}`),
      );
    });
    return { child, ended };
  } finally {
    closeSync(log);
  }
}

function untilReady(
  child: ChildProcess,
  ended: Promise<string>,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let last = "";
    child.on("message", (message: StarterMessage) => {
      if (message.type === "ready") resolve();
      if (message.type !== "log") return;
      last = message.line;
      log(message.line);
    });
    void ended.then((how) =>
      reject(new CommandError(`the installation ${how} (${last || "without a word"})`)),
    );
    const interrupt = () => reject(new Error("interrupted"));
    if (signal.aborted) interrupt();
    else signal.addEventListener("abort", interrupt, { once: true });
  });
}

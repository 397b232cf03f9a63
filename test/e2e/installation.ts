/** A real installation in a folder of its own, started and stopped as a person does it. */
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Endpoints } from "../../commands/endpoints.ts";
import { mintToken } from "../../commands/mint-token.ts";
import { CURL } from "./specification.ts";
import type { Call } from "./specification.ts";

const RUN = path.resolve(import.meta.dirname, "../../commands/run.mjs");
const TIERLIFT = path.resolve(import.meta.dirname, "../../cli/tierlift.mjs");
/** A whole upgrade is one command. */
const COMMAND_MS = 600_000;
const SECRET = "a secret of this test's own, long enough for HS256";
/** Longer than any run of stories, of chaos too. */
const TOKEN_MS = 12 * 3_600_000;

export interface Answer {
  status: number;
  body: unknown;
}

export class Installation {
  readonly home = mkdtempSync(path.join(tmpdir(), "tierlift-e2e-"));
  protected readonly environment: Record<string, string | undefined> = {
    ...process.env,
    TIERLIFT_HOME: this.home,
    PORT: "0",
    JWT_SECRET: SECRET,
    // Stories of faults and crashes are told in seconds.
    TIERLIFT_ARM_RETRY_SECONDS: "0.5,1,2",
  };
  private running: ChildProcess | undefined;
  private log = "";

  /** With settings besides those of every installation of a test. */
  constructor(settings: Record<string, string> = {}) {
    Object.assign(this.environment, settings);
  }

  /** Resolves when the platform stands; rejects with what was printed when it ends before that. */
  async start(): Promise<void> {
    this.log = "";
    const child = spawn(process.execPath, [RUN, "start"], {
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.running = child;
    const ready = new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.log += chunk.toString();
        if (this.log.includes("start: ready")) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", () => reject(new Error(this.log)));
    });
    await ready;
  }

  /** As Ctrl-C does; resolves with the exit code. */
  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    const child = this.running;
    if (!child || child.exitCode !== null) return child?.exitCode ?? null;
    const exited = once(child, "exit") as Promise<[number | null]>;
    child.kill(signal);
    return (await exited)[0];
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  endpoints(): Endpoints {
    return JSON.parse(readFileSync(path.join(this.home, "endpoints.json"), "utf8")) as Endpoints;
  }

  token(roles: string[], tenantId?: string): Promise<string> {
    return mintToken({
      secret: SECRET,
      subject: "e2e",
      roles,
      lifetimeMs: TOKEN_MS,
      ...(tenantId ? { tenantId } : {}),
    });
  }

  /** Runs one of the specification's lines in a shell; its own text is not touched but for host and placeholders. */
  async curl(
    call: Call,
    values: Record<string, string>,
    tokens: { TOKEN?: string; ADMIN_TOKEN?: string },
  ): Promise<Answer> {
    const { stdout } = await promisify(execFile)("bash", ["-c", this.lineOf(call, values)], {
      env: { ...process.env, CURL_HOME: this.curlHome(), TOKEN: "", ADMIN_TOKEN: "", ...tokens },
      timeout: 60_000,
    });
    const end = stdout.lastIndexOf("\n");
    const text = stdout.slice(0, end);
    return { status: Number(stdout.slice(end + 1)), body: text === "" ? null : JSON.parse(text) };
  }

  /** The specification's stream line, left running; its output as it comes. */
  stream(
    values: Record<string, string>,
    token: string,
  ): { text: () => string; ended: Promise<unknown>; stop: () => void } {
    const child = spawn("bash", ["-c", `exec ${this.lineOf("provisioningStream", values)}`], {
      env: { ...process.env, CURL_HOME: this.curlHome(), TOKEN: token },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    return { text: () => text, ended: once(child, "exit"), stop: () => child.kill() };
  }

  async get(pathname: string, token: string): Promise<Answer> {
    return this.send("GET", pathname, token);
  }

  async send(method: string, pathname: string, token: string, body?: unknown): Promise<Answer> {
    const response = await fetch(this.endpoints().api + pathname, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    return { status: response.status, body: await response.json() };
  }

  /** Runs one of the project's commands on this installation and returns its standard output. */
  command(...args: string[]): Promise<string> {
    return this.run([RUN, ...args], {});
  }

  /** Runs the command line for users as a script does, and returns the documents of its standard output, a line each. */
  async tierlift(token: string, ...args: string[]): Promise<Record<string, unknown>[]> {
    const lines = (
      await this.run([TIERLIFT, ...args, "--json"], {
        TIERLIFT_API: this.endpoints().api,
        TIERLIFT_TOKEN: token,
      })
    ).trimEnd();
    // What is no event is one document over several lines.
    const documents = lines.startsWith("{\n") ? [lines] : lines.split("\n");
    return documents.map((text) => JSON.parse(text) as Record<string, unknown>);
  }

  /** A file with the service principal that may be submitted. */
  credentialsFile(): string {
    const file = path.join(this.home, "credentials.json");
    writeFileSync(file, JSON.stringify(this.endpoints().credentials), { mode: 0o600 });
    return file;
  }

  private async run(command: string[], env: Record<string, string>): Promise<string> {
    const options = {
      env: { ...this.environment, ...env },
      timeout: COMMAND_MS,
      maxBuffer: 256 * 1024 * 1024,
    };
    return (await promisify(execFile)(process.execPath, command, options)).stdout;
  }

  private lineOf(call: Call, values: Record<string, string>): string {
    const { host } = new URL(this.endpoints().api);
    return CURL[call]
      .replace("localhost:8082", host)
      .replace(/\{(tenantId|jobId)\}/g, (_whole, name: string) => values[name] ?? "");
  }

  /** A configuration file adds the status to the output, so that the lines stay as written. */
  private curlHome(): string {
    writeFileSync(path.join(this.home, ".curlrc"), 'silent\nwrite-out = "\\n%{http_code}"\n');
    return this.home;
  }
}

/** Asks again until the answer is as wanted; `bound` in milliseconds is for a service that hangs. */
export async function until<T>(
  ask: () => Promise<T>,
  isWanted: (value: T) => boolean,
  bound: number,
): Promise<T> {
  const deadline = Date.now() + bound;
  for (;;) {
    const value = await ask();
    if (isWanted(value)) return value;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(value)} after ${bound / 1000} s`);
    await sleep(250);
  }
}

/** Processes that were started for a folder: its path is in their arguments or their environment. */
export function processesOf(folder: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const text = ["cmdline", "environ"]
        .map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8"))
        .join("\0");
      return text.includes(folder) ? [`${pid} ${text.slice(0, 120).replaceAll("\0", " ")}`] : [];
    } catch {
      return []; // gone meanwhile, or not ours to look at
    }
  });
}

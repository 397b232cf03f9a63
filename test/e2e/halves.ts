/**
 * An installation whose local cloud and service are processes of the test's own, so that one can be killed while the
 * other goes on. Started together they are what `npm start` runs.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { endpointsOf } from "../../commands/endpoints.ts";
import type { Endpoints } from "../../commands/endpoints.ts";
import { ensureHome, homeOf } from "../../commands/home.ts";
import { partsEnvironment } from "../../commands/parts-environment.ts";
import type { CloudConnection } from "../../local/connection.ts";
import { ensureParts } from "../../setup/parts.ts";
import { Installation, processesOf, until } from "./installation.ts";

const LOADER = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const ENTRIES = {
  cloud: path.resolve(import.meta.dirname, "../../local/main.ts"),
  service: path.resolve(import.meta.dirname, "../../commands/serve.ts"),
};
const MINUTE = 60_000;

export class Halves extends Installation {
  private readonly paths = homeOf(this.home);
  private parts: Record<string, string> = {};
  private cloud: ChildProcess | undefined;
  private service: ChildProcess | undefined;
  private api = "";

  override async start(): Promise<void> {
    await ensureHome(this.home);
    this.parts = partsEnvironment(await ensureParts({ log: () => undefined }));
    await this.startCloud();
    await this.startService();
    await this.ready();
  }

  override async stop(): Promise<number | null> {
    for (const child of [this.service, this.cloud]) await end(child, "SIGTERM");
    return 0;
  }

  override endpoints(): Endpoints {
    return endpointsOf(this.api, this.connection());
  }

  async startCloud(): Promise<void> {
    this.cloud = this.spawn("cloud", {});
    await said(this.cloud, "ready");
  }

  /** On the address it had before, so that clients find it again. */
  async startService(): Promise<void> {
    const { caFile } = this.connection();
    const tls = { NODE_EXTRA_CA_CERTS: caFile, SSL_CERT_FILE: caFile };
    const PORT = this.api === "" ? "0" : new URL(this.api).port;
    this.service = this.spawn("service", { ...tls, PORT });
    this.api = (await said(this.service, "listening")).url ?? "";
  }

  async ready(): Promise<void> {
    const look = async () => (await fetch(`${this.api}/ready`)).status;
    await until(look, (status) => status === 200, 5 * MINUTE);
  }

  /** The service is gone at once; the engine process that it ran notices that it is alone. */
  async killService(): Promise<void> {
    await end(this.service, "SIGKILL");
  }

  /** The service is gone, and with it every process that it started: what they had under way is cut off. */
  async killServiceAndEngines(): Promise<void> {
    await end(this.service, "SIGKILL");
    for (const pid of this.engineProcesses()) kill(pid);
    await until(
      () => Promise.resolve(this.engineProcesses()),
      (left) => left.length === 0,
      MINUTE,
    );
  }

  async killCloud(): Promise<void> {
    await end(this.cloud, "SIGKILL");
  }

  /** Processes of this installation that are neither the service nor the local cloud's. */
  engineProcesses(): number[] {
    const others = [this.service?.pid, this.cloud?.pid].filter((pid) => pid !== undefined);
    return processesOf(this.home)
      .map((line) => Number(line.split(" ")[0]))
      .filter((pid) => !others.includes(pid) && !ancestorsOf(pid).includes(this.cloud?.pid ?? 0));
  }

  async untilEngineRuns(): Promise<void> {
    const look = () => Promise.resolve(this.engineProcesses());
    await until(look, (running) => running.length > 0, MINUTE);
  }

  private spawn(name: keyof typeof ENTRIES, more: Record<string, string>): ChildProcess {
    const log = openSync(path.join(this.paths.logs, `${name}.log`), "a", 0o600);
    return spawn(process.execPath, ["--import", LOADER, ENTRIES[name]], {
      env: { ...this.environment, ...this.parts, ...more },
      stdio: ["ignore", log, log, "ipc"],
      detached: true,
    });
  }

  private connection(): CloudConnection {
    return JSON.parse(
      readFileSync(path.join(this.paths.cloud, "connection.json"), "utf8"),
    ) as CloudConnection;
  }
}

interface Message {
  type: string;
  url?: string;
}

function said(child: ChildProcess, type: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    child.on("message", (message: Message) => message.type === type && resolve(message));
    child.once("exit", (code, signal) =>
      reject(new Error(`it ended with ${signal ?? code} before it was ${type}`)),
    );
  });
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function ancestorsOf(pid: number): number[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return parent > 1 ? [parent, ...ancestorsOf(parent)] : [];
  } catch {
    return []; // gone meanwhile
  }
}

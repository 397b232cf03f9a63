import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Authority } from "../pki/authority.ts";
import { writeServerCertificate } from "../pki/server-certificate.ts";
import { keepPort } from "../ports.ts";
import { endLeftOver, startServer } from "../process.ts";
import { send } from "./request.ts";

export interface BlobServerOptions {
  /** Folder of this server: its data, its log, its certificate. */
  dir: string;
  account: string;
  /** Azurite's program for its blob service. */
  main: string;
  /** Signs the server's certificate. */
  authority: Authority;
  /** Keys that admit to the account, base64; without any, identities alone are admitted. */
  keys: string[];
}

/** A running blob server with one account. */
export interface BlobServer {
  readonly port: number;
  /** `https://127.0.0.1:PORT/<account>/` */
  readonly endpoint: string;
  isRunning(): boolean;
  /** Settles, with how, when the server has ended. */
  readonly ended: Promise<string>;
  ensureContainer(name: string): Promise<void>;
  removeContainer(name: string): Promise<void>;
  stop(): Promise<void>;
}

const startDeadlineMs = 60_000;

/** Starts the server with its data in the folder, made when missing. A server left by a killed run is ended first. */
export async function startBlobServer(options: BlobServerOptions): Promise<BlobServer> {
  const { dir, account, main, authority } = options;
  const data = path.join(dir, "data");
  await mkdir(data, { recursive: true, mode: 0o700 });
  await endLeftOverServer(dir);
  const port = await keepPort(dir);
  const endpoint = `https://127.0.0.1:${port}/${account}/`;
  const certificate = await writeServerCertificate(authority, account, dir);
  // Where nobody else is admitted by key, this start's own is known to the two processes alone.
  const keys = options.keys.length > 0 ? options.keys : [randomBytes(64).toString("base64")];
  const to = { endpoint, account, key: keys[0]!, ca: authority.certificate };
  const server = await startServer({
    name: `blob server of ${account}`,
    command: process.execPath,
    args: [main, ...planArguments({ data, port, ...certificate })],
    cwd: data,
    env: { AZURITE_ACCOUNTS: [account, ...keys].join(":") },
    logFile: path.join(dir, "azurite.log"),
    pidFile: pidFile(dir),
    ready: async () => (await send(to, { method: "GET", query: { comp: "list" } })).status === 200,
    deadlineMs: startDeadlineMs,
  });
  const change = async (method: "PUT" | "DELETE", container: string, accepted: number[]) => {
    const { status, code } = await send(to, { method, container, query: { restype: "container" } });
    if (!accepted.includes(status))
      throw new Error(`${server.name} answered ${status} ${code} to ${method} ${container}`);
  };
  return {
    port,
    endpoint,
    isRunning: () => server.isRunning(),
    ended: server.exited.then((how) => `${server.name} ${how}`),
    ensureContainer: (name) => change("PUT", name, [201, 409]),
    removeContainer: (name) => change("DELETE", name, [202, 404]),
    stop: () => server.stop(),
  };
}

/** Ends what a killed run left in the folder. */
export async function endLeftOverServer(dir: string): Promise<void> {
  await endLeftOver(pidFile(dir));
}

function pidFile(dir: string): string {
  return path.join(dir, "azurite.pid");
}

function planArguments(of: { data: string; port: number; certificateFile: string; keyFile: string }) {
  return [
    ...["--blobHost", "127.0.0.1", "--blobPort", String(of.port), "--location", of.data],
    ...["--cert", of.certificateFile, "--key", of.keyFile, "--oauth", "basic"],
    // The account is the path's first part; an address has no name to put it in.
    "--disableProductStyleUrl",
    // Microsoft's client is ahead of the versions that Azurite lists.
    "--skipApiVersionCheck",
    "--silent",
    "--disableTelemetry",
  ];
}

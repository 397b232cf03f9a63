/** A running installation: on the local target the local cloud, then the service. */
import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import https from "node:https";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { CloudConnection } from "../local/connection.ts";
import type { Parts, ServiceParts } from "../setup/parts.ts";
import { keepEndpoints, readConnection } from "./endpoints.ts";
import type { Home } from "./home.ts";
import type { Settings } from "./settings.ts";
import { partsEnvironment } from "./parts-environment.ts";
import { createSupervisor, type Supervisor } from "./supervise.ts";
import { VARIABLES } from "./variables.ts";

export interface InstallationOptions {
  settings: Settings;
  home: Home;
  /** The azure target needs no more than the service's own. */
  parts: ServiceParts & Partial<Parts>;
  log: (line: string) => void;
  signal: AbortSignal;
  /** Tests put other programs in their place. */
  entries?: { cloud: string; service: string };
}

export interface Installation {
  /** Address of the REST API. */
  api: string;
  /** Resolves, with a sentence, when one of its processes ends unasked. */
  failed: Promise<string>;
  /** Ends the service, then the local cloud; its data stays. */
  stop(): Promise<void>;
}

/** What `commands/serve.ts` sends its starter. */
export interface ServiceMessage {
  type: "listening";
  url: string;
}

const ENTRIES = {
  cloud: path.join(import.meta.dirname, "..", "local", "main.ts"),
  service: path.join(import.meta.dirname, "serve.ts"),
};
const ASK_EVERY_MS = 50;

/** Starts everything and resolves when the API listens; what was started is ended when it rejects. */
export async function startInstallation(options: InstallationOptions): Promise<Installation> {
  const supervisor = createSupervisor();
  try {
    const connection =
      options.settings.target === "local" ? await startCloud(supervisor, options) : undefined;
    const api = await startService(supervisor, options, connection);
    if (!connection) return { api, failed: supervisor.failed, stop: () => supervisor.stop() };
    const endpoints = await keepEndpoints(options.home, api, options.log);
    const stop = async () => {
      await endpoints.stop();
      await supervisor.stop();
    };
    return { api, failed: supervisor.failed, stop };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

async function startCloud(supervisor: Supervisor, options: InstallationOptions): Promise<CloudConnection> {
  const { home, parts, log, signal, entries = ENTRIES } = options;
  const startedAt = performance.now();
  let connection: CloudConnection | undefined;
  await supervisor.start(
    {
      name: "the local cloud",
      entry: entries.cloud,
      env: { ...withoutSecrets(process.env), TIERLIFT_HOME: home.root, ...partsEnvironment(parts) },
      logFile: path.join(home.logs, "cloud.log"),
      // A cloud that was there before starts its clusters and servers again.
      readyWithinMs: 120_000,
      stopWithinMs: 60_000,
      ready: async ({ pid }, limit) => {
        connection = await untilConnected(home, pid, limit);
      },
    },
    signal,
  );
  log(`start: local cloud ready in ${seconds(startedAt)} s`);
  return connection!;
}

/** The file may be of an earlier run: it counts when it names this process and its address answers. */
async function untilConnected(
  home: Home,
  pid: number | undefined,
  limit: AbortSignal,
): Promise<CloudConnection> {
  for (;;) {
    const connection = await readConnection(home);
    if (connection?.pid === pid && (await answers(connection!))) return connection!;
    await delay(ASK_EVERY_MS, undefined, { signal: limit });
  }
}

async function answers({ armUrl, caFile }: CloudConnection): Promise<boolean> {
  const ca = await readFile(caFile);
  return new Promise((resolve) => {
    const request = https.get(
      `${armUrl}/metadata/endpoints?api-version=2022-09-01`,
      { ca, timeout: 2_000 },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

async function startService(
  supervisor: Supervisor,
  options: InstallationOptions,
  connection: CloudConnection | undefined,
): Promise<string> {
  const { home, parts, log, signal, entries = ENTRIES } = options;
  const startedAt = performance.now();
  let api = "";
  await supervisor.start(
    {
      name: "the service",
      entry: entries.service,
      env: {
        ...process.env,
        TIERLIFT_HOME: home.root,
        ...partsEnvironment({ engine: parts.engine, bundles: parts.bundles }),
        ...(connection && { NODE_EXTRA_CA_CERTS: connection.caFile, SSL_CERT_FILE: connection.caFile }),
      },
      logFile: path.join(home.logs, "service.log"),
      readyWithinMs: 60_000,
      // Longer than an interrupted stack operation may take to end in good order.
      stopWithinMs: 60_000,
      ready: async (child, limit) => {
        api = await untilListening(child, limit);
      },
    },
    signal,
  );
  log(`start: service listening on ${api} in ${seconds(startedAt)} s`);
  return api;
}

function untilListening(child: ChildProcess, limit: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown) => {
      const { type, url } = message as Partial<ServiceMessage>;
      if (type === "listening" && url) resolve(url);
    };
    child.on("message", onMessage);
    limit.addEventListener("abort", () => child.off("message", onMessage), { once: true });
  });
}

/** What the local cloud has no business to know. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !(name in VARIABLES && "secret" in VARIABLES[name as keyof typeof VARIABLES]),
    ),
  );
}

const seconds = (startedAt: number) => ((performance.now() - startedAt) / 1000).toFixed(1);

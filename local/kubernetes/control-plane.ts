import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { writeWhole } from "../files.ts";
import { claimPorts } from "../ports.ts";
import { endLeftOver, startServer, type Server, type ServerSpec } from "../process.ts";
import { createKubernetesClient, type KubernetesClient } from "./client.ts";
import { ensureCredentials } from "./credentials.ts";
import { openDoor, type Door } from "./door/door.ts";
import type { Planner } from "./door/planned.ts";
import {
  apiServerArgs,
  controllerManagerArgs,
  etcdArgs,
  kwokArgs,
  schedulerArgs,
  serverUrl,
  type ClusterFiles,
  type ClusterPorts,
} from "./flags.ts";

/** The programs a cluster is made of. */
export interface ClusterPrograms {
  /** etcd, API server, controller manager and scheduler in one binary, chosen by its first argument. */
  hyper: string;
  kwok: string;
}

/** A running Kubernetes control plane, its nodes simulated by kwok. */
export interface ControlPlane {
  /** Host and port, as the cloud answers a cluster's name. */
  readonly endpoint: string;
  readonly ports: ClusterPorts;
  readonly kubeconfigFile: string;
  readonly client: KubernetesClient;
  isRunning(): boolean;
  /** Settles, with which and how, when the first of its servers has ended. */
  readonly ended: Promise<string>;
  /** Ends its servers, the store last; the data stays. */
  stop(): Promise<void>;
}

/**
 * The API server waits for its etcd by itself; the others would, too, but give up after ten seconds or ask at growing
 * intervals, and so are started when the API is there.
 */
const startOrder = [
  ["etcd", "apiserver"],
  ["controller-manager", "scheduler", "kwok"],
] as const;
type ServerName = (typeof startOrder)[number][number];

/** Generous: on a busy machine several clusters may start at once. */
const startDeadlineMs = 90_000;

/**
 * Starts a control plane with its data in the folder, as many servers at once as it can.
 * Servers that a killed run left behind are ended first. Ports are those of the run before where they are free.
 */
export async function startControlPlane(
  dir: string,
  name: string,
  programs: ClusterPrograms,
  planner?: Planner,
): Promise<ControlPlane> {
  await mkdir(path.join(dir, "log"), { recursive: true, mode: 0o700 });
  await endLeftOvers(dir);
  const ports = await ensurePorts(dir);
  const { files, ca, cloud, serving, frontProxy } = await ensureCredentials(dir, name, ports);
  const client = createKubernetesClient({ server: serverUrl(ports), ca, ...cloud });
  const started: Server[] = [];
  let door: Door | undefined;
  const stop = async () => {
    client.close();
    await door?.close();
    // Backwards, but all controllers at once; etcd only when nobody writes any more.
    for (const group of stopOrder(started)) await Promise.all(group.map((server) => server.stop()));
  };
  const failure = new AbortController();
  const start = async (server: ServerName) => {
    const spec = serverSpec(server, name, files, ports, programs, client);
    started.push(await startServer({ ...spec, signal: failure.signal }));
  };
  try {
    for (const group of startOrder) await allOrNone(group.map(start), failure);
    const { apiServer: port, behindDoor: serverPort } = ports;
    door = await openDoor({ port, serverPort, ca, serving, frontProxy, planner });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint: `127.0.0.1:${ports.apiServer}`,
    ports,
    kubeconfigFile: files.kubeconfig("admin"),
    client,
    isRunning: () => started.every((server) => server.isRunning()),
    ended: Promise.race(started.map((server) => server.exited.then((how) => `${server.name} ${how}`))),
    stop,
  };
}

/** Ends what a killed run left in the folder. True when there was something. */
export async function endLeftOvers(dir: string): Promise<void> {
  for (const group of [["kwok", "scheduler", "controller-manager"], ["apiserver"], ["etcd"]]) {
    await Promise.all(group.map((server) => endLeftOver(pidFile(dir, server))));
  }
}

/** Waits for all; when one fails the rest are given up, and the first failure is thrown once none is left. */
async function allOrNone(starts: Promise<void>[], failure: AbortController): Promise<void> {
  for (const start of starts) start.catch((error: unknown) => failure.abort(error));
  await Promise.allSettled(starts);
  failure.signal.throwIfAborted();
}

function stopOrder(servers: Server[]): Server[][] {
  const rank = (server: Server) =>
    server.name.startsWith("etcd") ? 2 : server.name.startsWith("apiserver") ? 1 : 0;
  return [0, 1, 2].map((wanted) => servers.filter((server) => rank(server) === wanted));
}

function serverSpec(
  server: ServerName,
  cluster: string,
  files: ClusterFiles,
  ports: ClusterPorts,
  programs: ClusterPrograms,
  client: KubernetesClient,
): ServerSpec {
  const args = {
    etcd: () => etcdArgs(files, ports),
    apiserver: () => apiServerArgs(files, ports),
    "controller-manager": () => controllerManagerArgs(files),
    scheduler: () => schedulerArgs(files),
    kwok: () => kwokArgs(files),
  } satisfies Record<ServerName, () => string[]>;
  return {
    name: `${server} of cluster ${cluster}`,
    command: server === "kwok" ? programs.kwok : programs.hyper,
    args: args[server](),
    cwd: files.dir,
    env: { HOME: files.dir },
    logFile: path.join(files.dir, "log", `${server}.log`),
    pidFile: pidFile(files.dir, server),
    ready: readiness(server, client),
    deadlineMs: startDeadlineMs,
    stop: { withinMs: 5_000 },
  };
}

/**
 * etcd and the API server are ready when the API is; the controller manager when it has made the first service account
 * (after which pods can be created). The others are needed by nobody at the start: that they run is enough.
 */
function readiness(server: ServerName, client: KubernetesClient): () => Promise<boolean> {
  switch (server) {
    case "etcd":
    case "apiserver":
      return () => client.isReady();
    case "controller-manager":
      return () => client.get("/api/v1/namespaces/default/serviceaccounts/default").then(() => true);
    case "scheduler":
    case "kwok":
      return () => client.isReady();
  }
}

function pidFile(dir: string, server: string): string {
  return path.join(dir, `${server}.pid`);
}

const portNames = ["etcd", "etcdPeer", "apiServer", "behindDoor"] as const satisfies (keyof ClusterPorts)[];

async function ensurePorts(dir: string): Promise<ClusterPorts> {
  const file = path.join(dir, "ports.json");
  const kept = await readFile(file, "utf8").then(
    (text) => JSON.parse(text) as Partial<ClusterPorts>,
    () => undefined,
  );
  const wanted = kept ? portNames.map((name) => kept[name]) : [];
  const claimed = await claimPorts(portNames.length, wanted);
  const ports = Object.fromEntries(
    portNames.map((name, index) => [name, claimed[index]]),
  ) as unknown as ClusterPorts;
  await writeWhole(file, `${JSON.stringify(ports)}\n`, 0o600);
  return ports;
}

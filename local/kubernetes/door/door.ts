import { createServer as createTlsServer } from "node:https";
import { createServer, type Socket } from "node:net";
import type { KeyPair } from "../../pki/authority.ts";
import { createFrontProxy } from "./front-proxy.ts";
import { createPassages } from "./passage.ts";
import { serveAsPlanned, type Planner } from "./planned.ts";

export interface DoorOptions {
  /** Where clients know the API to be. */
  port: number;
  /** Where the API server itself listens. */
  serverPort: number;
  /** PEM; signed the API server's certificate, and its clients'. */
  ca: string;
  /** The API server's own certificate: clients see no difference. */
  serving: KeyPair;
  /** What the API server believes its front proxy by. */
  frontProxy: KeyPair;
  planner?: Planner | undefined;
}

export interface Door {
  close(): Promise<void>;
}

/**
 * The address of a cluster's API. Connections are passed on untouched, encrypted as they are. Only while a plan about
 * the cluster is in force are they ended here, so that the plan can act on their requests; the open ones are cut then.
 */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { port, serverPort, ca, serving, frontProxy, planner } = options;
  const passages = createPassages(serverPort);
  const proxy = createFrontProxy({ port: serverPort, ca, pair: frontProxy });
  const stopping = new AbortController();
  const inspector = createTlsServer(
    { cert: serving.certificate, key: serving.key, ca, requestCert: true, rejectUnauthorized: false },
    (call, response) => {
      if (planner) void serveAsPlanned(proxy, planner, call, response, stopping.signal);
    },
  );
  const inspected = new Set<Socket>();
  const isPlanned = () => planner?.plans.isAboutCluster(planner.cluster) ?? false;
  const server = createServer((socket) => {
    if (!isPlanned()) return passages.open(socket);
    inspected.add(socket.once("close", () => inspected.delete(socket)));
    inspector.emit("connection", socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1" }, resolve);
  });
  const unwatch = planner?.plans.watch(async () => {
    if (isPlanned()) await passages.cut();
  });
  return {
    close: async () => {
      unwatch?.();
      stopping.abort();
      passages.close();
      for (const socket of inspected) socket.destroy();
      proxy.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

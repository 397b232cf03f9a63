/** `TIERLIFT_HOME/endpoints.json`: where a running installation is, for clients and operators. */
import { watch } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { CloudConnection } from "../local/connection.ts";
import { writeSecretFile } from "../local/files.ts";
import type { Home } from "./home.ts";

/** Paths are absolute; secrets are named by file, never held. */
export interface Endpoints {
  api: string;
  arm: string;
  ca: string;
  armTokenFile: string;
  dns: { host: string; port: number };
  clusters: { name: string; resourceId: string; kubeconfig: string }[];
  postgres: { resourceId: string; host: string; port: number; user: string; passwordFile: string }[];
  /** Blob servers of storage accounts; identities of the local directory are let in. */
  blobs: { resourceId: string; endpoint: string }[];
  /** Redis servers of caches; absent where set-up brought no Redis. */
  cache?: { resourceId: string; host: string; port: number; passwordFile: string }[];
  /** Kafka brokers of event namespaces, for identities as well; absent where set-up brought no Kafka. */
  kafka?: { resourceId: string; bootstrapServers: string }[];
  /** A service principal of the local directory that may be submitted. */
  credentials: { clientId: string; clientSecretRef: string; azureTenantId: string; subscriptionId: string };
}

export function endpointsOf(api: string, connection: CloudConnection): Endpoints {
  const { armUrl, caFile, operatorTokenFile, dns, clusters, postgres, blobs, cache, kafka, credentials } =
    connection;
  return {
    api,
    arm: armUrl,
    ca: caFile,
    armTokenFile: operatorTokenFile,
    dns,
    clusters,
    postgres,
    blobs,
    ...(cache && { cache }),
    ...(kafka && { kafka }),
    credentials,
  };
}

/** What the local cloud says of itself, or nothing while it has not. */
export async function readConnection(home: Home): Promise<CloudConnection | undefined> {
  try {
    return JSON.parse(await readFile(path.join(home.cloud, "connection.json"), "utf8")) as CloudConnection;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** For file systems that do not tell of changes. */
const LOOK_AGAIN_MS = 2_000;

/** Writes endpoints.json and keeps it in step with the local cloud; `stop` removes it. */
export async function keepEndpoints(
  home: Home,
  api: string,
  log: (line: string) => void,
): Promise<{ stop(): Promise<void> }> {
  let written = "";
  let turn = Promise.resolve();
  const write = async () => {
    const connection = await readConnection(home);
    if (!connection) return;
    const content = JSON.stringify(endpointsOf(api, connection), null, 2);
    if (content === written) return;
    await writeSecretFile(home.endpointsFile, content);
    written = content;
  };
  // One at a time, so that an older state never overwrites a newer one.
  const update = () =>
    (turn = turn
      .then(write)
      .catch((error: unknown) => log(`endpoints.json could not be written: ${String(error)}`)));
  await write();
  const watcher = watch(home.cloud, () => void update());
  const timer = setInterval(() => void update(), LOOK_AGAIN_MS);
  return {
    async stop() {
      watcher.close();
      clearInterval(timer);
      await turn;
      await rm(home.endpointsFile, { force: true });
    },
  };
}

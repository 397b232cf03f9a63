/** The local cloud's process: ARM, DNS and the servers behind resources, until it is told to stop. */
import path from "node:path";
import { rm } from "node:fs/promises";
import { openPlans, startArm } from "./arm/server.ts";
import type { RunningArm } from "./arm/server.ts";
import { readJsonFile, writeFileDurably } from "./arm/durable.ts";
import { PUBLIC_KEYS_FILE } from "./arm/identity/tokens.ts";
import { platformPrincipal, tenantPrincipal } from "./arm/seed.ts";
import type { BackendGroup } from "./arm/backend.ts";
import { createBlobBackends } from "./blobs/accounts.ts";
import type { BlobBackends } from "./blobs/accounts.ts";
import { createCacheBackends } from "./cache/databases.ts";
import type { CacheBackends } from "./cache/databases.ts";
import type { CloudConnection } from "./connection.ts";
import { createDnsServer } from "./dns/server.ts";
import type { DnsServer } from "./dns/server.ts";
import { zonesFrom } from "./dns/zones.ts";
import { writeSecretFile } from "./files.ts";
import { createKafkaBackends } from "./kafka/namespaces.ts";
import type { KafkaBackends } from "./kafka/namespaces.ts";
import type { KafkaPart } from "./kafka/server.ts";
import { createClusterBackends } from "./kubernetes/clusters.ts";
import type { ClusterBackends } from "./kubernetes/clusters.ts";
import { createPostgresBackends } from "./postgres/servers.ts";
import type { PostgresBackends } from "./postgres/servers.ts";
import { keepOptionalStores } from "./optional-stores.ts";
import { ensureAuthority } from "./pki/authority.ts";
import type { Authority } from "./pki/authority.ts";

interface Environment {
  home: string;
  hyper: string;
  kwok: string;
  postgresBin: string;
  azurite: string;
  /** Optional: set-up may have found no Redis. */
  redisServer?: string;
  /** Optional: set-up may have found no Java. */
  kafka?: KafkaPart;
  runAs?: { uid: number; gid: number };
}

const log = (message: string, error?: unknown): void => {
  const reason =
    error instanceof Error
      ? (error.stack ?? error.message)
      : error === undefined
        ? ""
        : JSON.stringify(error);
  console.error(`${new Date().toISOString()} ${message}${reason === "" ? "" : `: ${reason}`}`);
};

/** A part that is not named is reported when a resource needs it, so that the rest works without. */
function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const redisServer = env["TIERLIFT_REDIS_SERVER"];
  const [java, libs] = [env["TIERLIFT_JAVA"], env["TIERLIFT_KAFKA_LIBS"]];
  const [uid, gid] = [env["TIERLIFT_POSTGRES_UID"], env["TIERLIFT_POSTGRES_GID"]].map(Number);
  return {
    home: path.resolve(env["TIERLIFT_HOME"] ?? ".tierlift"),
    hyper: env["TIERLIFT_HYPER"] ?? "hyper",
    kwok: env["TIERLIFT_KWOK"] ?? "kwok",
    postgresBin: env["TIERLIFT_POSTGRES_BIN"] ?? "",
    azurite: env["TIERLIFT_AZURITE"] ?? "",
    ...(redisServer ? { redisServer } : {}),
    ...(java && libs ? { kafka: { java, libs } } : {}),
    ...(Number.isInteger(uid) && Number.isInteger(gid)
      ? { runAs: { uid: uid as number, gid: gid as number } }
      : {}),
  };
}

interface LocalCloud {
  stop(): Promise<void>;
}

/** Starts everything, in the order in which it is stopped backwards: servers, DNS, ARM. */
async function startLocalCloud(environment: Environment): Promise<LocalCloud> {
  const folder = path.join(environment.home, "cloud");
  const { redisServer = "", kafka: kafkaPart = { java: "", libs: "" } } = environment;
  const found = { cache: redisServer !== "", kafka: kafkaPart.java !== "" };
  const stores = await keepOptionalStores(folder, found);
  if (!stores.cache && found.cache) log("this installation was made without Redis and stays so");
  if (!stores.kafka && found.kafka) log("this installation was made without Kafka and stays so");
  const authority = await ensureAuthority(path.join(folder, "pki"));
  const publisher = createPublisher(path.join(folder, "connection.json"));
  const plans = openPlans(environment.home);
  const clusters = createClusterBackends({
    dir: path.join(folder, "clusters"),
    hyper: environment.hyper,
    kwok: environment.kwok,
    onChange: publisher.changed,
    plans,
    log,
  });
  const postgres = createPostgresBackends({
    dir: path.join(folder, "postgres"),
    binDir: environment.postgresBin,
    authority,
    ...(environment.runAs === undefined ? {} : { runAs: environment.runAs }),
    onChange: publisher.changed,
    log,
  });
  const blobs = createBlobBackends({
    dir: path.join(folder, "blobs"),
    main: environment.azurite,
    authority,
    onChange: publisher.changed,
    log,
  });
  const cache = stores.cache
    ? createCacheBackends({
        dir: path.join(folder, "cache"),
        program: redisServer,
        authority,
        onChange: publisher.changed,
        log,
      })
    : undefined;
  const kafka = stores.kafka
    ? createKafkaBackends({
        dir: path.join(folder, "kafka"),
        part: kafkaPart,
        authority,
        keysFile: path.join(folder, "arm", PUBLIC_KEYS_FILE),
        onChange: publisher.changed,
        log,
      })
    : undefined;
  const optional = [cache, kafka].filter((group) => group !== undefined);
  const groups: BackendGroup[] = [clusters, postgres, blobs, ...optional];
  const stopServers = async (): Promise<void> => {
    for (const group of groups.toReversed())
      await group.stop().catch((error: unknown) => log("stopping servers", error));
  };
  try {
    const arm: RunningArm = await startArm({
      home: environment.home,
      authority,
      plans,
      backends: groups.flatMap(({ backends }) => backends),
      unsetConfiguration: (serverId, name) => postgres.configuration(serverId, name, arm.cloud.store),
      log,
    });
    const dns = await startDns(path.join(folder, "dns.json"), arm);
    await publisher.open(() =>
      describe(arm, dns, authority, {
        ...{ clusters, postgres, blobs },
        ...(cache && { cache }),
        ...(kafka && { kafka }),
      }),
    );
    return {
      stop: async () => {
        await publisher.close();
        await arm.close();
        await dns.close();
        await stopServers();
      },
    };
  } catch (error) {
    await stopServers();
    throw error;
  }
}

/** On the port of the last start when it is free: clients keep it in their settings. */
async function startDns(file: string, arm: RunningArm): Promise<DnsServer> {
  const before = readJsonFile<{ port: number }>(file)?.port;
  const server = await createDnsServer({
    host: "127.0.0.1",
    ...(before === undefined ? {} : { port: before }),
    zones: () => zonesFrom(arm.cloud.store),
    log,
  });
  if (server.port !== before) writeFileDurably(file, JSON.stringify({ port: server.port }));
  return server;
}

interface Servers {
  clusters: ClusterBackends;
  postgres: PostgresBackends;
  blobs: BlobBackends;
  cache?: CacheBackends;
  kafka?: KafkaBackends;
}

function describe(
  arm: RunningArm,
  dns: DnsServer,
  authority: Authority,
  { clusters, postgres, blobs, cache, kafka }: Servers,
): CloudConnection {
  const platform = arm.cloud.directory.principal(platformPrincipal);
  const tenant = arm.cloud.directory.principal(tenantPrincipal);
  return {
    pid: process.pid,
    armUrl: arm.url,
    metadataHost: arm.url.replace("https://", ""),
    caFile: authority.certificateFile,
    operatorTokenFile: arm.operatorTokenFile,
    dns: { host: dns.host, port: dns.port },
    platform: {
      clientId: platform.clientId,
      clientSecretFile: arm.platformSecretFile,
      azureTenantId: platform.tenantId,
      subscriptionId: platform.subscriptionId,
    },
    platformVaultUrl: arm.platformVaultUrl,
    credentials: {
      clientId: tenant.clientId,
      clientSecretRef: tenant.reference.name,
      azureTenantId: tenant.tenantId,
      subscriptionId: tenant.subscriptionId,
    },
    clusters: clusters.clusters(),
    postgres: postgres.servers(),
    blobs: blobs.accounts(),
    ...(cache && { cache: cache.caches() }),
    ...(kafka && { kafka: kafka.namespaces() }),
  };
}

interface Publisher {
  changed: () => void;
  open(read: () => CloudConnection): Promise<void>;
  close(): Promise<void>;
}

/** Writes the connection file whenever something changes, one write after the other, from the moment it is opened. */
function createPublisher(file: string): Publisher {
  let read: (() => CloudConnection) | undefined;
  let writing = Promise.resolve();
  const write = (): Promise<void> => {
    writing = writing
      .then(async () => {
        if (read !== undefined) await writeSecretFile(file, `${JSON.stringify(read(), null, 2)}\n`);
      })
      .catch((error: unknown) => log(`writing ${file}`, error));
    return writing;
  };
  return {
    changed: () => void write(),
    open: (describeNow) => {
      read = describeNow;
      return write();
    },
    close: async () => {
      read = undefined;
      await writing;
      await rm(file, { force: true });
    },
  };
}

async function main(): Promise<void> {
  const environment = readEnvironment(process.env);
  let stopping = false;
  const started = startLocalCloud(environment);
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    started
      .then((cloud) => cloud.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log("stopping", error);
          process.exit(1);
        },
      );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // The supervisor is gone: nobody else would end the servers.
  process.on("disconnect", stop);
  await started;
  process.send?.({ type: "ready" });
}

main().catch((error: unknown) => {
  log("the local cloud could not start", error);
  process.exit(1);
});

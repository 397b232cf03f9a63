/** Microsoft.Cache: Azure Managed Redis and the older Azure Cache for Redis. */
import { randomBytes } from "node:crypto";
import { badRequest, conflict } from "../errors.ts";
import { listAt, stringAt, valueAt } from "../http.ts";
import { asynchronous } from "./behaviour.ts";
import type { ActionContext, TypeBehaviour } from "./behaviour.ts";

const clusterType = "Microsoft.Cache/redisEnterprise";
const newKey = (): string => randomBytes(32).toString("base64");

const redisEnterprise: TypeBehaviour = {
  type: clusterType,
  ...asynchronous,
  hasState: true,
  createOnly: [{ path: "properties.highAvailability" }, { path: "zones" }],
  defaults: () => ({ properties: { minimumTlsVersion: "1.2", highAvailability: "Enabled" } }),
  outputs: ({ resource, previous }) => {
    const isZonal = listAt(resource.body, "zones").length > 1;
    const isSingle = stringAt(resource.body, "properties.highAvailability") === "Disabled";
    const host = { hostName: `${resource.name}.${resource.location ?? ""}.redis.azure.net` };
    return {
      kind: "v2",
      properties: {
        redisVersion: "7.4",
        redundancyMode: isSingle ? "None" : isZonal ? "ZR" : "LR",
        privateEndpointConnections: [],
        ...(previous === undefined ? host : {}),
      },
    };
  },
  answer: (resource) => ({ properties: { resourceState: runningOr(resource.state) } }),
  actions: {
    listskusforscaling: ({ resource }) => ({
      skus: ["Balanced_B1", "Balanced_B3", "Balanced_B5", "Balanced_B10", "Balanced_B20", "Balanced_B50"]
        .filter((name) => name !== stringAt(resource.body, "sku.name"))
        .map((name) => ({ name, sizeInGB: Number(name.split("_B")[1]) })),
    }),
  },
};

const runningOr = (state: string): string => (state === "Succeeded" ? "Running" : state);

const databases: TypeBehaviour = {
  type: `${clusterType}/databases`,
  ...asynchronous,
  hasState: true,
  nameError: { code: "InvalidDatabaseName", message: "The only database of a cluster is named default." },
  namePattern: /^default$/,
  createOnly: [
    { path: "properties.port" },
    { path: "properties.modules" },
    { path: "properties.geoReplication" },
  ],
  writeOnly: ["private"],
  defaults: () => ({
    properties: {
      port: 10000,
      clientProtocol: "Encrypted",
      clusteringPolicy: "OSSCluster",
      evictionPolicy: "VolatileLRU",
      accessKeysAuthentication: "Disabled",
      deferUpgrade: "NotDeferred",
      persistence: { aofEnabled: false, rdbEnabled: false },
    },
  }),
  check: ({ cloud, resource, previous }) => {
    const cluster = cloud.store.get(resource.id.split("/").slice(0, -2).join("/"));
    if (cluster !== undefined && cluster.state !== "Succeeded") {
      throw conflict(
        "Conflict",
        `Cluster '${cluster.name}' is in state '${cluster.state}': one operation at a time.`,
      );
    }
    const before = stringAt(previous?.body, "properties.clusteringPolicy");
    if (
      before === undefined ||
      before === "NoCluster" ||
      before === stringAt(resource.body, "properties.clusteringPolicy")
    )
      return;
    throw badRequest(
      "BadRequest",
      "The clustering policy can only be changed from NoCluster.",
      "properties.clusteringPolicy",
    );
  },
  outputs: ({ previous }) => ({
    properties: { redisVersion: "7.4" },
    ...(previous === undefined ? { private: { primaryKey: newKey(), secondaryKey: newKey() } } : {}),
  }),
  answer: (resource) => ({ properties: { resourceState: runningOr(resource.state) } }),
  actions: { listkeys: listKeys },
};

function listKeys({ resource }: ActionContext): unknown {
  if (stringAt(resource.body, "properties.accessKeysAuthentication") === "Enabled")
    return valueAt(resource.body, "private");
  throw badRequest(
    "BadRequest",
    "Access keys authentication is disabled for this database: set accessKeysAuthentication to Enabled first.",
  );
}

const redis: TypeBehaviour = {
  type: "Microsoft.Cache/redis",
  put: { created: 201, updated: 200, operation: "async" },
  delete: { accepted: 202, operation: "async" },
  hasState: true,
  createOnly: [{ path: "zones" }, { path: "properties.subnetId" }, { path: "properties.staticIP" }],
  writeOnly: ["private"],
  defaults: () => ({
    properties: {
      redisVersion: "6.0",
      enableNonSslPort: false,
      minimumTlsVersion: "1.2",
      publicNetworkAccess: "Enabled",
      redisConfiguration: {},
    },
  }),
  outputs: ({ resource, previous }) =>
    previous === undefined
      ? {
          private: { primaryKey: newKey(), secondaryKey: newKey() },
          properties: { hostName: `${resource.name}.redis.cache.windows.net`, port: 6379, sslPort: 6380 },
        }
      : {},
  actions: { listkeys: ({ resource }) => valueAt(resource.body, "private") },
};

export const cache: TypeBehaviour[] = [redisEnterprise, databases, redis];

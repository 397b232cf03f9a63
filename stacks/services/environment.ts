/** What a service's container is told: where its stores are, and where its passwords are kept. */
import type * as pulumi from "@pulumi/pulumi";
import type { types } from "@pulumi/kubernetes";
import type { ServiceDefinition, ServiceName, Store } from "./catalogue.ts";

export type EnvVar = types.input.core.v1.EnvVar;

/** The Secrets of a namespace that hold store credentials, by store. */
export const STORE_SECRETS = { postgres: "postgres-credentials", redis: "redis-credentials" } as const;

/** Where the stores answer; ports as text, because an environment has nothing else. */
export interface StoreAddresses {
  postgresHost: pulumi.Input<string>;
  postgresPort: pulumi.Input<string>;
  redisHost: pulumi.Input<string>;
  redisPort: pulumi.Input<string>;
  /** `redis` or `rediss`. */
  redisScheme: pulumi.Input<string>;
  kafkaBootstrapServers: pulumi.Input<string>;
}

/**
 * Azure's caches speak TLS on their ports (6380 Azure Cache, 10000 Managed Redis), and so does the local cloud's on
 * whichever it has; plain Redis is on 6379.
 */
export function planRedisScheme(port: number): "redis" | "rediss" {
  return port === 6379 ? "redis" : "rediss";
}

/**
 * The environment of one service. Passwords come by `secretKeyRef` only; an address that carries one is put together
 * by the kubelet from `$(NAME)` references, so that no manifest ever holds it.
 */
export function planEnvironment(
  name: ServiceName,
  service: ServiceDefinition,
  addresses: StoreAddresses,
  options: { otlpEndpoint?: string; poolSize?: number } = {},
): EnvVar[] {
  const { otlpEndpoint, poolSize } = options;
  const uses = (store: Store): boolean => service.stores.includes(store);
  return [
    ...base(name, service),
    ...(uses("postgres") && service.database ? postgres(service, service.database, addresses, poolSize) : []),
    ...(uses("redis") ? redis(service, addresses) : []),
    ...(uses("kafka") ? [plain("KAFKA_BOOTSTRAP_SERVERS", addresses.kafkaBootstrapServers)] : []),
    ...(otlpEndpoint
      ? [plain("OTEL_SERVICE_NAME", name), plain("OTEL_EXPORTER_OTLP_ENDPOINT", otlpEndpoint)]
      : []),
  ];
}

function base(name: ServiceName, service: ServiceDefinition): EnvVar[] {
  const port = String(service.port);
  switch (service.stack) {
    case "java":
      return [plain("SPRING_APPLICATION_NAME", name), plain("SERVER_PORT", port)];
    case "python":
      return [plain("PORT", port)];
    case "node":
      return [plain("NODE_ENV", "production"), plain("PORT", port)];
  }
}

function postgres(
  service: ServiceDefinition,
  database: string,
  addresses: StoreAddresses,
  poolSize?: number,
): EnvVar[] {
  const where = [
    plain("DB_HOST", addresses.postgresHost),
    plain("DB_PORT", addresses.postgresPort),
    plain("DB_NAME", database),
  ];
  if (service.stack === "java") {
    return [
      ...where,
      plain("SPRING_DATASOURCE_URL", "jdbc:postgresql://$(DB_HOST):$(DB_PORT)/$(DB_NAME)?sslmode=require"),
      secret("SPRING_DATASOURCE_USERNAME", STORE_SECRETS.postgres, "username"),
      secret("SPRING_DATASOURCE_PASSWORD", STORE_SECRETS.postgres, "password"),
      ...(poolSize === undefined
        ? []
        : [plain("SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE", String(poolSize))]),
    ];
  }
  return [
    ...where,
    secret("DB_USER", STORE_SECRETS.postgres, "username"),
    secret("DB_PASSWORD_ENCODED", STORE_SECRETS.postgres, "passwordUrlEncoded"),
    plain(
      "DATABASE_URL",
      "postgresql://$(DB_USER):$(DB_PASSWORD_ENCODED)@$(DB_HOST):$(DB_PORT)/$(DB_NAME)?sslmode=require",
    ),
  ];
}

function redis(service: ServiceDefinition, addresses: StoreAddresses): EnvVar[] {
  const where = [plain("REDIS_HOST", addresses.redisHost), plain("REDIS_PORT", addresses.redisPort)];
  if (service.stack === "java") return [...where, secret("REDIS_PASSWORD", STORE_SECRETS.redis, "password")];
  return [
    ...where,
    plain("REDIS_SCHEME", addresses.redisScheme),
    secret("REDIS_PASSWORD_ENCODED", STORE_SECRETS.redis, "passwordUrlEncoded"),
    plain("REDIS_URL", "$(REDIS_SCHEME)://:$(REDIS_PASSWORD_ENCODED)@$(REDIS_HOST):$(REDIS_PORT)/0"),
  ];
}

const plain = (name: string, value: pulumi.Input<string>): EnvVar => ({ name, value });

function secret(name: string, secretName: string, key: string): EnvVar {
  return { name, valueFrom: { secretKeyRef: { name: secretName, key } } };
}

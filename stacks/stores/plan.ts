/** What is kept in a footprint's stores: databases, topics, containers, and the server settings for them. */
import { parseEndpoint } from "../endpoints.ts";
import type { PostgresPlan } from "../azure-sizes.ts";
import type { ServiceName } from "../services/catalogue.ts";

/** The administrator of a flexible server. */
export const POSTGRES_ADMINISTRATOR = "tierlift";
export const POSTGRES_PORT = 5432;
export const CACHE_PORT = 10_000;
const KAFKA_PORT = 9093;

/** Containers of an account: the tenants' prefixes on the platform, one tenant's objects on a dedicated one. */
export const CONTAINERS = { platform: ["tenants"], dedicated: ["data", "models", "exports"] } as const;

export interface TopicPlan {
  partitions: number;
  /** Who reads it with an offset of its own. */
  consumers: readonly ServiceName[];
}

export const TOPICS = {
  "tenant.lifecycle.events": { partitions: 6, consumers: ["data-plane-agent"] },
  "query.execution.events": { partitions: 6, consumers: ["ops-agent-service"] },
  "ai.agent.events": { partitions: 6, consumers: ["ops-agent-service"] },
  "ml.model.events": { partitions: 3, consumers: ["ops-agent-service"] },
  "pipeline.job.events": { partitions: 3, consumers: ["pipeline-service", "ops-agent-service"] },
  "data.quality.events": { partitions: 3, consumers: ["pipeline-service"] },
  "config.change.events": { partitions: 3, consumers: ["data-plane-agent"] },
  "security.audit.events": { partitions: 6, consumers: ["ops-agent-service"] },
  "governance.policy.events": { partitions: 3, consumers: ["data-plane-agent"] },
  "billing.usage.events": { partitions: 3, consumers: ["data-plane-agent"] },
} as const satisfies Record<string, TopicPlan>;
export type TopicName = keyof typeof TOPICS;
export const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[];

/** 30 days; more than the seven of Event Hubs' Standard tier, so namespaces are Premium. */
export const TOPIC_RETENTION_HOURS = 30 * 24;

/**
 * Every server can be left: the shared one by each tenant that is on its way, a tenant's own by that tenant in its grace
 * period. A slot for each database, and one for a comparison; a server takes 100 senders.
 */
const LOGICAL_REPLICATION = { wal_level: "logical", max_wal_senders: "100", max_replication_slots: "100" };

/** The topics as the data command is told of them. */
export function planTopics(): { topics: Record<string, number>; retentionHours: number } {
  const topics = TOPIC_NAMES.map((name) => [name, TOPICS[name].partitions]);
  return {
    topics: Object.fromEntries(topics) as Record<string, number>,
    retentionHours: TOPIC_RETENTION_HOURS,
  };
}

/**
 * Server parameters. `max_connections` is static: the server takes it at its next restart, and until then has its
 * size's default, which is higher. Those of logical replication are static too: until the restart changes on the shared
 * server are copied in the freeze instead of followed, and a cutover to a server without it begins no grace period.
 */
export function planServerConfigurations(plan: PostgresPlan): Record<string, string> {
  return {
    max_connections: String(plan.maxConnections),
    "azure.extensions": "PGCRYPTO,UUID-OSSP",
    log_min_duration_statement: "1000",
    ...LOGICAL_REPLICATION,
  };
}

/**
 * Kafka's address of an Event Hubs namespace from its `serviceBusEndpoint`. Azure answers
 * `https://<name>.servicebus.windows.net:443/` and Kafka is on 9093; the local cloud's port is Kafka's own.
 */
export function planBootstrapServers(serviceBusEndpoint: string): string {
  const { hostname, port } = new URL(serviceBusEndpoint);
  const endpoint = parseEndpoint(port ? `${hostname}:${port}` : hostname, KAFKA_PORT);
  return `${endpoint.host}:${endpoint.port}`;
}

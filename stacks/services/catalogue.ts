/** The 13 data-plane services as one table, and what they ask of a namespace in each tier. */
/** In the order in which they are deployed. */
export const SERVICE_NAMES = [
  "query-engine",
  "catalog-service",
  "semantic-layer",
  "pipeline-service",
  "data-quality-service",
  "bi-service",
  "ai-service",
  "ml-service",
  "data-plane-agent",
  "render-service",
  "ontology-service",
  "governance-service",
  "ops-agent-service",
] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

export type ServiceStack = "java" | "python" | "node";
export type Store = "postgres" | "redis" | "kafka";

/** CPU in thousandths of a core, memory in mebibytes. */
export interface Amount {
  cpuMilli: number;
  memoryMi: number;
}

export interface Resources {
  requests: Amount;
  limits: Amount;
}

export interface ServiceDefinition {
  stack: ServiceStack;
  /** Container port and Service port alike. */
  port: number;
  /** Its database on the tenant's server, or null when it keeps no rows. */
  database: string | null;
  stores: readonly Store[];
  /** Services that have to answer before this one starts. */
  needs: readonly ServiceName[];
  replicas: number;
  autoscale?: { min: number; max: number };
  resources: Resources;
}

const amount = (cpuMilli: number, memoryMi: number): Amount => ({ cpuMilli, memoryMi });
const standard: Resources = { requests: amount(100, 256), limits: amount(500, 512) };
const queryEngine: Resources = { requests: amount(250, 512), limits: amount(1000, 2048) };
const aiService: Resources = { requests: amount(500, 1024), limits: amount(2000, 4096) };

export const SERVICES = {
  "query-engine": {
    stack: "java",
    port: 8080,
    database: "query",
    stores: ["postgres", "redis"],
    needs: [],
    replicas: 3,
    autoscale: { min: 2, max: 8 },
    resources: queryEngine,
  },
  "catalog-service": {
    stack: "java",
    port: 8086,
    database: "catalog",
    stores: ["postgres"],
    needs: [],
    replicas: 2,
    autoscale: { min: 1, max: 3 },
    resources: standard,
  },
  "semantic-layer": {
    stack: "java",
    port: 8086,
    database: "semantic",
    stores: ["postgres", "redis"],
    needs: [],
    replicas: 2,
    resources: standard,
  },
  "pipeline-service": {
    stack: "java",
    port: 8092,
    database: "pipeline",
    stores: ["postgres", "kafka"],
    needs: [],
    replicas: 2,
    resources: standard,
  },
  "data-quality-service": {
    stack: "python",
    port: 8000,
    database: "quality",
    stores: ["postgres"],
    needs: [],
    replicas: 2,
    resources: standard,
  },
  "bi-service": {
    stack: "java",
    port: 8084,
    database: "bi",
    stores: ["postgres", "redis"],
    needs: ["semantic-layer"],
    replicas: 2,
    autoscale: { min: 1, max: 4 },
    resources: standard,
  },
  "ai-service": {
    stack: "python",
    port: 8000,
    database: "ai",
    stores: ["postgres", "redis"],
    needs: ["query-engine"],
    replicas: 2,
    autoscale: { min: 2, max: 10 },
    resources: aiService,
  },
  "ml-service": {
    stack: "python",
    port: 8000,
    database: "ml",
    stores: ["postgres", "redis"],
    needs: [],
    replicas: 1,
    autoscale: { min: 1, max: 6 },
    resources: standard,
  },
  "data-plane-agent": {
    stack: "java",
    port: 8085,
    database: null,
    stores: ["redis", "kafka"],
    needs: [],
    replicas: 1,
    resources: standard,
  },
  "render-service": {
    stack: "node",
    port: 8098,
    database: null,
    stores: ["redis"],
    needs: [],
    replicas: 2,
    autoscale: { min: 1, max: 4 },
    resources: standard,
  },
  "ontology-service": {
    stack: "python",
    port: 8101,
    database: "ontology",
    stores: ["postgres"],
    needs: [],
    replicas: 1,
    resources: standard,
  },
  "governance-service": {
    stack: "python",
    port: 8080,
    database: "governance",
    stores: ["postgres"],
    needs: [],
    replicas: 1,
    resources: standard,
  },
  "ops-agent-service": {
    stack: "python",
    port: 8080,
    database: "ops_agent",
    stores: ["postgres", "redis", "kafka"],
    needs: [],
    replicas: 2,
    resources: standard,
  },
} as const satisfies Record<ServiceName, ServiceDefinition>;

/** The databases of a tenant's PostgreSQL server, in the order of the services. */
export const DATABASES: readonly string[] = SERVICE_NAMES.flatMap((name) => SERVICES[name].database ?? []);

/** Event Hubs know identities and no keys: on a dedicated cluster these services act as the workload identity. */
export const IDENTITY_SERVICES: readonly ServiceName[] = SERVICE_NAMES.filter((name) => {
  const { stores }: ServiceDefinition = SERVICES[name];
  return stores.includes("kafka");
});

export function isServiceName(value: string): value is ServiceName {
  return (SERVICE_NAMES as readonly string[]).includes(value);
}

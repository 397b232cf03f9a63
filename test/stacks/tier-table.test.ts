import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, it, vi } from "vitest";
import { limitsOf } from "../../automation/limits.ts";
import { valueAt } from "../../local/arm/http.ts";
import { TIERS } from "../../stacks/spec.ts";
import type { Tier } from "../../stacks/spec.ts";
import { isDedicatedTier, isSharedTier } from "../../stacks/tiers.ts";
import { declareStack, dedicatedPart, tenantSpec } from "./program-mocks.ts";
import type { Declared } from "./program-mocks.ts";

/** Where each row of the tier table shows in what a tenant's stack declares; written out, not computed. */
interface Row {
  users: number | null;
  support: string;
  /** Of the tenant's role on the shared server, or `max_connections` of its own. */
  connections: number;
  claims: string;
  /** GB of the tenant's own PostgreSQL disk, and its cache; null on the shared stores. */
  disk: number | null;
  cache: string | null;
  requestsPerMinute: string;
  deployment: "SHARED" | "DEDICATED";
  slaPercent: number | null;
  /** Least replicas of any service, least of any autoscaler's range, and whether pods are spread over zones. */
  replicas: number;
  autoscaleFrom: number | null;
  spread: boolean;
  ingressControllers: number | null;
  standby: string | null;
  controlPlane: string | null;
  nodeZones: readonly string[] | null;
  backupDays: number | null;
  storageAccount: string | null;
}

const shared = {
  disk: null,
  cache: null,
  ingressControllers: null,
  standby: null,
  controlPlane: null,
  nodeZones: null,
  backupDays: null,
  storageAccount: null,
  deployment: "SHARED",
} as const;
const dedicated = { deployment: "DEDICATED", controlPlane: "Standard", nodeZones: ["1", "2", "3"] } as const;

const TABLE: Record<Tier, Row> = {
  FREE: {
    ...shared,
    users: 3,
    support: "community",
    connections: 5 * 11,
    claims: "5Gi",
    requestsPerMinute: "60",
    slaPercent: null,
    replicas: 1,
    autoscaleFrom: null,
    spread: false,
  },
  STARTER: {
    ...shared,
    users: 25,
    support: "email",
    connections: 10 * 11,
    claims: "50Gi",
    requestsPerMinute: "1000",
    slaPercent: 99.5,
    replicas: 1,
    autoscaleFrom: 1,
    spread: true,
  },
  PROFESSIONAL: {
    ...dedicated,
    users: 100,
    support: "priority",
    connections: 50 * 11 + 15,
    claims: "500Gi",
    disk: 256,
    cache: "Balanced_B3",
    requestsPerMinute: "5000",
    slaPercent: 99.9,
    replicas: 2,
    autoscaleFrom: 2,
    spread: true,
    ingressControllers: 2,
    standby: "Disabled",
    backupDays: 14,
    storageAccount: "Standard_ZRS",
  },
  ENTERPRISE: {
    ...dedicated,
    users: null,
    support: "dedicated",
    connections: 200 * 11 + 15,
    claims: "5000Gi",
    disk: 2048,
    cache: "Balanced_B20",
    requestsPerMinute: "20000",
    slaPercent: 99.99,
    replicas: 3,
    autoscaleFrom: 3,
    spread: true,
    ingressControllers: 3,
    standby: "ZoneRedundant",
    backupDays: 35,
    storageAccount: "Standard_GZRS",
  },
};

async function stackOf(tier: Tier): Promise<Declared[]> {
  const spec = isSharedTier(tier)
    ? tenantSpec({ slice: { tier } })
    : tenantSpec({ slice: null, dedicated: dedicatedPart({ tier }), route: "dedicated" });
  return (await declareStack({ spec })).declared;
}

/** One tier's stack, looked up by type and name. */
class Stack {
  readonly #declared: Declared[];

  constructor(declared: Declared[]) {
    this.#declared = declared;
  }

  all(type: string): Record<string, unknown>[] {
    return this.#declared.filter((resource) => resource.type === type).map(({ inputs }) => inputs);
  }

  value(type: string, path: string, name = "acme"): unknown {
    const found = this.#declared.filter((resource) => resource.type === type && resource.name === name);
    expect(found.length, `${type} ${name}`).toBe(1);
    return valueAt(found[0]!.inputs, path);
  }

  /** The services' Deployments: not the ingress controller's, not the trace collector's. */
  services(): Record<string, unknown>[] {
    return this.all("kubernetes:apps/v1:Deployment").filter(
      (inputs) => valueAt(inputs, "metadata.labels")?.["matih.ai/tenant-slug" as never] === "acme",
    );
  }
}

const least = (numbers: unknown[]): number => Math.min(...(numbers as number[]));

function connectionsOf(stack: Stack, tier: Tier): number {
  if (isDedicatedTier(tier))
    return Number(stack.value("azure-native:dbforpostgresql:Configuration", "value", "acme-max_connections"));
  const stdin = stack.value("command:local:Command", "stdin", "acme-postgres-role");
  const document = JSON.parse((stdin as { value: string }).value ?? stdin) as {
    role: { connectionLimit: number };
  };
  return document.role.connectionLimit;
}

vi.setConfig({ testTimeout: 120_000 });

afterEach(() => pulumi.runtime.disconnect());

describe.each(TIERS)("%s", (tier) => {
  const row = TABLE[tier];

  it("limits the tenant as the table says", () => {
    expect(limitsOf(tier)).toMatchObject({
      maxUsers: row.users,
      support: row.support,
      slaPercent: row.slaPercent,
      deployment: row.deployment,
    });
  });

  it("takes its connections", async () => {
    expect(connectionsOf(new Stack(await stackOf(tier)), tier)).toBe(row.connections);
  });

  it("stores as much as it may", async () => {
    const stack = new Stack(await stackOf(tier));
    const quotas = stack.all("kubernetes:core/v1:ResourceQuota");
    expect(quotas.map((quota) => valueAt(quota, "spec.hard"))).toMatchObject([
      { "requests.storage": row.claims },
    ]);
    if (row.disk === null) return;
    expect(stack.value("azure-native:dbforpostgresql:Server", "storage.storageSizeGB")).toBe(row.disk);
    expect(stack.value("azure-native:redisenterprise:RedisEnterprise", "sku.name")).toBe(row.cache);
    expect(stack.value("azure-native:storage:StorageAccount", "sku.name")).toBe(row.storageAccount);
  });

  it("answers as many requests a minute", async () => {
    const stack = new Stack(await stackOf(tier));
    const ingresses = stack.all("kubernetes:networking.k8s.io/v1:Ingress");
    expect(ingresses.map((ingress) => valueAt(ingress, "metadata.annotations"))).toMatchObject([
      { "haproxy.org/rate-limit-requests": row.requestsPerMinute, "haproxy.org/rate-limit-period": "1m" },
    ]);
  });

  it("stands where it is deployed", async () => {
    const stack = new Stack(await stackOf(tier));
    const namespaces = stack
      .all("kubernetes:core/v1:Namespace")
      .map((namespace) => valueAt(namespace, "metadata.name"));
    const isShared = row.deployment === "SHARED";
    expect(namespaces).toContain(isShared ? "tenant-acme" : "matih");
    expect(stack.all("azure-native:containerservice:ManagedCluster")).toHaveLength(isShared ? 0 : 1);
  });

  it("runs as many replicas as its promise needs, spread and guarded against drains", async () => {
    const stack = new Stack(await stackOf(tier));
    const services = stack.services();
    expect(services).toHaveLength(13);
    const fixed = services.map((service) => valueAt(service, "spec.replicas"));
    expect(least(fixed.filter((replicas) => replicas !== undefined))).toBe(row.replicas);
    const autoscalers = stack.all("kubernetes:autoscaling/v2:HorizontalPodAutoscaler");
    const from = least(autoscalers.map((autoscaler) => valueAt(autoscaler, "spec.minReplicas")));
    expect(Number.isFinite(from) ? from : null).toBe(row.autoscaleFrom);
    for (const service of services) {
      const zones = valueAt(service, "spec.template.spec.topologySpreadConstraints") as unknown[] | undefined;
      expect(zones !== undefined).toBe(row.spread);
    }
    const budgets = stack.all("kubernetes:policy/v1:PodDisruptionBudget");
    expect(budgets.length).toBeGreaterThanOrEqual(13);
    for (const budget of budgets) expect(valueAt(budget, "spec.maxUnavailable")).toBe(1);
  });

  it.skipIf(row.deployment === "SHARED")("has the zones and standbys that its promise needs", async () => {
    const stack = new Stack(await stackOf(tier));
    const cluster = (path: string) => stack.value("azure-native:containerservice:ManagedCluster", path);
    expect(cluster("sku.tier")).toBe(row.controlPlane);
    for (const pool of [
      ...(cluster("agentPoolProfiles") as unknown[]),
      ...stack.all("azure-native:containerservice:AgentPool"),
    ]) {
      expect(valueAt(pool, "availabilityZones")).toEqual(row.nodeZones);
    }
    const server = (path: string) => stack.value("azure-native:dbforpostgresql:Server", path);
    expect(server("highAvailability.mode")).toBe(row.standby);
    expect(server("backup.backupRetentionDays")).toBe(row.backupDays);
    expect(stack.value("azure-native:redisenterprise:RedisEnterprise", "highAvailability")).toBe("Enabled");
    expect(stack.value("azure-native:eventhub:Namespace", "zoneRedundant")).toBe(true);
    expect(stack.value("kubernetes:apps/v1:Deployment", "spec.replicas", "acme-ingress")).toBe(
      row.ingressControllers,
    );
  });
});

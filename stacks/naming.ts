/**
 * Azure's naming rules: lengths, alphabets, and a short hash where a name has to be unique in the world.
 * https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
 */
import { createHash } from "node:crypto";
import type { Tenant } from "./connections.ts";

/** Names of one footprint's Azure resources. */
export interface FootprintNames {
  resourceGroup: string;
  nodeResourceGroup: string;
  network: string;
  nat: string;
  natIp: string;
  ingressIp: string;
  cluster: string;
  /** Start of the cluster's public API host. */
  dnsPrefix: string;
  clusterIdentity: string;
  kubeletIdentity: string;
  workloadIdentity: string;
  telemetryIdentity: string;
  postgres: string;
  postgresZone: string;
  storage: string;
  cache: string;
  events: string;
  vault: string;
  workspace: string;
  metrics: string;
  insights: string;
  grafana: string;
}

/**
 * Names for a footprint. `label` is read by people, `identity` makes the names unique: the same identity gives the
 * same names on every run. A dedicated footprint's identity holds its migration, so that a second try after a
 * rollback does not meet the soft-deleted vault of the first.
 */
export function planNames(label: string, identity: string): FootprintNames {
  const hash = shortHash(identity);
  const unique = (prefix: string, max: number): string =>
    `${prefix}-${fitLabel(label, max - prefix.length - 10)}-${hash}`;
  return {
    resourceGroup: `rg-tierlift-${label}`,
    nodeResourceGroup: `rg-tierlift-${fitLabel(label, 60)}-nodes`,
    network: `vnet-${fitLabel(label, 59)}`,
    nat: `ng-${label}`,
    natIp: `pip-${label}-nat`,
    ingressIp: `pip-${label}-ingress`,
    cluster: `aks-${fitLabel(label, 59)}`,
    dnsPrefix: unique("t", 54),
    clusterIdentity: `id-${label}-cluster`,
    kubeletIdentity: `id-${label}-kubelet`,
    workloadIdentity: `id-${label}-workload`,
    telemetryIdentity: `id-${label}-telemetry`,
    postgres: unique("psql", 63),
    // A zone of a server with a delegated subnet ends so, and must not begin with the server's name.
    postgresZone: `${fitLabel(label, 40)}.private.postgres.database.azure.com`,
    storage: `st${label.replaceAll("-", "").slice(0, 14)}${hash}`,
    cache: unique("redis", 60),
    events: unique("evhns", 50),
    vault: unique("kv", 24),
    workspace: unique("log", 63),
    metrics: unique("amw", 44),
    insights: `appi-${label}`,
    grafana: unique("g", 23),
  };
}

/** Names of a tenant's dedicated footprint. */
export function planDedicatedNames(tenant: Tenant, migrationId: string): FootprintNames {
  return planNames(tenant.slug, `${tenant.id}/${migrationId}`);
}

/** PostgreSQL cuts longer names off. */
const MAX_ROLE_LENGTH = 63;

/** The tenant's role on the shared PostgreSQL server; a long slug's role ends in a hash, so that no two are cut alike. */
export function planRoleName(slug: string): string {
  const name = `tenant_${slug.replaceAll("-", "_")}`;
  if (name.length <= MAX_ROLE_LENGTH) return name;
  const hash = shortHash(slug);
  return `${name.slice(0, MAX_ROLE_LENGTH - hash.length - 1)}_${hash}`;
}

/**
 * A role assignment's name has to be a UUID. Deriving it (RFC 9562, version 8) lets a create whose answer was lost
 * find its own assignment again instead of making a second one.
 */
export function planAssignmentName(identity: string, purpose: string): string {
  const bytes = createHash("sha256").update(`${identity}/${purpose}`).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}

/**
 * Tags on everything that can carry them. The tier is none of them: growing in place would update every resource for
 * it, and while an identity is updated a preview does not know its principal, so that its roles seem to be replaced.
 */
export function planTags(tenant: Tenant, migrationId: string): Record<string, string> {
  return {
    tenant: tenant.slug,
    "tenant-id": tenant.id,
    migration: migrationId,
    "managed-by": "tierlift",
  };
}

/** Eight characters of the base 36 alphabet: about 41 bits, so a clash between two tenants is not to be expected. */
function shortHash(identity: string): string {
  const digest = createHash("sha256").update(identity).digest();
  return digest.readBigUInt64BE().toString(36).padStart(13, "0").slice(-8);
}

/** A label of at most `max` characters without doubled hyphens (vaults and caches refuse them) or one at its end. */
function fitLabel(label: string, max: number): string {
  return label.replaceAll(/-{2,}/g, "-").slice(0, max).replace(/-$/, "");
}

/** Who may talk to whom in a tenant's namespace: nobody, but for what is listed here. */
import type { types } from "@pulumi/kubernetes";
import { OBSERVABILITY_NAMESPACE, OTLP_GRPC_PORT, OTLP_HTTP_PORT } from "../observability/collector.ts";

import type { ServiceName } from "../services/catalogue.ts";

type PolicySpec = types.input.networking.v1.NetworkPolicySpec;
type Peer = types.input.networking.v1.NetworkPolicyPeer;
type Port = types.input.networking.v1.NetworkPolicyPort;

/** The namespace of the ingress controller, on the shared cluster and on a dedicated one alike. */
export const INGRESS_NAMESPACE = "haproxy-controller";

/** Managed Prometheus scrapes from here. */
const METRICS_NAMESPACE = "kube-system";

/** The stores' ports: PostgreSQL, Redis (plain and Azure Managed Redis), Kafka (plain and TLS). */
const STORE_PORTS = [5432, 6379, 10000, 9092, 9093] as const;

const namespaces = (name: string): Peer => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
});
const sameNamespace: Peer = { podSelector: {} };
const tcp = (port: number): Port => ({ protocol: "TCP", port });

const inbound = (from: Peer[], ports?: Port[]): PolicySpec => ({
  podSelector: {},
  policyTypes: ["Ingress"],
  ingress: [ports ? { from, ports } : { from }],
});
const outbound = (to: Peer[] | undefined, ports?: Port[]): PolicySpec => ({
  podSelector: {},
  policyTypes: ["Egress"],
  egress: [{ ...(to ? { to } : {}), ...(ports ? { ports } : {}) }],
});

const toHttps = (podSelector: types.input.meta.v1.LabelSelector): PolicySpec => ({
  podSelector,
  policyTypes: ["Egress"],
  egress: [{ ports: [tcp(443)] }],
});

/** The policies by name. They add up: the first denies everything, each other one lets something through. */
export function planNetworkPolicies(): Record<string, PolicySpec> {
  return {
    "deny-all": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    "allow-from-namespace": inbound([sameNamespace]),
    "allow-from-ingress": inbound([namespaces(INGRESS_NAMESPACE)]),
    "allow-from-metrics": inbound([namespaces(METRICS_NAMESPACE)]),
    "allow-to-namespace": outbound([sameNamespace]),
    // Any address: the cluster's DNS may be a node-local cache outside of any namespace.
    "allow-to-dns": outbound(undefined, [{ protocol: "UDP", port: 53 }, tcp(53)]),
    "allow-to-traces": outbound(
      [namespaces(OBSERVABILITY_NAMESPACE)],
      [tcp(OTLP_GRPC_PORT), tcp(OTLP_HTTP_PORT)],
    ),
    "allow-ai-to-https": toHttps({ matchLabels: { "app.kubernetes.io/name": "ai-service" } }),
  };
}

/** Out to the directory, whose tokens the services that act as a managed identity show to Azure's stores. */
export function planIdentityPolicy(services: readonly ServiceName[]): PolicySpec {
  return toHttps({
    matchExpressions: [{ key: "app.kubernetes.io/name", operator: "In", values: [...services] }],
  });
}

/** Out to the stores; a store that answers on a port of its own (as on the local target) is let through by that port. */
export function planStorePolicy(actualPorts: number[]): PolicySpec {
  const ports = [...new Set([...STORE_PORTS, ...actualPorts])];
  return outbound(undefined, ports.map(tcp));
}

/** Ports of a Kafka `host:port,host:port` list; none where an entry has no port. */
export function parseBootstrapPorts(bootstrapServers: string): number[] {
  return bootstrapServers
    .split(",")
    .map((server) => Number(/:(\d+)$/.exec(server.trim())?.[1]))
    .filter((port) => Number.isInteger(port));
}

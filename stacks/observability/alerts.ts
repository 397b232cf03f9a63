/** Alert rules over the metrics that managed Prometheus collects from the cluster and the services. */
import type { alertsmanagement } from "@pulumi/azure-native/types/input.js";

type Rule = alertsmanagement.PrometheusRuleArgs;

export const RULE_GROUPS = ["services", "stores", "nodes"] as const;
export type RuleGroupName = (typeof RULE_GROUPS)[number];

/** Azure's scale: 0 critical, 1 error, 2 warning. */
const CRITICAL = 0;
const ERROR = 1;
const WARNING = 2;

/**
 * Rules by group. Durations are ISO 8601. The stores are managed and give no metrics to Prometheus themselves: they
 * count as down when no service holds a connection to them.
 */
export function planAlerts(namespace: string): Record<RuleGroupName, Rule[]> {
  const within = `namespace="${namespace}"`;
  return {
    services: [
      alert("ServiceDown", CRITICAL, "PT2M", `kube_deployment_status_replicas_available{${within}} == 0`),
      alert(
        "ServiceHighRestartRate",
        ERROR,
        "PT1M",
        `sum by (pod) (increase(kube_pod_container_status_restarts_total{${within}}[1h])) > 5`,
      ),
      alert(
        "HighMemoryUsage",
        WARNING,
        "PT5M",
        ofLimit("container_memory_working_set_bytes", "memory", within, 0.85),
      ),
      alert(
        "HighCPUUsage",
        WARNING,
        "PT10M",
        ofLimit("rate(container_cpu_usage_seconds_total[5m])", "cpu", within, 0.9),
      ),
      alert(
        "HighErrorRate",
        ERROR,
        "PT5M",
        `sum by (service) (rate(http_server_requests_seconds_count{${within},status=~"5.."}[5m]))` +
          ` / sum by (service) (rate(http_server_requests_seconds_count{${within}}[5m])) > 0.05`,
      ),
      alert(
        "SlowRequests",
        WARNING,
        "PT5M",
        `histogram_quantile(0.95, sum by (le, service) (rate(http_server_requests_seconds_bucket{${within}}[5m]))) > 5`,
      ),
    ],
    stores: [
      alert("PostgreSQLDown", CRITICAL, "PT1M", `sum(hikaricp_connections{${within}}) == 0`),
      alert("KafkaBrokerDown", CRITICAL, "PT2M", `sum(kafka_consumer_connection_count{${within}}) == 0`),
    ],
    nodes: [
      alert(
        "HighDiskUsage",
        WARNING,
        "PT15M",
        `1 - node_filesystem_avail_bytes{fstype!="tmpfs"} / node_filesystem_size_bytes{fstype!="tmpfs"} > 0.85`,
      ),
    ],
  };
}

function alert(name: string, severity: number, duration: string, expression: string): Rule {
  return {
    alert: name,
    severity,
    for: duration,
    expression,
    enabled: true,
    labels: { team: "platform" },
    resolveConfiguration: { autoResolved: true, timeToResolve: "PT10M" },
  };
}

/** A container's use as a part of its limit. */
function ofLimit(usage: string, resource: "cpu" | "memory", within: string, part: number): string {
  const selected = usage.includes("[")
    ? usage.replace("[", `{${within},container!=""}[`)
    : `${usage}{${within},container!=""}`;
  return (
    `sum by (pod, container) (${selected})` +
    ` / sum by (pod, container) (kube_pod_container_resource_limits{${within},resource="${resource}"}) > ${part}`
  );
}

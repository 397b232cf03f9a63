/** What the metrics agent of an AKS cluster is told, and the dashboard of the services, as plain values. */
import { stringify } from "yaml";
import { SERVICES, SERVICE_NAMES } from "../services/catalogue.ts";
import type { ServiceName } from "../services/catalogue.ts";
import { HTTP_PATHS } from "../services/manifests.ts";

/** The agent looks for its ConfigMaps here and by these names only. */
export const AGENT_NAMESPACE = "kube-system";
export const METRICS_SETTINGS_NAME = "ama-metrics-settings-configmap";
export const METRICS_JOBS_NAME = "ama-metrics-prometheus-config";

/**
 * Settings of the managed Prometheus agent: which of its built-in targets it scrapes.
 * https://learn.microsoft.com/azure/azure-monitor/containers/prometheus-metrics-scrape-configuration
 */
export function planMetricsSettings(clusterAlias: string): Record<string, string> {
  const targets = { kubelet: true, cadvisor: true, kubestate: true, nodeexporter: true, coredns: false };
  return {
    "schema-version": "v1",
    "config-version": "ver1",
    "prometheus-collector-settings": `cluster_alias = "${clusterAlias}"`,
    "default-scrape-settings-enabled": toml(targets),
    // The services have jobs of their own: scraping by annotation as well would count everything twice.
    "pod-annotation-based-scraping": 'podannotationnamespaceregex = ""',
    "default-targets-scrape-interval-settings": 'kubelet = "30s"\ncadvisor = "30s"\nkubestate = "30s"',
    "debug-mode": "enabled = false",
  };
}

/** One scrape job for each service, so that `up{job="<service>"}` tells which one is down. */
export function planMetricsJobs(namespace: string): Record<string, string> {
  const config = {
    global: { scrape_interval: "30s", scrape_timeout: "10s" },
    scrape_configs: SERVICE_NAMES.map((service) => planJob(service, namespace)),
  };
  return { "prometheus-config": stringify(config) };
}

/**
 * Finds a service's pods by the annotations that the services carry. Discovery makes one target for each container
 * port with the port in its address, so no rule has to put an address together.
 */
function planJob(service: ServiceName, namespace: string): object {
  const keep = (source: string, regex: string): object => ({
    source_labels: [source],
    regex,
    action: "keep",
  });
  return {
    job_name: service,
    metrics_path: HTTP_PATHS[SERVICES[service].stack].metrics,
    kubernetes_sd_configs: [{ role: "pod", namespaces: { names: [namespace] } }],
    relabel_configs: [
      keep("__meta_kubernetes_pod_annotation_prometheus_io_scrape", "true"),
      keep("__meta_kubernetes_pod_label_app_kubernetes_io_name", service),
      keep("__meta_kubernetes_pod_container_port_number", String(SERVICES[service].port)),
      { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
      { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
    ],
  };
}

/** A Grafana dashboard: rate, errors, latency and resources of each service. */
export function planDashboard(slug: string, namespace: string): object {
  const inside = `namespace="${namespace}"`;
  const panels: [title: string, unit: string, expression: string][] = [
    ["Targets up", "short", `sum by (job) (up{${inside}})`],
    [
      "Requests per second",
      "reqps",
      `sum by (job) (rate(http_server_requests_seconds_count{${inside}}[5m]))`,
    ],
    [
      "Share of failed requests",
      "percentunit",
      `sum by (job) (rate(http_server_requests_seconds_count{${inside},status=~"5.."}[5m])) / sum by (job) (rate(http_server_requests_seconds_count{${inside}}[5m]))`,
    ],
    [
      "Latency, 95th percentile",
      "s",
      `histogram_quantile(0.95, sum by (job, le) (rate(http_server_requests_seconds_bucket{${inside}}[5m])))`,
    ],
    ["CPU", "cores", `sum by (pod) (rate(container_cpu_usage_seconds_total{${inside},container!=""}[5m]))`],
    ["Memory", "bytes", `sum by (pod) (container_memory_working_set_bytes{${inside},container!=""})`],
    [
      "Restarts in an hour",
      "short",
      `sum by (pod) (increase(kube_pod_container_status_restarts_total{${inside}}[1h]))`,
    ],
    ["Quota used", "percentunit", quotaShare(inside)],
  ];
  return {
    uid: `matih-${slug}`.slice(0, 40),
    title: `Services of ${slug}`,
    tags: ["matih", slug],
    schemaVersion: 39,
    refresh: "1m",
    time: { from: "now-6h", to: "now" },
    panels: panels.map(([title, unit, expr], index) => ({
      id: index + 1,
      type: "timeseries",
      title,
      datasource: { type: "prometheus" },
      gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
      fieldConfig: { defaults: { unit }, overrides: [] },
      targets: [{ refId: "A", expr }],
    })),
  };
}

function quotaShare(inside: string): string {
  const quota = (type: string): string => `kube_resourcequota{${inside},type="${type}"}`;
  return `sum by (resource) (${quota("used")}) / sum by (resource) (${quota("hard")})`;
}

function toml(values: Record<string, boolean>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} = ${value}`)
    .join("\n");
}

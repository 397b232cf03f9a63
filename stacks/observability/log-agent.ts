/**
 * The OpenTelemetry collector on every node that reads the containers' logs and hands them to the cluster's collector,
 * as plain values. Only that one knows Azure.
 */
import type { types } from "@pulumi/kubernetes";
import {
  COLLECTOR_IMAGE,
  HEALTH_PORT,
  OTLP_ENDPOINT,
  planCollectorSecurity,
  planHealth,
} from "./collector.ts";

export const LOG_AGENT_NAME = "log-agent";
/** Of its own, since mounting a node's folders is more than the collector's namespace allows. */
export const LOG_AGENT_NAMESPACE = "node-logs";
export const LOG_AGENT_SELECTOR = { "app.kubernetes.io/name": LOG_AGENT_NAME };

/** Namespaces whose pods Azure runs, and the agents' own, whose logs would feed themselves. */
const LEFT_OUT = ["kube-system", "gatekeeper-system", LOG_AGENT_NAMESPACE];
const LOGS = "/var/log/pods";
/** Of the node, so that a restarted agent goes on where it was. */
const OFFSETS = "/var/lib/otel-log-agent";

/** The agent's own configuration, a YAML document (JSON is one). */
export function planLogAgentConfig(): string {
  const config = {
    receivers: {
      file_log: {
        include: [`${LOGS}/*/*/*.log`],
        exclude: LEFT_OUT.map((namespace) => `${LOGS}/${namespace}_*/*/*.log`),
        start_at: "beginning",
        include_file_path: true,
        include_file_name: false,
        storage: "file_storage",
        // Time, stream, namespace, pod and container from the runtime's line and the file's path.
        operators: [{ type: "container" }],
        retry_on_failure: { enabled: true },
      },
    },
    processors: {
      memory_limiter: { check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 20 },
      batch: { timeout: "5s", send_batch_size: 512 },
    },
    exporters: { otlp: { endpoint: OTLP_ENDPOINT, tls: { insecure: true } } },
    extensions: {
      health_check: { endpoint: `0.0.0.0:${HEALTH_PORT}` },
      file_storage: { directory: OFFSETS },
    },
    service: {
      extensions: ["health_check", "file_storage"],
      pipelines: {
        logs: { receivers: ["file_log"], processors: ["memory_limiter", "batch"], exporters: ["otlp"] },
      },
    },
  };
  return JSON.stringify(config, null, 2);
}

export function planLogAgentDaemonSet(): types.input.apps.v1.DaemonSetSpec {
  return {
    selector: { matchLabels: LOG_AGENT_SELECTOR },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "33%" } },
    template: {
      metadata: { labels: LOG_AGENT_SELECTOR },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        priorityClassName: "system-node-critical",
        // On every node, whatever it is kept free of.
        tolerations: [{ operator: "Exists" }],
        // The files are root's and nobody else reads them; nothing else of root's powers is left.
        securityContext: { runAsUser: 0, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          {
            name: "agent",
            image: COLLECTOR_IMAGE,
            args: ["--config=/etc/otel/config.yaml"],
            resources: {
              requests: { cpu: "50m", memory: "128Mi" },
              limits: { cpu: "200m", memory: "256Mi" },
            },
            ...planHealth(),
            securityContext: planCollectorSecurity(),
            volumeMounts: [
              { name: "config", mountPath: "/etc/otel", readOnly: true },
              { name: "logs", mountPath: LOGS, readOnly: true },
              { name: "offsets", mountPath: OFFSETS },
            ],
          },
        ],
        volumes: [
          { name: "config", configMap: { name: LOG_AGENT_NAME } },
          { name: "logs", hostPath: { path: LOGS, type: "Directory" } },
          { name: "offsets", hostPath: { path: OFFSETS, type: "DirectoryOrCreate" } },
        ],
      },
    },
  };
}

/** The OpenTelemetry collector that takes the services' traces, as plain values. */
import type { types } from "@pulumi/kubernetes";

export const OBSERVABILITY_NAMESPACE = "observability";
export const COLLECTOR_NAME = "otel-collector";
export const OTLP_GRPC_PORT = 4317;
export const OTLP_HTTP_PORT = 4318;

/** Where the services send their traces; a name inside the cluster, so it is known before the collector exists. */
export const OTLP_ENDPOINT = `http://${COLLECTOR_NAME}.${OBSERVABILITY_NAMESPACE}.svc.cluster.local:${OTLP_GRPC_PORT}`;

/** Secret and key that hold the connection string of Application Insights. */
export const EXPORTER_SECRET = "trace-exporter";
export const EXPORTER_KEY = "connectionString";

const IMAGE = "docker.io/otel/opentelemetry-collector-contrib:0.128.0";
const HEALTH_PORT = 13133;
const MEMORY_LIMIT_MI = 512;

/** Selects the collector's pods. */
export const COLLECTOR_SELECTOR = { "app.kubernetes.io/name": COLLECTOR_NAME };

/**
 * The collector's own configuration, a YAML document (JSON is one). Without an exporter for Azure Monitor the traces
 * end in the collector's log, so that services never block on it.
 */
export function planCollectorConfig(exportsToAzure: boolean): string {
  const exporters = exportsToAzure
    ? { azuremonitor: { connection_string: "${env:APPLICATIONINSIGHTS_CONNECTION_STRING}" } }
    : { debug: { verbosity: "basic" } };
  const config = {
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: `0.0.0.0:${OTLP_GRPC_PORT}` },
          http: { endpoint: `0.0.0.0:${OTLP_HTTP_PORT}` },
        },
      },
    },
    processors: {
      memory_limiter: { check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 20 },
      batch: { timeout: "5s", send_batch_size: 512 },
    },
    exporters,
    extensions: { health_check: { endpoint: `0.0.0.0:${HEALTH_PORT}` } },
    service: {
      extensions: ["health_check"],
      pipelines: {
        traces: {
          receivers: ["otlp"],
          processors: ["memory_limiter", "batch"],
          exporters: Object.keys(exporters),
        },
      },
    },
  };
  return JSON.stringify(config, null, 2);
}

export function planCollectorDeployment(exportsToAzure: boolean): types.input.apps.v1.DeploymentSpec {
  return {
    replicas: 2,
    selector: { matchLabels: COLLECTOR_SELECTOR },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: {
      metadata: { labels: COLLECTOR_SELECTOR },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 10001,
          runAsGroup: 10001,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [planCollectorContainer(exportsToAzure)],
        volumes: [{ name: "config", configMap: { name: COLLECTOR_NAME } }],
      },
    },
  };
}

function planCollectorContainer(exportsToAzure: boolean): types.input.core.v1.Container {
  const connection = {
    name: "APPLICATIONINSIGHTS_CONNECTION_STRING",
    valueFrom: { secretKeyRef: { name: EXPORTER_SECRET, key: EXPORTER_KEY } },
  };
  return {
    name: "collector",
    image: IMAGE,
    args: ["--config=/etc/otel/config.yaml"],
    ports: [
      { name: "otlp-grpc", containerPort: OTLP_GRPC_PORT, protocol: "TCP" },
      { name: "otlp-http", containerPort: OTLP_HTTP_PORT, protocol: "TCP" },
    ],
    env: exportsToAzure ? [connection] : [],
    resources: {
      requests: { cpu: "100m", memory: "256Mi" },
      limits: { cpu: "500m", memory: `${MEMORY_LIMIT_MI}Mi` },
    },
    livenessProbe: { httpGet: { path: "/", port: HEALTH_PORT } },
    readinessProbe: { httpGet: { path: "/", port: HEALTH_PORT } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "config", mountPath: "/etc/otel", readOnly: true }],
  };
}

export function planCollectorService(): types.input.core.v1.ServiceSpec {
  return {
    type: "ClusterIP",
    selector: COLLECTOR_SELECTOR,
    ports: [
      { name: "otlp-grpc", port: OTLP_GRPC_PORT, targetPort: OTLP_GRPC_PORT, protocol: "TCP" },
      { name: "otlp-http", port: OTLP_HTTP_PORT, targetPort: OTLP_HTTP_PORT, protocol: "TCP" },
    ],
  };
}

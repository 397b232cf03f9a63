/** The OpenTelemetry collector that takes traces and logs and sends them to Azure, as plain values. */
import type { types } from "@pulumi/kubernetes";

export const OBSERVABILITY_NAMESPACE = "observability";
export const COLLECTOR_NAME = "otel-collector";
export const OTLP_GRPC_PORT = 4317;
export const OTLP_HTTP_PORT = 4318;

/** Where the services send their traces; a name inside the cluster, so it is known before the collector exists. */
export const OTLP_ENDPOINT = `http://${COLLECTOR_NAME}.${OBSERVABILITY_NAMESPACE}.svc.cluster.local:${OTLP_GRPC_PORT}`;

/** Secret and key that hold the connection string of Application Insights. */
export const EXPORTER_SECRET = "telemetry-exporter";
export const EXPORTER_KEY = "connectionString";

export const COLLECTOR_IMAGE = "docker.io/otel/opentelemetry-collector-contrib:0.151.0";
export const HEALTH_PORT = 13133;
const MEMORY_LIMIT_MI = 512;

/** Selects the collector's pods. */
export const COLLECTOR_SELECTOR = { "app.kubernetes.io/name": COLLECTOR_NAME };

/** The collector's own configuration, a YAML document (JSON is one). The variables are set in its pods. */
export function planCollectorConfig(): string {
  const pipeline = {
    receivers: ["otlp"],
    processors: ["memory_limiter", "batch"],
    exporters: ["azuremonitor"],
  };
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
    exporters: {
      azuremonitor: {
        connection_string: "${env:APPLICATIONINSIGHTS_CONNECTION_STRING}",
        auth: { authenticator: "azure_auth" },
        // In memory: what Azure does not take for a while does not hold up the services.
        sending_queue: { enabled: true },
      },
    },
    extensions: {
      health_check: { endpoint: `0.0.0.0:${HEALTH_PORT}` },
      azure_auth: {
        // The cluster's workload identity webhook sets these.
        workload_identity: {
          client_id: "${env:AZURE_CLIENT_ID}",
          tenant_id: "${env:AZURE_TENANT_ID}",
          federated_token_file: "${env:AZURE_FEDERATED_TOKEN_FILE}",
        },
        scopes: ["https://monitor.azure.com/.default"],
      },
    },
    service: {
      extensions: ["health_check", "azure_auth"],
      pipelines: { traces: pipeline, logs: pipeline },
    },
  };
  return JSON.stringify(config, null, 2);
}

export function planCollectorDeployment(): types.input.apps.v1.DeploymentSpec {
  return {
    replicas: 2,
    selector: { matchLabels: COLLECTOR_SELECTOR },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: {
      metadata: { labels: { ...COLLECTOR_SELECTOR, "azure.workload.identity/use": "true" } },
      spec: {
        serviceAccountName: COLLECTOR_NAME,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 10001,
          runAsGroup: 10001,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [planCollectorContainer()],
        volumes: [{ name: "config", configMap: { name: COLLECTOR_NAME } }],
      },
    },
  };
}

function planCollectorContainer(): types.input.core.v1.Container {
  const connection = {
    name: "APPLICATIONINSIGHTS_CONNECTION_STRING",
    valueFrom: { secretKeyRef: { name: EXPORTER_SECRET, key: EXPORTER_KEY } },
  };
  return {
    name: "collector",
    image: COLLECTOR_IMAGE,
    args: ["--config=/etc/otel/config.yaml"],
    ports: [
      { name: "otlp-grpc", containerPort: OTLP_GRPC_PORT, protocol: "TCP" },
      { name: "otlp-http", containerPort: OTLP_HTTP_PORT, protocol: "TCP" },
    ],
    env: [connection],
    resources: {
      requests: { cpu: "100m", memory: "256Mi" },
      limits: { cpu: "500m", memory: `${MEMORY_LIMIT_MI}Mi` },
    },
    ...planHealth(),
    securityContext: { ...planCollectorSecurity(), runAsNonRoot: true },
    volumeMounts: [{ name: "config", mountPath: "/etc/otel", readOnly: true }],
  };
}

/** Of a collector's container: its health extension is asked. */
export function planHealth(): Pick<types.input.core.v1.Container, "livenessProbe" | "readinessProbe"> {
  const probe = { httpGet: { path: "/", port: HEALTH_PORT } };
  return { livenessProbe: probe, readinessProbe: probe };
}

/** Of a collector's container, whoever it runs as. */
export function planCollectorSecurity(): types.input.core.v1.SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
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

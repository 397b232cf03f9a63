/** The Kubernetes objects of one service, as plain values. */
import type { types } from "@pulumi/kubernetes";
import type { Amount, ServiceDefinition, ServiceName, ServiceStack } from "./catalogue.ts";
import { SERVICES } from "./catalogue.ts";
import type { EnvVar } from "./environment.ts";
import type { ServiceSize } from "./sizing.ts";

type Probe = types.input.core.v1.Probe;

export interface ServiceManifests {
  deployment: types.input.apps.v1.DeploymentSpec;
  service: types.input.core.v1.ServiceSpec;
  disruptionBudget: types.input.policy.v1.PodDisruptionBudgetSpec;
  autoscaler?: types.input.autoscaling.v2.HorizontalPodAutoscalerSpec;
}

export interface ServicePlacement {
  image: string;
  environment: EnvVar[];
  size: ServiceSize;
  /** Spread the replicas over the zones and nodes of the cluster. */
  spread: boolean;
  /** Give the pods a token of the tenant's managed identity (Microsoft Entra Workload ID). */
  workloadIdentity: boolean;
}

/** A user id that exists in no image: nothing in a container's file system is owned by it. */
const NON_ROOT_UID = 10001;

/** These watch the tenant's workloads and are bound to a Role for it; the others get no token of the API server. */
export const API_CLIENTS: readonly ServiceName[] = ["data-plane-agent", "ops-agent-service"];

/** Where a stack answers its probes and gives its metrics. */
export const HTTP_PATHS = {
  java: {
    live: "/actuator/health/liveness",
    ready: "/actuator/health/readiness",
    metrics: "/actuator/prometheus",
  },
  python: { live: "/health", ready: "/health/ready", metrics: "/metrics" },
  node: { live: "/health", ready: "/health/ready", metrics: "/metrics" },
} as const satisfies Record<ServiceStack, { live: string; ready: string; metrics: string }>;

/** Selects a service's pods; immutable on a Deployment, so it holds the name and nothing else. */
export function selectorOf(name: ServiceName): Record<string, string> {
  return { "app.kubernetes.io/name": name };
}

/** `<registry>/<service>:<tag>` */
export function planImage(name: ServiceName, images: { registry: string; tag: string }): string {
  return `${images.registry.replace(/\/+$/, "")}/${name}:${images.tag}`;
}

export function planService(name: ServiceName, placement: ServicePlacement): ServiceManifests {
  const service: ServiceDefinition = SERVICES[name];
  const { size } = placement;
  const selector = selectorOf(name);
  const manifests: ServiceManifests = {
    deployment: {
      // An autoscaler owns the number of replicas: declared here as well, it would be fought over at every rollout.
      ...(size.autoscale === undefined ? { replicas: size.replicas } : {}),
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: selector },
      strategy: {
        type: "RollingUpdate",
        rollingUpdate: { maxSurge: size.maxSurge, maxUnavailable: size.maxSurge === 0 ? 1 : 0 },
      },
      template: {
        metadata: { labels: podLabels(name, placement), annotations: scrapeAnnotations(service) },
        spec: planPod(name, service, placement),
      },
    },
    service: {
      type: "ClusterIP",
      selector,
      ports: [{ name: "http", port: service.port, targetPort: service.port, protocol: "TCP" }],
    },
    // Never `minAvailable: 1`: with a single replica it would stop every node drain.
    disruptionBudget: { maxUnavailable: 1, selector: { matchLabels: selector } },
  };
  if (!size.autoscale) return manifests;
  return { ...manifests, autoscaler: planAutoscaler(name, size.autoscale) };
}

function podLabels(name: ServiceName, placement: ServicePlacement): Record<string, string> {
  const labels = { ...selectorOf(name), "app.kubernetes.io/part-of": "matih" };
  return placement.workloadIdentity ? { ...labels, "azure.workload.identity/use": "true" } : labels;
}

function scrapeAnnotations(service: ServiceDefinition): Record<string, string> {
  return {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(service.port),
    "prometheus.io/path": HTTP_PATHS[service.stack].metrics,
  };
}

function planPod(
  name: ServiceName,
  service: ServiceDefinition,
  placement: ServicePlacement,
): types.input.core.v1.PodSpec {
  return {
    serviceAccountName: name,
    automountServiceAccountToken: API_CLIENTS.includes(name),
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 45,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: NON_ROOT_UID,
      runAsGroup: NON_ROOT_UID,
      fsGroup: NON_ROOT_UID,
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...(placement.spread ? { topologySpreadConstraints: planSpread(name) } : {}),
    containers: [planContainer(name, service, placement)],
    // The root file system is read-only; temporary files count against the pod, not the node.
    volumes: [{ name: "tmp", emptyDir: { sizeLimit: "512Mi" } }],
  };
}

function planContainer(
  name: ServiceName,
  service: ServiceDefinition,
  placement: ServicePlacement,
): types.input.core.v1.Container {
  return {
    name,
    image: placement.image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: "http", containerPort: service.port, protocol: "TCP" }],
    env: placement.environment,
    resources: {
      requests: quantities(placement.size.resources.requests),
      limits: quantities(placement.size.resources.limits),
    },
    ...planProbes(service),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
    },
    // Endpoints are withdrawn while the container still answers.
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
  };
}

/** Delays and thresholds of the platform's documentation, the same for every stack. */
function planProbes(
  service: ServiceDefinition,
): Record<"livenessProbe" | "readinessProbe" | "startupProbe", Probe> {
  const { live, ready } = HTTP_PATHS[service.stack];
  const get = (path: string): Probe => ({ httpGet: { path, port: "http" }, timeoutSeconds: 5 });
  return {
    livenessProbe: { ...get(live), initialDelaySeconds: 30, periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...get(ready), initialDelaySeconds: 10, periodSeconds: 5, failureThreshold: 3 },
    startupProbe: { ...get(live), initialDelaySeconds: 10, periodSeconds: 5, failureThreshold: 30 },
  };
}

/** Preferred, not required: a zone that is down must not stop a rollout. */
function planSpread(name: ServiceName): types.input.core.v1.TopologySpreadConstraint[] {
  return ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorOf(name) },
  }));
}

function planAutoscaler(
  name: ServiceName,
  { min, max }: { min: number; max: number },
): types.input.autoscaling.v2.HorizontalPodAutoscalerSpec {
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
    minReplicas: min,
    maxReplicas: max,
    metrics: [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
      },
    ],
    behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
  };
}

const quantities = ({ cpuMilli, memoryMi }: Amount): Record<string, string> => ({
  cpu: planQuantity(cpuMilli, 1000, "m"),
  memory: planQuantity(memoryMi, 1024, "Mi"),
});

/**
 * The shortest form of an amount, as the API server writes it (`1` and not `1000m`, `2Gi` and not `2048Mi`): any other
 * spelling would show up as a difference that is none.
 */
export function planQuantity(value: number, per: 1000 | 1024, unit: "m" | "Mi"): string {
  if (value % per !== 0) return `${value}${unit}`;
  return unit === "m" ? String(value / per) : `${value / per}Gi`;
}

/** HAProxy Technologies' ingress controller, as plain values. */
import type { types } from "@pulumi/kubernetes";
import { INGRESS_NAMESPACE } from "../kubernetes/policies.ts";

export const CONTROLLER_NAME = "haproxy-kubernetes-ingress";
const IMAGE = "docker.io/haproxytech/kubernetes-ingress:3.2.3";
/** The user the image is built for. */
const HAPROXY_UID = 1000;
export const CONTROLLER_SELECTOR = { "app.kubernetes.io/name": CONTROLLER_NAME };

export function planControllerLabels(): Record<string, string> {
  return { ...CONTROLLER_SELECTOR, "app.kubernetes.io/managed-by": "tierlift" };
}

export function planControllerNamespaceLabels(): Record<string, string> {
  return {
    "matih.ai/managed-by": "tierlift",
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
  };
}

/**
 * What the controller reads and writes, after the rules of its own deployment
 * (https://github.com/haproxytech/kubernetes-ingress, deploy/haproxy-ingress.yaml). It keeps its own certificates in
 * Secrets, hence the write access to them.
 */
export function planControllerRules(): types.input.rbac.v1.PolicyRule[] {
  const read = ["get", "list", "watch"];
  return [
    {
      apiGroups: [""],
      resources: [
        "configmaps",
        "endpoints",
        "nodes",
        "pods",
        "services",
        "namespaces",
        "events",
        "serviceaccounts",
      ],
      verbs: read,
    },
    { apiGroups: [""], resources: ["secrets"], verbs: [...read, "create", "patch", "update"] },
    { apiGroups: ["networking.k8s.io"], resources: ["ingresses", "ingressclasses"], verbs: read },
    { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: [...read, "update"] },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
    { apiGroups: ["apps"], resources: ["replicasets", "deployments", "daemonsets"], verbs: ["get", "list"] },
    {
      apiGroups: ["ingress.v1.haproxy.org", "ingress.v3.haproxy.org"],
      resources: ["*"],
      verbs: [...read, "update"],
    },
    {
      apiGroups: ["apiextensions.k8s.io"],
      resources: ["customresourcedefinitions"],
      verbs: [...read, "update"],
    },
  ];
}

/** Settings of the whole proxy. Clients are told apart by their address, which `externalTrafficPolicy` keeps. */
export function planControllerSettings(): Record<string, string> {
  return {
    "ssl-redirect-port": "443",
    "forwarded-for": "true",
    "timeout-client": "60s",
    "timeout-server": "60s",
  };
}

export function planControllerDeployment(replicas: number): types.input.apps.v1.DeploymentSpec {
  return {
    replicas,
    selector: { matchLabels: CONTROLLER_SELECTOR },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: {
      metadata: {
        labels: CONTROLLER_SELECTOR,
        annotations: {
          "prometheus.io/scrape": "true",
          "prometheus.io/port": "1024",
          "prometheus.io/path": "/metrics",
        },
      },
      spec: {
        serviceAccountName: CONTROLLER_NAME,
        terminationGracePeriodSeconds: 60,
        topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
          (topologyKey) => ({
            maxSkew: 1,
            topologyKey,
            whenUnsatisfiable: "ScheduleAnyway",
            labelSelector: { matchLabels: CONTROLLER_SELECTOR },
          }),
        ),
        securityContext: {
          runAsNonRoot: true,
          runAsUser: HAPROXY_UID,
          runAsGroup: HAPROXY_UID,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [planControllerContainer()],
      },
    },
  };
}

function planControllerContainer(): types.input.core.v1.Container {
  return {
    name: "controller",
    image: IMAGE,
    args: [
      `--configmap=${INGRESS_NAMESPACE}/${CONTROLLER_NAME}`,
      "--ingress.class=haproxy",
      `--publish-service=${INGRESS_NAMESPACE}/${CONTROLLER_NAME}`,
    ],
    ports: [
      { name: "http", containerPort: 8080, protocol: "TCP" },
      { name: "https", containerPort: 8443, protocol: "TCP" },
      { name: "stat", containerPort: 1024, protocol: "TCP" },
    ],
    env: [
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
    ],
    resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "1", memory: "1Gi" } },
    livenessProbe: { httpGet: { path: "/healthz", port: 1042 }, timeoutSeconds: 5, failureThreshold: 3 },
    readinessProbe: { httpGet: { path: "/healthz", port: 1042 }, timeoutSeconds: 5, failureThreshold: 3 },
    startupProbe: { httpGet: { path: "/healthz", port: 1042 }, periodSeconds: 1, failureThreshold: 30 },
    securityContext: {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
    },
  };
}

export function planControllerService(): types.input.core.v1.ServiceSpec {
  return {
    type: "LoadBalancer",
    // Keeps the client's address, by which requests are counted, and saves a hop between nodes.
    externalTrafficPolicy: "Local",
    // Each controller counts by itself: a client that always comes to the same one cannot have the limit of each.
    sessionAffinity: "ClientIP",
    selector: CONTROLLER_SELECTOR,
    ports: [
      { name: "http", port: 80, targetPort: 8080, protocol: "TCP" },
      { name: "https", port: 443, targetPort: 8443, protocol: "TCP" },
    ],
  };
}

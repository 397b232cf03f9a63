import { at, isObject, list, text, type KubeObject } from "../object.ts";
import { ready, waiting, type Awaiter, type Readiness } from "./readiness.ts";

function hasAddress(object: KubeObject): boolean {
  return list(object, "status", "loadBalancer", "ingress").length > 0;
}

/** Whether the Service should find Pods: not one that names an outside host, nor one without a selector. */
function targetsPods(service: KubeObject): boolean {
  const selector = at(service, "spec", "selector");
  const hasSelector = isObject(selector) && Object.keys(selector).length > 0;
  return hasSelector && text(service, "spec", "type") !== "ExternalName" && !isHeadless(service);
}

function isHeadless(service: KubeObject): boolean {
  return text(service, "spec", "clusterIP") === "None";
}

/** An address for a load balancer, and at least one Pod that serves. */
export function evaluateService(service: KubeObject, slices: readonly KubeObject[]): Readiness {
  if (targetsPods(service) && !slices.some(servesSomebody)) {
    return waiting("Waiting for Pods that the Service can send traffic to", [
      "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels on any Pods",
    ]);
  }
  if (text(service, "spec", "type") === "LoadBalancer" && !hasAddress(service)) {
    return waiting("Waiting for the load balancer's address", [
      "Service was not allocated an IP address; does your cloud provider support this?",
    ]);
  }
  return ready;
}

function servesSomebody(slice: KubeObject): boolean {
  return list(slice, "endpoints").some((endpoint) => {
    // Absent means ready (EndpointConditions in discovery.k8s.io/v1).
    const isReady = at(endpoint, "conditions", "ready") !== false;
    const published = at(endpoint, "conditions", "serving") !== false;
    return isReady && published && list(endpoint, "addresses").length > 0;
  });
}

/** An address, and Services behind its paths. */
export function evaluateIngress(ingress: KubeObject, services: readonly KubeObject[]): Readiness {
  const known = new Set(services.map((service) => text(service, "metadata", "name")));
  const missing = backendsOf(ingress).filter((name) => !known.has(name));
  if (missing.length > 0) {
    return waiting(`Waiting for the Services behind the Ingress: ${missing.join(", ")}`, [
      `Ingress has at least one rule that does not target any Service: ${missing.join(", ")}`,
    ]);
  }
  if (!hasAddress(ingress)) {
    return waiting("Waiting for the Ingress's address", [
      "Ingress .status.loadBalancer field was not updated with a hostname/IP address",
    ]);
  }
  return ready;
}

function backendsOf(ingress: KubeObject): string[] {
  const paths = list(ingress, "spec", "rules").flatMap((rule) => list(rule, "http", "paths"));
  const names = paths.map((path) => text(path, "backend", "service", "name")).filter(Boolean);
  return [...new Set(names)];
}

export const networkAwaiters: Readonly<Record<string, Awaiter>> = {
  "/Service": {
    related: (service) =>
      targetsPods(service)
        ? [
            {
              group: "discovery.k8s.io",
              version: "v1",
              kind: "EndpointSlice",
              namespace: text(service, "metadata", "namespace"),
              labelSelector: `kubernetes.io/service-name=${text(service, "metadata", "name")}`,
            },
          ]
        : [],
    evaluate: (service, [slices = []]) => evaluateService(service, slices),
  },
  "networking.k8s.io/Ingress": {
    related: (ingress) => [
      { group: "", version: "v1", kind: "Service", namespace: text(ingress, "metadata", "namespace") },
    ],
    evaluate: (ingress, [services = []]) => evaluateIngress(ingress, services),
  },
};

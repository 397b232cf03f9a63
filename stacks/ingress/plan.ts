/** A tenant's hosts and where they lead, as plain values. */
import type { types } from "@pulumi/kubernetes";
import { SERVICES, SERVICE_NAMES } from "../services/catalogue.ts";
import type { ServiceName } from "../services/catalogue.ts";

/** What the HAProxy ingress controller answers to. */
export const INGRESS_CLASS = "haproxy";

/** Name of the Secret that holds the certificate of the tenant's hosts. */
export const TLS_SECRET = "tenant-tls";

/** The names that are not a service's own: the bare domain opens the dashboards, `api` the query interface. */
const ALIASES = [
  ["", "bi-service"],
  ["bi.", "bi-service"],
  ["api.", "query-engine"],
] as const satisfies [string, ServiceName][];

/** Every host below `domain` with the service behind it. */
export function planHosts(domain: string): { host: string; service: ServiceName }[] {
  return [
    ...ALIASES.map(([prefix, service]) => ({ host: `${prefix}${domain}`, service })),
    ...SERVICE_NAMES.map((service) => ({ host: `${service}.${domain}`, service })),
  ];
}

/** The Ingress for all hosts below the domains, with one certificate for all of them. */
export function planIngress(domains: string[]): types.input.networking.v1.IngressSpec {
  const hosts = domains.flatMap(planHosts);
  return {
    ingressClassName: INGRESS_CLASS,
    tls: [{ hosts: hosts.map(({ host }) => host), secretName: TLS_SECRET }],
    rules: hosts.map(({ host, service }) => ({
      host,
      http: {
        paths: [
          {
            path: "/",
            pathType: "Prefix",
            backend: { service: { name: service, port: { number: SERVICES[service].port } } },
          },
        ],
      },
    })),
  };
}

/** Controllers of a cluster whose services run at least so often: never fewer than two, as every tier comes in here. */
export const planControllerReplicas = (replicaFloor: number): number => Math.max(2, replicaFloor);

/**
 * Annotations of the ingress: HTTPS only, and so many requests a minute from one client address before 429.
 * https://www.haproxy.com/documentation/kubernetes-ingress/ingress-configuration-reference/ingress/
 */
export function planIngressAnnotations(
  ratePerMinute: number,
  certificateIssuer?: string,
): Record<string, string> {
  return {
    "haproxy.org/ssl-redirect": "true",
    "haproxy.org/ssl-redirect-code": "308",
    "haproxy.org/rate-limit-requests": String(ratePerMinute),
    "haproxy.org/rate-limit-period": "1m",
    "haproxy.org/rate-limit-status-code": "429",
    ...(certificateIssuer ? { "cert-manager.io/cluster-issuer": certificateIssuer } : {}),
  };
}

import type { KubernetesObject } from "./client.ts";

/** Which address an object gets: the rules of the cloud's load balancer, without its calls. */

const pipName = "service.beta.kubernetes.io/azure-pip-name";
const pipGroup = "service.beta.kubernetes.io/azure-load-balancer-resource-group";

interface ServiceSpec {
  type?: string;
  ports?: { port: number }[];
}

export interface AddressRequest {
  /** Name of a public IP address resource; without it any address will do. */
  publicIp?: { name: string; group?: string };
}

/** What a Service asks the cloud for; undefined when it is not of type LoadBalancer, or is going away. */
export function requestedAddress(service: KubernetesObject): AddressRequest | undefined {
  const spec = service.spec as ServiceSpec | undefined;
  if (spec?.type !== "LoadBalancer" || service.metadata.deletionTimestamp) return undefined;
  const annotations = service.metadata.annotations ?? {};
  const name = annotations[pipName];
  if (!name) return {};
  const group = annotations[pipGroup];
  return { publicIp: { name, ...(group ? { group } : {}) } };
}

export function assignedAddress(object: KubernetesObject): string | undefined {
  const balancer = object.status?.loadBalancer as { ingress?: { ip?: string }[] } | undefined;
  return balancer?.ingress?.[0]?.ip;
}

/**
 * The address an Ingress reports. No ingress controller really runs here, so the cloud says what it would: the address
 * of the Service through which the controller of the Ingress's class is reached. That is, among Services of type
 * LoadBalancer, the one whose labels name the class (`app.kubernetes.io/name`, `…/instance`, `…/component` or
 * `…/part-of` contains the class's name, or the word `ingress`), or else the only one with port 443. An Ingress of a
 * class that does not exist gets none, and so does one where several Services fit alike.
 */
export function ingressAddress(
  ingress: KubernetesObject,
  classes: Iterable<KubernetesObject>,
  services: Iterable<KubernetesObject>,
): string | undefined {
  const className = ingressClass(ingress, [...classes]);
  if (className === undefined) return undefined;
  const balancers = [...services].filter((service) => requestedAddress(service) !== undefined);
  for (const fits of [labelled(className), labelled("ingress"), hasPort443]) {
    const found = balancers.filter(fits);
    if (found.length > 0) return found.length === 1 ? assignedAddress(found[0]!) : undefined;
  }
  return undefined;
}

const defaultClass = "ingressclass.kubernetes.io/is-default-class";

function ingressClass(ingress: KubernetesObject, classes: KubernetesObject[]): string | undefined {
  const wanted = (ingress.spec as { ingressClassName?: string } | undefined)?.ingressClassName;
  const found = wanted
    ? classes.find(({ metadata }) => metadata.name === wanted)
    : classes.find(({ metadata }) => metadata.annotations?.[defaultClass] === "true");
  return found?.metadata.name;
}

const telling = ["name", "instance", "component", "part-of"].map((label) => `app.kubernetes.io/${label}`);

function labelled(word: string): (service: KubernetesObject) => boolean {
  return ({ metadata }) => telling.some((label) => metadata.labels?.[label]?.includes(word));
}

function hasPort443(service: KubernetesObject): boolean {
  return ((service.spec as ServiceSpec | undefined)?.ports ?? []).some(({ port }) => port === 443);
}

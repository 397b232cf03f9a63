import { setTimeout as delay } from "node:timers/promises";
import { isStatus, type KubernetesClient, type KubernetesObject } from "./client.ts";
import { assignedAddress, ingressAddress, requestedAddress } from "./load-balancer.ts";
import { emptyNamespace } from "./namespaces.ts";
import { objectKey, watchObjects } from "./watch.ts";

/** Hands out addresses; the same owner gets the same one. */
export interface AddressPool {
  claim(cluster: string, service: string): Promise<string>;
  release(cluster: string): Promise<void>;
}

export interface CloudControllerOptions {
  client: KubernetesClient;
  /** An address for a Service (`namespace/name`) that names no public IP address resource. */
  address: (service: string) => Promise<string>;
  /** Address of a public IP address resource; undefined while there is none. */
  publicAddress: (group: string | undefined, name: string) => string | undefined;
  log: (message: string, error?: unknown) => void;
}

export interface CloudController {
  stop(): Promise<void>;
}

/** How soon to look again for a public IP address that a Service names and that is not there yet. */
const retryAfterMs = 500;

/**
 * What the cloud does in a cluster: gives Services of type LoadBalancer and Ingresses their addresses, and empties
 * namespaces that are being deleted at once (Kubernetes' own controller, which runs too, waits five seconds first and
 * five more whenever it finds something left).
 */
export function startCloudController(options: CloudControllerOptions): CloudController {
  const { client, log } = options;
  const ending = new AbortController();
  const { signal } = ending;
  let wake: () => void = () => undefined;
  let changed = true;
  const touch = () => {
    changed = true;
    wake();
  };
  const services = watchObjects(client, "/api/v1/services", signal, touch);
  const ingresses = watchObjects(client, "/apis/networking.k8s.io/v1/ingresses", signal, touch);
  const classes = watchObjects(client, "/apis/networking.k8s.io/v1/ingressclasses", signal, touch);
  const emptying = new Map<string, Promise<void>>();
  const namespaces = watchObjects(client, "/api/v1/namespaces", signal, () => {
    for (const { metadata } of namespaces.objects.values()) {
      if (!metadata.deletionTimestamp || emptying.has(metadata.name)) continue;
      const run = emptyNamespace(client, metadata.name, signal)
        .catch((error: unknown) => log(`namespace ${metadata.name} could not be emptied`, error))
        .finally(() => emptying.delete(metadata.name));
      emptying.set(metadata.name, run);
    }
  });

  const reconcile = async (): Promise<boolean> => {
    let missing = false;
    for (const service of services.objects.values()) {
      missing = !(await reconcileService(service, options)) || missing;
    }
    for (const ingress of ingresses.objects.values()) {
      const address = ingressAddress(ingress, classes.objects.values(), services.objects.values());
      if (address && address !== assignedAddress(ingress)) {
        await setAddress(
          client,
          `/apis/networking.k8s.io/v1/namespaces/${ingress.metadata.namespace}/ingresses`,
          ingress,
          address,
        );
      }
    }
    return missing;
  };
  const run = async () => {
    while (!signal.aborted) {
      changed = false;
      const again = await reconcile().catch((error: unknown) => {
        if (!signal.aborted) log("addresses could not be assigned", error);
        return true;
      });
      if (!changed) await until(signal, again ? retryAfterMs : undefined, (resolve) => (wake = resolve));
    }
  };
  const done = run();
  return {
    async stop() {
      ending.abort();
      wake();
      await Promise.all([
        done,
        services.done,
        ingresses.done,
        classes.done,
        namespaces.done,
        ...emptying.values(),
      ]);
    },
  };
}

/** False while the public IP address that the Service names does not exist. */
async function reconcileService(
  service: KubernetesObject,
  options: CloudControllerOptions,
): Promise<boolean> {
  const { client } = options;
  const path = `/api/v1/namespaces/${service.metadata.namespace}/services`;
  const request = requestedAddress(service);
  const present = assignedAddress(service);
  if (!request) {
    if (present && !service.metadata.deletionTimestamp) await setAddress(client, path, service, undefined);
    return true;
  }
  const { publicIp } = request;
  const address = publicIp
    ? options.publicAddress(publicIp.group, publicIp.name)
    : (present ?? (await options.address(objectKey(service))));
  if (address === undefined) {
    await reportMissing(client, service, publicIp!.name);
    return false;
  }
  if (address !== present) await setAddress(client, path, service, address);
  return true;
}

async function setAddress(
  client: KubernetesClient,
  path: string,
  object: KubernetesObject,
  address: string | undefined,
): Promise<void> {
  const service = path.endsWith("/services");
  const ingress = address === undefined ? null : [{ ip: address, ...(service ? { ipMode: "VIP" } : {}) }];
  await client
    .patch(`${path}/${object.metadata.name}/status`, "merge", { status: { loadBalancer: { ingress } } })
    .catch((error: unknown) => {
      if (!isStatus(error, 404)) throw error; // gone meanwhile
    });
}

/** As the cloud provider does: a warning among the Service's events, once. */
async function reportMissing(
  client: KubernetesClient,
  service: KubernetesObject,
  address: string,
): Promise<void> {
  const { name, namespace, uid } = service.metadata;
  const now = new Date().toISOString();
  await client
    .create(`/api/v1/namespaces/${namespace}/events`, {
      metadata: { name: `${name}.${uid?.slice(0, 8)}.address-missing`, namespace },
      involvedObject: { apiVersion: "v1", kind: "Service", name, namespace, uid },
      type: "Warning",
      reason: "SyncLoadBalancerFailed",
      message: `Error syncing load balancer: the public IP address ${address} was not found; looking for it again.`,
      source: { component: "service-controller" },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    })
    .catch((error: unknown) => {
      if (!isStatus(error, 403, 404, 409)) throw error; // said already, or the namespace is going
    });
}

async function until(
  signal: AbortSignal,
  afterMs: number | undefined,
  woken: (resolve: () => void) => void,
): Promise<void> {
  const timer = new AbortController();
  const event = new Promise<void>((resolve) => woken(resolve));
  const time =
    afterMs === undefined
      ? event
      : delay(afterMs, undefined, { signal: timer.signal }).catch(() => undefined);
  if (!signal.aborted) await Promise.race([event, time]);
  timer.abort();
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { createAddressPool } from "../../../local/kubernetes/addresses.ts";
import type { KubernetesObject } from "../../../local/kubernetes/client.ts";
import { ingressAddress, requestedAddress } from "../../../local/kubernetes/load-balancer.ts";

function service(
  name: string,
  more: {
    type?: string;
    ports?: number[];
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ip?: string;
  } = {},
): KubernetesObject {
  return {
    metadata: { name, namespace: "n", labels: more.labels ?? {}, annotations: more.annotations ?? {} },
    spec: { type: more.type ?? "LoadBalancer", ports: (more.ports ?? [80]).map((port) => ({ port })) },
    status: more.ip ? { loadBalancer: { ingress: [{ ip: more.ip }] } } : {},
  };
}

const haproxy: KubernetesObject = { metadata: { name: "haproxy" } };
const ingress: KubernetesObject = {
  metadata: { name: "i", namespace: "n" },
  spec: { ingressClassName: "haproxy" },
};

describe("a Service's address", () => {
  it("is asked for by Services of type LoadBalancer only", () => {
    expect(requestedAddress(service("a", { type: "ClusterIP" }))).toBeUndefined();
    expect(requestedAddress(service("a"))).toEqual({});
  });

  it("is that of a named public IP address, in the group given", () => {
    const annotations = { "service.beta.kubernetes.io/azure-pip-name": "in" };
    expect(requestedAddress(service("a", { annotations }))).toEqual({ publicIp: { name: "in" } });
    const inGroup = { ...annotations, "service.beta.kubernetes.io/azure-load-balancer-resource-group": "rg" };
    expect(requestedAddress(service("a", { annotations: inGroup }))).toEqual({
      publicIp: { name: "in", group: "rg" },
    });
  });
});

describe("an Ingress's address", () => {
  const entry = service("entry", { ports: [80, 443], ip: "198.19.0.1" });
  it("is that of the only load balancer with port 443", () => {
    expect(
      ingressAddress(ingress, [haproxy], [service("kafka", { ports: [9092], ip: "198.19.0.9" }), entry]),
    ).toBe("198.19.0.1");
  });

  it("is that of the load balancer labelled with the class's name, before any other", () => {
    const labelled = service("x", {
      labels: { "app.kubernetes.io/instance": "haproxy-a" },
      ip: "198.19.0.2",
    });
    expect(ingressAddress(ingress, [haproxy], [entry, labelled])).toBe("198.19.0.2");
  });

  it("is none for a class that does not exist", () => {
    expect(ingressAddress(ingress, [], [entry])).toBeUndefined();
  });

  it("is none while several load balancers fit alike, or the one has none yet", () => {
    expect(
      ingressAddress(ingress, [haproxy], [entry, service("b", { ports: [443], ip: "198.19.0.3" })]),
    ).toBeUndefined();
    expect(ingressAddress(ingress, [haproxy], [service("b", { ports: [443] })])).toBeUndefined();
  });

  it("follows the default class when the Ingress names none", () => {
    const unnamed = { ...ingress, spec: {} };
    const annotations = { "ingressclass.kubernetes.io/is-default-class": "true" };
    expect(ingressAddress(unnamed, [haproxy], [entry])).toBeUndefined();
    expect(ingressAddress(unnamed, [{ metadata: { name: "haproxy", annotations } }], [entry])).toBe(
      "198.19.0.1",
    );
  });
});

describe("addresses without a public IP address resource", () => {
  it("are unique over clusters, stay after a restart, and are given back with the cluster", async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "tierlift-addresses-"));
    try {
      const pool = createAddressPool(dir);
      const claims = await Promise.all(
        ["a", "b"].flatMap((cluster) => ["n/x", "n/y"].map((name) => pool.claim(`/c/${cluster}`, name))),
      );
      expect(new Set(claims).size).toBe(4);
      expect(claims.every((address) => address.startsWith("198.19."))).toBe(true);
      const again = createAddressPool(dir);
      expect(await again.claim("/c/a", "n/x")).toBe(claims[0]);
      await again.release("/c/a");
      expect(await createAddressPool(dir).claim("/c/b", "n/y")).toBe(claims[3]);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ArmResource, Backend } from "../../../local/arm/backend.ts";
import { createClusterBackends, type ClusterBackends } from "../../../local/kubernetes/clusters.ts";
import { resource, viewOf } from "../../support/arm-resources.ts";
import { controlPlaneParts } from "../../support/local-parts.ts";

const parts = controlPlaneParts();
const clusterId =
  "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/acme";
const addressId = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/publicIPAddresses/entry";
const system = {
  name: "system",
  count: 1,
  mode: "System",
  vmSize: "Standard_D2s_v5",
  nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"],
};
const apps = { count: 2, mode: "User", vmSize: "Standard_D4s_v5", availabilityZones: ["1", "2", "3"] };

let dir: string;
let group: ClusterBackends;
const acme = resource(clusterId, {
  properties: { agentPoolProfiles: [system], oidcIssuerProfile: { enabled: true } },
});
const resources: ArmResource[] = [acme];
const view = viewOf(resources);

function backend(type: string): Backend {
  return group.backends.find((candidate) => candidate.type.endsWith(type))!;
}

function createGroup(): ClusterBackends {
  return createClusterBackends({ dir, ...parts!, onChange: () => undefined });
}

async function kubectl(...args: string[]): Promise<string> {
  const all = ["kubectl", "--kubeconfig", group.clusters()[0]!.kubeconfig, ...args];
  return (await promisify(execFile)(parts!.hyper, all, { env: { HOME: dir } })).stdout;
}

async function apply(document: unknown): Promise<void> {
  const file = path.join(dir, "document.json");
  await writeFile(file, JSON.stringify(document));
  await kubectl("apply", "-f", file);
}

async function nodeNames(): Promise<string[]> {
  return (await kubectl("get", "nodes", "-o", "name")).split("\n").filter(Boolean);
}

async function eventually(
  look: () => Promise<string>,
  expected: string | RegExp,
  withinMs = 15_000,
): Promise<void> {
  const fits = (seen: string) => (typeof expected === "string" ? seen === expected : expected.test(seen));
  const deadline = Date.now() + withinMs;
  let seen = await look();
  while (!fits(seen) && Date.now() < deadline) {
    await delay(100);
    seen = await look();
  }
  expect(seen).toMatch(expected);
}

function balancer(name: string, annotations: Record<string, string>) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default", annotations },
    spec: { type: "LoadBalancer", selector: { app: name }, ports: [{ port: 443 }] },
  };
}

const serviceAddress = (name: string) =>
  kubectl("get", "service", name, "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}");

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "work" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{ name: "web", image: "registry.test/web:1", resources: { requests: { cpu: "100m" } } }],
      },
    },
  },
};

describe.skipIf(!parts)("a managed cluster's control plane", { timeout: 90_000 }, () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "tierlift-clusters-"));
    group = createGroup();
    await backend("/managedclusters").ensure(acme, view);
    const pool = resource(`${clusterId}/agentPools/apps`, { properties: apps });
    resources.push(pool);
    await backend("/agentpools").ensure(pool, view);
  });

  afterAll(async () => {
    await backend("/managedclusters").remove(acme, view);
    await group.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("is answered with its address and its token issuer, and told with a kubeconfig only its owner reads", async () => {
    const outputs = await backend("/managedclusters").ensure(acme, view);
    expect(outputs).toMatchObject({
      fqdn: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
      powerState: { code: "Running" },
      nodeResourceGroup: "MC_rg_acme_westeurope",
      oidcIssuerProfile: { enabled: true, issuerURL: `https://${outputs.fqdn as string}/` },
    });
    const [told] = group.clusters();
    expect(told).toMatchObject({ name: "acme", resourceId: clusterId });
    expect((await stat(told!.kubeconfig)).mode & 0o777).toBe(0o600);
  });

  it("gives a kubeconfig by the credential actions, but no admin's while local accounts are off", async () => {
    const { listclusterusercredential, listclusteradmincredential } = backend("/managedclusters").actions!;
    const { kubeconfigs } = (await listclusterusercredential!(acme, {}, view)) as {
      kubeconfigs: { name: string; value: string }[];
    };
    expect(kubeconfigs[0]!.name).toBe("clusterUser");
    expect(Buffer.from(kubeconfigs[0]!.value, "base64").toString()).toContain("client-certificate-data");
    const locked = resource(clusterId, {
      properties: { agentPoolProfiles: [system], disableLocalAccounts: true },
    });
    const refused = Promise.resolve().then(() => listclusteradmincredential!(locked, {}, view));
    await expect(refused).rejects.toMatchObject({ status: 400, code: "BadRequest" });
  });

  it("refuses who brings no certificate", async () => {
    const server = await kubectl(
      "config",
      "view",
      "--minify",
      "-o",
      "jsonpath={.clusters[0].cluster.server}",
    );
    const status = await new Promise((resolve, reject) => {
      const call = request(`${server.trim()}/api/v1/nodes`, { rejectUnauthorized: false, agent: false });
      call.on("error", reject).on("response", (answer) => resolve(answer.resume().statusCode));
      call.end();
    });
    expect(status).toBe(401);
  });

  it("has the pools' nodes, and runs workloads on those without the system pool's taint", async () => {
    expect(await nodeNames()).toHaveLength(3);
    await kubectl("create", "namespace", "work");
    await apply(deployment);
    await kubectl("rollout", "status", "-n", "work", "deployment/web", "--timeout=30s");
    const on = await kubectl("get", "pods", "-n", "work", "-o", "jsonpath={.items[*].spec.nodeName}");
    expect(on.split(" ").every((node) => node.startsWith("aks-apps-"))).toBe(true);
  });

  it("scales a pool up and down, moving the pods away", async () => {
    const index = resources.findIndex(({ id }) => id.endsWith("/apps"));
    for (const count of [4, 1]) {
      resources[index] = resource(`${clusterId}/agentPools/apps`, { properties: { ...apps, count } });
      await backend("/agentpools").ensure(resources[index], view);
      expect(await nodeNames()).toHaveLength(count + 1);
    }
    await eventually(
      () => kubectl("get", "deployment", "web", "-n", "work", "-o", "jsonpath={.status.availableReplicas}"),
      "2",
    );
  });

  it("relabels the nodes of a changed pool", async () => {
    const index = resources.findIndex(({ id }) => id.endsWith("/apps"));
    const labelled = (nodeLabels: Record<string, string>) =>
      resource(`${clusterId}/agentPools/apps`, { properties: { ...apps, count: 1, nodeLabels } });
    for (const labels of [{ a: "1" }, { b: "2" }] as Record<string, string>[]) {
      resources[index] = labelled(labels);
      await backend("/agentpools").ensure(resources[index], view);
    }
    const named = async (selector: string) =>
      (await kubectl("get", "nodes", "-l", selector, "-o", "name")).trim();
    expect([await named("a"), await named("b=2")]).toEqual(["", expect.stringMatching(/^node\/aks-apps-/)]);
  });

  it("empties and deletes a namespace sooner than the namespace controller's retry of ten seconds", async () => {
    const start = Date.now();
    await kubectl("delete", "namespace", "work", "--timeout=20s");
    expect(Date.now() - start).toBeLessThan(9_000);
  });

  it("gives a load balancer an address, and its Ingress the same", async () => {
    await apply(balancer("plain", {}));
    await eventually(() => serviceAddress("plain"), /^198\.19\./);
    await apply({
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: { name: "haproxy" },
      spec: { controller: "haproxy.org/ingress-controller" },
    });
    await apply({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: "web", namespace: "default" },
      spec: {
        ingressClassName: "haproxy",
        defaultBackend: { service: { name: "plain", port: { number: 443 } } },
      },
    });
    const address = await serviceAddress("plain");
    await eventually(
      () => kubectl("get", "ingress", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}"),
      address,
    );
    await kubectl("delete", "service", "plain");
  });

  it("gives a load balancer the public IP address it names, as soon as there is one", async () => {
    await apply(
      balancer("named", {
        "service.beta.kubernetes.io/azure-pip-name": "entry",
        "service.beta.kubernetes.io/azure-load-balancer-resource-group": "rg",
      }),
    );
    await eventually(
      () =>
        kubectl("get", "events", "-o", "jsonpath={.items[?(@.reason=='SyncLoadBalancerFailed')].message}"),
      /entry was not found/,
    );
    expect(await serviceAddress("named")).toBe("");
    resources.push(resource(addressId, { properties: { ipAddress: "198.18.7.7" } }));
    await eventually(() => serviceAddress("named"), "198.18.7.7");
  });

  it("comes back with its objects and its address after a stop and a start", async () => {
    const before = (await backend("/managedclusters").ensure(acme, view)).fqdn;
    await kubectl("create", "configmap", "kept", "--from-literal=a=b");
    await group.stop();
    group = createGroup();
    expect((await backend("/managedclusters").ensure(acme, view)).fqdn).toBe(before);
    expect(await kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}")).toBe("b");
  });

  it("is brought back when one of its servers is killed", async () => {
    const folder = path.dirname(group.clusters()[0]!.kubeconfig);
    const { pid } = JSON.parse(await readFile(path.join(folder, "apiserver.pid"), "utf8")) as { pid: number };
    process.kill(pid, "SIGKILL");
    await eventually(
      () => readFile(path.join(folder, "apiserver.pid"), "utf8").catch(() => ""),
      new RegExp(`"pid":(?!${pid},)`),
      25_000,
    );
    await eventually(() => kubectl("get", "--raw", "/readyz").catch(() => ""), "ok", 25_000);
  });

  it("takes a pool's nodes away with the pool", async () => {
    const [pool] = resources.splice(
      resources.findIndex(({ id }) => id.endsWith("/apps")),
      1,
    );
    await backend("/agentpools").remove(pool!, view);
    expect(await nodeNames()).toEqual([expect.stringMatching(/^node\/aks-system-/)]);
  });
});

import { describe, expect, it } from "vitest";
import { planNodes, parseTaint, type AgentPool, type PoolCluster } from "../../../local/kubernetes/nodes.ts";
import { allocatable, parseSize } from "../../../local/kubernetes/sizes.ts";
import { poolsOf } from "../../../local/kubernetes/managed-cluster.ts";
import { resource, viewOf } from "../../support/arm-resources.ts";

const cluster: PoolCluster = {
  name: "acme",
  subscriptionId: "s",
  location: "westeurope",
  nodeResourceGroup: "MC_rg_acme_westeurope",
  network: { networkPlugin: "azure", networkPluginMode: "overlay" },
};

function pool(more: Partial<AgentPool> = {}): AgentPool {
  return { name: "apps", count: 1, vmSize: "Standard_D4s_v5", mode: "User", ...more };
}

describe("virtual machine sizes", () => {
  it.each([
    ["Standard_D2s_v3", 2, 8],
    ["Standard_D4ds_v5", 4, 16],
    ["Standard_D8as_v5", 8, 32],
    ["standard_e4s_v5", 4, 32],
    ["Standard_F8s_v2", 8, 16],
    ["Standard_B2s", 2, 4],
    ["Standard_DS2_v2", 2, 7],
    ["Standard_D16pds_v6", 16, 64],
  ])("%s has %d CPUs and %d GiB", (name, cpus, memoryGib) => {
    expect(parseSize(name)).toEqual({ cpus, memoryMib: memoryGib * 1024 });
  });

  it("knows nothing of names that are no sizes", () => {
    expect([parseSize("Large"), parseSize("Standard_Q7")]).toEqual([undefined, undefined]);
  });

  it("leaves pods what AKS does not keep for itself", () => {
    expect(allocatable({ cpus: 4, memoryMib: 16_384 }, 110)).toEqual({
      cpuMillis: 3860,
      memoryMib: 16_384 - 2250 - 100,
    });
    expect(allocatable({ cpus: 2, memoryMib: 8192 }, 250)).toEqual({
      cpuMillis: 1900,
      memoryMib: 8192 - 2048 - 100,
    });
  });
});

describe("nodes of pools", () => {
  it("are as many as the count says, spread over the zones in turn", () => {
    const nodes = planNodes(cluster, [pool({ count: 5, availabilityZones: ["1", "2", "3"] })]);
    expect(nodes.map(({ labels }) => labels["topology.kubernetes.io/zone"])).toEqual(
      ["1", "2", "3", "1", "2"].map((zone) => `westeurope-${zone}`),
    );
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(5);
  });

  it.each([
    [{ count: 3 }, 3],
    [{ count: 0 }, 0],
    [{ enableAutoScaling: true, count: 1, minCount: 2 }, 2],
    [{ enableAutoScaling: true, count: 4, minCount: 2 }, 4],
    [{ count: undefined, enableAutoScaling: true, minCount: 3 }, 3],
    [{ count: undefined }, 1],
  ])("of %o are %d", (of, expected) => {
    expect(planNodes(cluster, [pool(of as Partial<AgentPool>)])).toHaveLength(expected);
  });

  it("carry the pool's name, mode, labels and taints", () => {
    const [node] = planNodes(cluster, [
      pool({
        name: "system",
        mode: "System",
        nodeLabels: { team: "a" },
        nodeTaints: ["CriticalAddonsOnly=true:NoSchedule"],
      }),
    ]);
    expect(node).toMatchObject({
      labels: {
        agentpool: "system",
        "kubernetes.azure.com/agentpool": "system",
        "kubernetes.azure.com/mode": "system",
        "node.kubernetes.io/instance-type": "Standard_D4s_v5",
        "topology.kubernetes.io/region": "westeurope",
        team: "a",
      },
      taints: [{ key: "CriticalAddonsOnly", value: "true", effect: "NoSchedule" }],
      capacity: { cpu: "4", memory: "16384Mi", pods: "250" },
      allocatable: { cpu: "3860m" },
    });
  });

  it("refuse an unknown size and a malformed taint, naming them", () => {
    expect(() => planNodes(cluster, [pool({ vmSize: "Huge" })])).toThrow(/Huge of agent pool apps/);
    expect(() => planNodes(cluster, [pool({ nodeTaints: ["a=b"] })])).toThrow(/"a=b"/);
    expect(parseTaint("key:NoExecute")).toEqual({ key: "key", effect: "NoExecute" });
  });
});

describe("a cluster's pools", () => {
  const id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/acme";
  const acme = resource(id, { properties: { agentPoolProfiles: [pool({ name: "system", count: 1 })] } });
  const child = (name: string, count: number) =>
    resource(`${id}/agentPools/${name}`, { properties: { count } });

  it("are those of its body and those below it, the latter first", () => {
    const pools = poolsOf(acme, viewOf([child("apps", 2), child("system", 3)]));
    expect(pools.map(({ name, count }) => [name, count])).toEqual([
      ["system", 3],
      ["apps", 2],
    ]);
  });

  it("leave out the one that is going", () => {
    expect(poolsOf(acme, viewOf([child("apps", 2)]), "apps").map(({ name }) => name)).toEqual(["system"]);
  });
});

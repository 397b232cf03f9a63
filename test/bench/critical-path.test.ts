import { describe, expect, it } from "vitest";
import { durationsFrom } from "../../bench/azure-durations.ts";
import { planCriticalPaths, prerequisitesOf } from "../../bench/critical-path.ts";
import type { GraphResource, PhaseWindow } from "../../bench/critical-path.ts";
import { azureDurationMs, azureDurations } from "../../local/arm/plans/durations.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const FIRST: PhaseWindow = { phase: "first", startedAt: at(0), finishedAt: at(10) };
const SECOND: PhaseWindow = { phase: "second", startedAt: at(20), finishedAt: at(30) };

const resource = (urn: string, more: Partial<GraphResource> = {}): GraphResource => ({
  urn,
  type: "one",
  created: at(5),
  modified: at(5),
  ...more,
});

/** `one` takes 1 s to make, `ten` takes 10 s; an update takes a tenth. */
const durationOf = (type: string, change: "create" | "update") =>
  ({ one: 1000, ten: 10_000 })[type]! / (change === "create" ? 1 : 10);

const pathOf = (resources: GraphResource[], phase = FIRST) =>
  planCriticalPaths(resources, [phase], durationOf)[phase.phase]!;

const urnsOf = (resources: GraphResource[], phase = FIRST) =>
  pathOf(resources, phase).steps.map(({ urn }) => urn);

describe("a phase's critical path", () => {
  it("is the slowest resource where none waits for another", () => {
    expect(pathOf([resource("a"), resource("b", { type: "ten" }), resource("c")])).toEqual({
      milliseconds: 10_000,
      steps: [{ urn: "b", milliseconds: 10_000 }],
    });
  });

  it.each<[string, Partial<GraphResource>]>([
    ["a dependency", { dependencies: ["before"] }],
    ["a property's dependency", { propertyDependencies: { other: null, subnetId: ["before"] } }],
    ["a parent", { parent: "before" }],
    ["a provider", { provider: "before::04da6b54-80e4-46f7-96ec-b56ff0331ba9" }],
  ])("waits for %s", (_name, edge) => {
    const resources = [resource("before"), resource("after", edge)];
    expect(urnsOf(resources)).toEqual(["before", "after"]);
    expect(pathOf(resources).milliseconds).toBe(2000);
  });

  it("is the longest of several ways, not the one with the most resources", () => {
    const resources = [
      resource("a"),
      resource("b", { dependencies: ["a"] }),
      resource("c", { dependencies: ["b"] }),
      resource("slow", { type: "ten" }),
      resource("last", { dependencies: ["c", "slow"] }),
    ];
    expect(urnsOf(resources)).toEqual(["slow", "last"]);
  });

  it("leads through what another phase made, which costs nothing", () => {
    const resources = [
      resource("a"),
      resource("earlier", { created: at(25), modified: at(25), dependencies: ["a"] }),
      resource("b", { dependencies: ["earlier"] }),
    ];
    expect(urnsOf(resources)).toEqual(["a", "b"]);
    expect(urnsOf(resources, SECOND)).toEqual(["earlier"]);
  });

  it("counts an update as one", () => {
    expect(pathOf([resource("a", { type: "ten", modified: at(25) })], SECOND).milliseconds).toBe(1000);
  });

  it("is nothing in a phase that changed nothing, or has not ended", () => {
    expect(pathOf([resource("a")], SECOND)).toEqual({ milliseconds: 0, steps: [] });
    const running: PhaseWindow = { phase: "first", startedAt: at(0) };
    expect(pathOf([resource("a")], running).milliseconds).toBe(0);
  });
});

it("what a state does not hold is no step of a path", () => {
  const lonely = resource("a", { parent: "elsewhere" });
  expect(prerequisitesOf(lonely)).toEqual(["elsewhere"]);
  expect(urnsOf([lonely])).toEqual(["a"]);
});

describe("Azure's durations", () => {
  const durations = durationsFrom(azureDurations(), 0.05);

  it.each([
    ["azure-native:containerservice:ManagedCluster", "Microsoft.ContainerService/managedClusters"],
    ["azure-native:dbforpostgresql:Server", "Microsoft.DBforPostgreSQL/flexibleServers"],
    ["azure-native:network:Subnet", "Microsoft.Network/virtualNetworks/subnets"],
    ["azure-native:dns:RecordSet", "Microsoft.Network/dnsZones/A"],
  ])("of %s are those by which the local cloud is late", (token, type) => {
    for (const change of ["create", "update"] as const)
      expect(durations(token, change)).toBeCloseTo(azureDurationMs(type, change, 0.05), -1);
  });

  it("are none for what is not Azure's", () => {
    expect(durations("kubernetes:apps/v1:Deployment", "create")).toBe(0);
    expect(durations("pulumi:providers:azure-native", "create")).toBe(0);
    expect(durations("command:local:Command", "create")).toBe(0);
  });
});

import { expect, test } from "vitest";
import { pendingTargets, subtreeOf } from "../../../automation/engine/state.ts";
import type { ExportedStack } from "../../../automation/engine/state.ts";

const STACK = { urn: "urn::stack", type: "pulumi:pulumi:Stack" };
const ZONE = { urn: "urn::zone", type: "azure-native:dns:Zone" };
const RECORD = { urn: "urn::record", type: "azure-native:dns:RecordSet" };
const CLUSTER = { urn: "urn::cluster", type: "azure-native:containerservice:ManagedCluster" };

const state = (...pending: [string, typeof STACK][]): ExportedStack => ({
  deployment: {
    resources: [STACK, ZONE, RECORD],
    pending_operations: pending.map(([type, resource]) => ({ type, resource })),
  },
});

test("a stack in order has nothing to refresh", () => {
  expect(pendingTargets(state())).toEqual([]);
  expect(pendingTargets({ deployment: {} })).toEqual([]);
});

test("what was being changed or deleted is looked at, and nothing else", () => {
  expect(pendingTargets(state(["updating", RECORD], ["deleting", ZONE], ["updating", RECORD]))).toEqual([
    RECORD.urn,
    ZONE.urn,
  ]);
});

test("what was being created is not in the state, so the stack's own entry stands in", () => {
  expect(pendingTargets(state(["creating", CLUSTER]))).toEqual([STACK.urn]);
  expect(pendingTargets(state(["creating", CLUSTER], ["updating", RECORD]))).toEqual([RECORD.urn]);
});

test("a component's resources are chosen without those to keep and what these stand under", () => {
  const resource = (urn: string, type: string, parent?: string) => ({
    ...{ urn, type, name: urn, custom: false },
    ...(parent === undefined ? {} : { parent }),
  });
  const resources = [
    resource("slice", "test:Slice"),
    resource("claim", "test:Command", "slice"),
    resource("inner", "test:Inner", "slice"),
    resource("pod", "test:Pod", "inner"),
    resource("other", "test:Command"),
  ];
  expect(subtreeOf(resources, ["test:Slice"])).toEqual(["slice", "claim", "inner", "pod"]);
  expect(subtreeOf(resources, ["test:Slice"], ["test:Command"])).toEqual(["inner", "pod"]);
  expect(subtreeOf(resources, ["test:Slice"], ["test:Pod"])).toEqual(["claim"]);
});

import { expect, test } from "vitest";
import type { ChangeSet, OperationKind } from "../../automation/engine/engine.ts";
import {
  describeChanges,
  describeFreeze,
  describeLate,
  describePhase,
  describeReport,
} from "../../cli/describe.ts";

const operation = (type: string, kind: OperationKind = "create") => ({
  operation: kind,
  urn: "",
  type,
  name: "",
  components: [],
  changes: [],
});

test("a preview is told by totals and by families of resources", () => {
  const changes: ChangeSet = {
    stack: "acme",
    operations: [
      operation("kubernetes:apps/v1:Deployment"),
      operation("azure-native:network:Subnet"),
      operation("azure-native:network:VirtualNetwork"),
    ],
    totals: { create: 3, update: 0, replace: 0, delete: 0, read: 0, same: 9 },
    digest: "0123456789abcdef",
    createdAt: "",
  };
  expect(describeChanges(changes)).toEqual([
    "  preview: 3 create, 9 same (digest 0123456789ab)",
    "      2 azure-native:network",
    "      1 kubernetes:apps",
  ]);
});

test("a report is told by groups, and what failed one by one", () => {
  const check = (group: string, name: string, passed: boolean) => ({
    group,
    name,
    passed,
    expected: "2",
    found: "1",
  });
  const report = {
    checks: [
      check("rollouts", "bi-service", true),
      check("rollouts", "ai-service", false),
      check("zone", "next", true),
    ],
    passed: false,
    startedAt: "",
    finishedAt: "",
  };
  expect(describeReport(report)).toEqual([
    "  verification FAILED:",
    "    1/2 rollouts",
    "    1/1 zone",
    "    rollouts ai-service: 2 expected, 1 found",
  ]);
});

test("what was compared is told of each store", () => {
  const check = (name: string, found: string) => ({ group: "data", name, expected: "", found, passed: true });
  const checks = [check("postgres", "equal: 7 rows in 2 tables"), check("blobs", "equal: 3 blobs, 12 bytes")];
  expect(describeReport({ checks, passed: true, startedAt: "", finishedAt: "" })).toEqual([
    "  verification passed:",
    "    2/2 data (postgres equal: 7 rows in 2 tables; blobs equal: 3 blobs, 12 bytes)",
  ]);
});

test.each([
  ["followed", "0.31 s until both sides were shown to be the same (7 changed rows compared meanwhile)"],
  ["copied", "0.31 s until both sides were shown to be the same (7 rows compared meanwhile)"],
] as const)("a cutover that %s is told by its freeze", (mode, told) => {
  const report = { mode, frozenSeconds: 0.312, comparedInFreeze: 7, differences: [] };
  expect(describeFreeze(report)).toBe(`Writes were frozen for ${told}`);
});

test("late blobs are told where there were any, and each that is beside another", () => {
  const report = { mode: "followed", frozenSeconds: 0.3, comparedInFreeze: 7, differences: [] } as const;
  const late = (blobs: number, ...aside: string[]) =>
    describeLate({ ...report, differences: [], late: { copied: { blobs, bytes: 12 }, aside } });
  expect(describeLate({ ...report, differences: [] })).toEqual([]);
  expect(late(0)).toEqual([]);
  expect(late(2, "a.csv.shared-20260301T100000Z")).toEqual([
    "Late writes of the old services were brought over: 2 blobs, 12 bytes",
    "  both sides wrote it, the old one's is beside the new: a.csv.shared-20260301T100000Z",
  ]);
});

test.each([
  [{ state: "started" }, 0, "[ 4/12] PROVISIONING_INFRASTRUCTURE  started"],
  [{ state: "started", attempt: 2 }, 0, "[ 4/12] PROVISIONING_INFRASTRUCTURE  started, try 2"],
  [
    { state: "done", durationMs: 18_940 },
    102,
    "[ 4/12] PROVISIONING_INFRASTRUCTURE  done in 18.9 s, 102 resources",
  ],
  [{ state: "done", durationMs: 50 }, 0, "[ 4/12] PROVISIONING_INFRASTRUCTURE  done in 0.1 s"],
  [{ state: "failed", error: "no quota" }, 3, "[ 4/12] PROVISIONING_INFRASTRUCTURE  failed: no quota"],
])("a phase with %j and %i resources is one line", (data, resources, line) => {
  const phase = { phase: "PROVISIONING_INFRASTRUCTURE", number: 4, total: 12, ...data } as const;
  expect(describePhase(phase, resources)).toBe(line);
});

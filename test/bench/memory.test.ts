import { expect, it } from "vitest";
import { familyOf } from "../../bench/processes.ts";
import { describeMemory, kindOf } from "../../bench/upgrade/memory.ts";
import { phaseSeconds } from "../../bench/upgrade/rest-upgrade.ts";

it("finds all that descend from a process, and nothing else", () => {
  const processes = [
    [10, 1],
    [11, 10],
    [12, 11],
    [20, 1],
  ].map(([pid = 0, parent = 0]) => ({ pid, parent, commandLine: "" }));
  expect(familyOf(10, processes).map(({ pid }) => pid)).toEqual([10, 11, 12]);
});

it.each([
  ["/cache/engine-3.250.0/bin/pulumi up --yes", "engine"],
  ["node --max-semi-space-size=64 /cache/bundles/child.mjs", "program"],
  ["node /cache/bundles/azure-native.mjs 127.0.0.1:1", "plugin azure-native"],
  ["node --import tsx /checkout/local/providers/kubernetes/main.ts", "plugin kubernetes"],
  ["node --max-semi-space-size=1 /checkout/automation/data/run.mjs postgres copy", "data command"],
  ["sh -c true", "other"],
])("knows %s as %s", (commandLine, kind) => {
  expect(kindOf(commandLine)).toBe(kind);
});

it("tells the peak with what it was made of, and the middle", () => {
  const samples = [100, 300, 200].map((totalMb) => ({
    totalMb,
    serviceMb: 80,
    parts: { service: 80, engine: totalMb - 80 },
  }));
  expect(describeMemory(samples)).toEqual({
    peakMb: 300,
    medianMb: 200,
    serviceMedianMb: 80,
    atThePeakMb: { service: 80, engine: 220 },
    samples: 3,
  });
});

it("reads the length of each phase", () => {
  const startedAt = "2026-01-01T00:00:00.000Z";
  const finishedAt = "2026-01-01T00:00:01.500Z";
  const phase = { startedAt, finishedAt, attempts: 1, failures: 0 };
  expect(phaseSeconds({ phases: [{ ...phase, phase: "PREVIEWING_CHANGES" }] })).toEqual({
    PREVIEWING_CHANGES: 1.5,
  });
});

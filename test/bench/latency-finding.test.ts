import { expect, it } from "vitest";
import { latencyFinding } from "../../bench/upgrade/latency-finding.ts";

const urn = "urn:pulumi:slow::tierlift::azure-native:containerservice:ManagedCluster::slow-aks";
const MEASURED = {
  factor: 0.05,
  quick: { totalMs: 150_000, phases: { PROVISIONING_INFRASTRUCTURE: 30, VERIFYING_DEPLOYMENT: 5 } },
  slow: { totalMs: 205_000, phases: { PROVISIONING_INFRASTRUCTURE: 84, VERIFYING_DEPLOYMENT: 5.5 } },
  paths: {
    PROVISIONING_INFRASTRUCTURE: { milliseconds: 50_000, steps: [{ urn, milliseconds: 19_500 }] },
    VERIFYING_DEPLOYMENT: { milliseconds: 0, steps: [] },
  },
};

it("a slow upgrade is held against its critical path and the time without latency together", () => {
  const { value, goal } = latencyFinding(MEASURED);
  expect(value).toBeCloseTo(205 / 200, 5);
  expect(goal).toEqual({ atMost: 1.1 });
});

it("a slow upgrade shows where its time went", () => {
  expect(latencyFinding(MEASURED).figures).toEqual({
    factor: 0.05,
    totalS: 205,
    criticalPathS: 50,
    engineS: 150,
    addedS: 55,
    addedAgainstCriticalPath: 1.1,
    phases: {
      PROVISIONING_INFRASTRUCTURE: {
        totalS: 84,
        engineS: 30,
        criticalPathS: 50,
        path: ["slow-aks 19.5 s"],
      },
      VERIFYING_DEPLOYMENT: { totalS: 5.5, engineS: 5, criticalPathS: 0, path: [] },
    },
  });
});

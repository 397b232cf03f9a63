import { describe, expect, it } from "vitest";
import { evaluateIngress, evaluateService } from "../../../../local/providers/kubernetes/await/network.ts";
import {
  evaluateClaim,
  evaluateDefinition,
  evaluateQuota,
} from "../../../../local/providers/kubernetes/await/others.ts";
import type { Readiness } from "../../../../local/providers/kubernetes/await/readiness.ts";
import {
  evaluateDaemonSet,
  evaluateDeployment,
  evaluateJob,
  evaluatePod,
  evaluateStatefulSet,
} from "../../../../local/providers/kubernetes/await/workloads.ts";
import type { PlainMap } from "../../../../local/providers/protocol/values.ts";

const seen = { metadata: { generation: 2 } };
const rollout = (replicas: number, status: PlainMap): PlainMap => ({
  ...seen,
  spec: { replicas },
  status: { observedGeneration: 2, ...status },
});
const condition = (type: string, status: string, more: PlainMap = {}): PlainMap => ({
  type,
  status,
  ...more,
});
const complete = { updatedReplicas: 3, replicas: 3, availableReplicas: 3 };

describe("a Deployment", () => {
  it.each<[string, PlainMap, Readiness["state"]]>([
    ["with every replica updated and available", rollout(3, complete), "ready"],
    ["not looked at since its change", rollout(3, { ...complete, observedGeneration: 1 }), "waiting"],
    ["with replicas of the old template", rollout(3, { ...complete, replicas: 4 }), "waiting"],
    ["with replicas to update", rollout(3, { ...complete, updatedReplicas: 2 }), "waiting"],
    ["with replicas not available", rollout(3, { ...complete, availableReplicas: 2 }), "waiting"],
    ["scaled to nothing", rollout(0, {}), "ready"],
    [
      "past its progress deadline",
      rollout(3, { conditions: [condition("Progressing", "False", { reason: "ProgressDeadlineExceeded" })] }),
      "failed",
    ],
  ])("%s is %s", (_what, object, state) => {
    expect(evaluateDeployment(object).state).toBe(state);
  });

  it("whose Pods the quota refuses says so", () => {
    const conditions = [
      condition("ReplicaFailure", "True", { reason: "FailedCreate", message: "exceeded quota" }),
    ];
    expect(evaluateDeployment(rollout(3, { conditions }))).toMatchObject({
      state: "waiting",
      message: "FailedCreate: exceeded quota",
    });
  });
});

const service = (spec: PlainMap, ingress: PlainMap[] = []): PlainMap => ({
  metadata: { name: "web" },
  spec: { selector: { app: "web" }, ...spec },
  status: { loadBalancer: { ingress } },
});
const slice = (ready: boolean): PlainMap => ({
  endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready } }],
});
const ingress = (names: string[], addresses: PlainMap[]): PlainMap => ({
  spec: { rules: [{ http: { paths: names.map((name) => ({ backend: { service: { name } } })) } }] },
  status: { loadBalancer: { ingress: addresses } },
});
const address = [{ ip: "192.0.2.1" }];
const job = (conditions: PlainMap[], spec: PlainMap = {}): PlainMap => ({ spec, status: { conditions } });
const claim = (phase: string): PlainMap => ({ spec: { storageClassName: "fast" }, status: { phase } });
const lazy = { metadata: { name: "fast" }, volumeBindingMode: "WaitForFirstConsumer" };

describe("readiness", () => {
  it.each<[string, Readiness, Readiness["state"]]>([
    ["a Service with a ready Pod", evaluateService(service({}), [slice(true)]), "ready"],
    ["a Service without a ready Pod", evaluateService(service({}), [slice(false)]), "waiting"],
    ["a Service without a selector", evaluateService(service({ selector: {} }), []), "ready"],
    ["a Service for a host outside", evaluateService(service({ type: "ExternalName" }), []), "ready"],
    ["a headless Service", evaluateService(service({ clusterIP: "None" }), []), "ready"],
    [
      "a load balancer without an address",
      evaluateService(service({ type: "LoadBalancer" }), [slice(true)]),
      "waiting",
    ],
    [
      "a load balancer with one",
      evaluateService(service({ type: "LoadBalancer" }, address), [slice(true)]),
      "ready",
    ],
    ["an Ingress with an address", evaluateIngress(ingress(["web"], address), [service({})]), "ready"],
    ["an Ingress without one", evaluateIngress(ingress(["web"], []), [service({})]), "waiting"],
    ["an Ingress to a Service that is not there", evaluateIngress(ingress(["gone"], address), []), "waiting"],
    [
      "a StatefulSet rolled out",
      evaluateStatefulSet(rollout(2, { readyReplicas: 2, currentRevision: "a", updateRevision: "a" })),
      "ready",
    ],
    [
      "a StatefulSet rolling out",
      evaluateStatefulSet(rollout(2, { readyReplicas: 2, currentRevision: "a", updateRevision: "b" })),
      "waiting",
    ],
    [
      "a DaemonSet with a node to update",
      evaluateDaemonSet(
        rollout(1, { desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2 }),
      ),
      "waiting",
    ],
    ["a Pod that serves", evaluatePod({ status: { conditions: [condition("Ready", "True")] } }), "ready"],
    ["a Pod that is done", evaluatePod({ status: { phase: "Succeeded" } }), "ready"],
    ["a Pod that failed", evaluatePod({ status: { phase: "Failed" } }), "failed"],
    ["a Job that is done", evaluateJob(job([condition("Complete", "True")])), "ready"],
    ["a Job that failed", evaluateJob(job([condition("Failed", "True")])), "failed"],
    ["a Job that is suspended", evaluateJob(job([], { suspend: true })), "ready"],
    ["a Job that runs", evaluateJob(job([])), "waiting"],
    ["a bound claim", evaluateClaim(claim("Bound"), []), "ready"],
    ["a pending claim", evaluateClaim(claim("Pending"), []), "waiting"],
    ["a pending claim that waits for its first Pod", evaluateClaim(claim("Pending"), [lazy]), "ready"],
    ["a lost claim", evaluateClaim(claim("Lost"), []), "failed"],
    [
      "a quota not taken over yet",
      evaluateQuota({ spec: { hard: { pods: "4" } }, status: { hard: { pods: "2" } } }),
      "waiting",
    ],
    [
      "a quota taken over",
      evaluateQuota({ spec: { hard: { pods: "4" } }, status: { hard: { pods: "4" } } }),
      "ready",
    ],
    [
      "a definition whose names are taken",
      evaluateDefinition({ status: { conditions: [condition("NamesAccepted", "False")] } }),
      "failed",
    ],
  ])("of %s is told", (_what, readiness, state) => {
    expect(readiness.state).toBe(state);
  });
});

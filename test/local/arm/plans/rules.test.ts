import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PlannedEvent } from "../../../../local/arm/plan.ts";
import { parseRule, parseRules } from "../../../../local/arm/plans/document.ts";
import { azureDurationMs, azureDurations } from "../../../../local/arm/plans/durations.ts";
import { isMatch } from "../../../../local/arm/plans/match.ts";
import { Plans } from "../../../../local/arm/plans/plans.ts";
import { behaviourOf } from "../../../../local/arm/types/index.ts";

const cluster = "Microsoft.ContainerService/managedClusters";
const id = "/subscriptions/s/resourceGroups/rg-acme/providers/Microsoft.ContainerService/managedClusters/aks";
const request = (of: Partial<Extract<PlannedEvent, { at: "request" }>> = {}): PlannedEvent => ({
  at: "request",
  call: "PUT",
  path: id,
  type: cluster,
  resourceId: id,
  ...of,
});
const operation = (kind: "create" | "update" | "delete" = "create"): PlannedEvent => ({
  at: "operation",
  kind,
  type: cluster,
  resourceId: id,
});
const failing = { kind: "fail" } as const;
const failingLater = { kind: "fail", at: "operation" } as const;

describe("a plan is about", () => {
  it.each([
    ["every call without a match", {}, failing, request(), true],
    [
      "no token without its name",
      {},
      failing,
      { at: "request", call: "token", path: "/t/oauth2/token" },
      false,
    ],
    [
      "a token with it",
      { calls: ["token"] },
      failing,
      { at: "request", call: "token", path: "/t/oauth2/token" },
      true,
    ],
    ["a type whatever its case", { type: cluster.toLowerCase() }, failing, request(), true],
    ["no other type", { type: `${cluster}/agentPools` }, failing, request(), false],
    ["types by a pattern", { type: "Microsoft.Container*" }, failing, request(), true],
    ["an id by a pattern", { id: "*/resourcegroups/rg-acme/*" }, failing, request(), true],
    ["no id that only begins like it", { id: "*/rg-acm" }, failing, request(), false],
    ["the calls it names", { calls: ["GET", "PUT"] }, failing, request(), true],
    ["no other call", { calls: ["GET", "poll"] }, failing, request(), false],
    ["creations only", { change: "create" }, failing, request({ change: "create" }), true],
    ["no update then", { change: "create" }, failing, request({ change: "update" }), false],
    ["the work, when it fails there", {}, failingLater, operation(), true],
    ["not the request then", {}, failingLater, request(), false],
    ["not the work otherwise", {}, failing, operation(), false],
    ["the work of a DELETE", { calls: ["DELETE"] }, failingLater, operation("delete"), true],
    ["not that of a PUT then", { calls: ["DELETE"] }, failingLater, operation("create"), false],
    ["the work of an update", { change: "update" }, failingLater, operation("update"), true],
  ] as const)("%s", (_what, match, effect, event, expected) => {
    expect(isMatch(parseRule({ match, effect }), event as PlannedEvent)).toBe(expected);
  });
});

describe("a plan for Kubernetes is about", () => {
  const asked = (of: Partial<Extract<PlannedEvent, { at: "kubernetes" }>> = {}): PlannedEvent => ({
    at: "kubernetes",
    cluster: { name: "aks-acme", resourceId: id },
    verb: "patch",
    resource: "deployments.apps",
    namespace: "tenant-acme",
    name: "query-engine",
    change: "create",
    ...of,
  });

  it.each([
    ["every request to every cluster", {}, asked(), true],
    ["a resource with its group", { resource: "deployments.apps" }, asked(), true],
    ["a resource without its group", { resource: "deployments" }, asked(), true],
    [
      "no subresource then",
      { resource: "deployments" },
      asked({ resource: "deployments.apps/scale" }),
      false,
    ],
    [
      "a subresource that it names",
      { resource: "deployments/scale" },
      asked({ resource: "deployments.apps/scale" }),
      true,
    ],
    ["no other group", { resource: "deployments.extensions" }, asked(), false],
    ["the verbs it names", { verbs: ["patch"] }, asked(), true],
    ["no other verb", { verbs: ["get", "watch"] }, asked(), false],
    ["a namespace by a pattern", { namespace: "tenant-*" }, asked(), true],
    ["nothing outside of namespaces then", { namespace: "*" }, asked({ namespace: undefined }), false],
    ["a name", { name: "query-engine" }, asked(), true],
    ["no other name", { name: "query" }, asked(), false],
    ["a cluster by its name", { cluster: "aks-*" }, asked(), true],
    ["a cluster by its id", { cluster: id }, asked(), true],
    ["no other cluster", { cluster: "aks-platform" }, asked(), false],
  ])("%s", (_what, kubernetes, event, expected) => {
    expect(isMatch(parseRule({ match: { kubernetes }, effect: failing }), event)).toBe(expected);
  });

  it("only what makes an object, when it says so", () => {
    const rule = parseRule({ match: { kubernetes: {}, change: "create" }, effect: failing });
    expect([asked(), asked({ change: "update" })].map((event) => isMatch(rule, event))).toEqual([
      true,
      false,
    ]);
  });

  it("no call of the resource manager, nor the other way round", () => {
    expect(isMatch(parseRule({ match: { kubernetes: {} }, effect: failing }), request())).toBe(false);
    expect(isMatch(parseRule({ effect: failing }), asked())).toBe(false);
  });
});

describe("a document is refused", () => {
  it.each([
    ["with an unknown effect", { effect: { kind: "explode" } }, "effect.kind"],
    ["without an effect", {}, "effect"],
    ["with an unknown member", { effect: failing, often: 2 }, ""],
    ["with an unknown call", { match: { calls: ["BREW"] }, effect: failing }, "match.calls.0"],
    ["with a type nobody has", { match: { type: "Contoso.Tea/pots" }, effect: failing }, "match.type"],
    ["with no uses", { effect: failing, times: 0 }, "times"],
    ["with a status that is no error", { effect: { ...failing, status: 200 } }, "effect.status"],
    [
      "with a kind for a resource",
      { match: { kubernetes: { resource: "Deployment" } }, effect: failing },
      "match.kubernetes.resource",
    ],
    [
      "with an unknown verb",
      { match: { kubernetes: { verbs: ["apply"] } }, effect: failing },
      "match.kubernetes.verbs.0",
    ],
    [
      "about ARM and Kubernetes at once",
      { match: { kubernetes: {}, calls: ["PUT"] }, effect: failing },
      "match.calls",
    ],
    [
      "when work behind a request to Kubernetes is to fail",
      { match: { kubernetes: {} }, effect: failingLater },
      "effect",
    ],
    [
      "when a GET is to fail in its operation",
      { match: { calls: ["GET"] }, effect: failingLater },
      "match.calls",
    ],
  ])("%s, by the path of what is wrong", (_what, document, target) => {
    expect(() => parseRule(document)).toThrow(expect.objectContaining({ code: "InvalidPlan", target }));
  });

  it("with a name that is none", () => {
    expect(() => parseRules({ plans: { "a b": { effect: failing } } })).toThrow(
      expect.objectContaining({ code: "InvalidPlan", target: "plans.a b" }),
    );
  });
});

describe("the plans", () => {
  let folder: string;
  let plans: Plans;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tierlift-plans-"));
    plans = new Plans(join(folder, "plans.json"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (name: string, rule: unknown) => plans.put(name, parseRule(rule));

  it("let pass what they skip, then take effect until they are spent", () => {
    put("twice", { effect: failing, times: 2, skip: 1 });
    expect([1, 2, 3, 4].map(() => plans.step(request())?.error?.status)).toEqual([
      undefined,
      500,
      500,
      undefined,
    ]);
    expect(plans.get("twice")).toMatchObject({ uses: 2, isSpent: true });
  });

  it("take the next fault once the first is spent, and a latency beside it", () => {
    put("slow", { effect: { kind: "latency", ms: 7 } });
    put("first", { effect: { ...failing, code: "First" }, times: 1 });
    put("second", { effect: { ...failing, code: "Second" } });
    const steps = [plans.step(request()), plans.step(request())];
    expect(steps.map((step) => [step?.delayMs, step?.error?.code])).toEqual([
      [7, "First"],
      [7, "Second"],
    ]);
  });

  it("count a lost answer only once there was one to lose", () => {
    put("lost", { effect: { kind: "lose-answer" }, times: 1 });
    const [first, second] = [plans.step(request()), plans.step(request())];
    expect(plans.get("lost")?.uses).toBe(0);
    expect(first?.afterwards?.()).toEqual({ instead: "nothing", when: "done" });
    expect(second?.afterwards?.()).toBeUndefined();
    expect(plans.get("lost")?.uses).toBe(1);
  });

  it("know the clusters that they are about until they are spent", () => {
    const [acme, platform] = ["aks-acme", "aks-platform"].map((name) => ({ name, resourceId: `/${name}` }));
    put("arm", { effect: failing });
    put("once", { match: { kubernetes: { cluster: "aks-acme" } }, effect: failing, times: 1 });
    const known = () => [acme!, platform!].map((cluster) => plans.isAboutCluster(cluster));
    expect(known()).toEqual([true, false]);
    plans.step({ at: "kubernetes", cluster: acme!, verb: "get", resource: "pods" });
    expect(known()).toEqual([false, false]);
  });

  it("are settled once everybody who watches them has done what follows", async () => {
    const seen: string[] = [];
    const unwatch = plans.watch(async () => {
      await Promise.resolve();
      seen.push("watcher");
    });
    put("one", { effect: failing });
    await plans.settled();
    seen.push("settled");
    unwatch();
    plans.remove("one");
    await plans.settled();
    expect(seen).toEqual(["watcher", "settled"]);
  });

  it("tell whole seconds, and milliseconds beside them where they are none", () => {
    put("throttle", { effect: { kind: "throttle", retryAfterSeconds: 0.2 } });
    expect(plans.step(request())?.error).toMatchObject({
      status: 429,
      headers: { "retry-after": "1", "retry-after-ms": "200" },
    });
  });

  it("are the same with their uses when read again", () => {
    put("once", { effect: failing, times: 1 });
    put("always", { effect: { kind: "latency", ms: 1 } });
    plans.step(request());
    plans.close();
    const again = new Plans(join(folder, "plans.json"));
    expect(again.list()).toEqual(plans.list());
    expect(again.step(request())?.error).toBeUndefined();
  });

  it("have a bounded plan's use on disk before it takes effect", () => {
    put("once", { effect: failing, times: 1 });
    plans.step(request());
    expect(readFileSync(join(folder, "plans.json"), "utf8")).toContain('"uses": 1');
  });
});

describe("Azure's durations", () => {
  it("are those of the type and change, times the factor", () => {
    expect(azureDurationMs(cluster, "create")).toBe(390_000);
    expect(azureDurationMs(cluster.toUpperCase(), "create", 0.01)).toBe(3_900);
    expect(azureDurationMs(cluster, "delete", 1, "low")).toBe(180_000);
    expect(azureDurationMs("Microsoft.Authorization/roleAssignments", "create", 1, "high")).toBe(3_000);
  });

  it("are of types that the local cloud has", () => {
    const types = Object.keys(azureDurations()).filter((type) => type !== "*");
    expect(types.filter((type) => behaviourOf(type)?.type !== type)).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { diffObjects, pathContains } from "../../../../local/providers/kubernetes/diff.ts";
import { forceNewFields } from "../../../../local/providers/kubernetes/force-new.ts";
import { normalizeInputs, prune } from "../../../../local/providers/kubernetes/inputs.ts";
import { gvkOf } from "../../../../local/providers/kubernetes/object.ts";
import { Unknown, type PlainMap } from "../../../../local/providers/protocol/values.ts";

const mutable = { configMaps: false, secrets: false };

function diff(live: PlainMap, news: PlainMap, settings = mutable) {
  return diffObjects(live, news, forceNewFields(gvkOf(news), news, settings));
}
const deployment = (spec: PlainMap): PlainMap => ({ apiVersion: "apps/v1", kind: "Deployment", spec });
const configMap = (fields: PlainMap): PlainMap => ({ apiVersion: "v1", kind: "ConfigMap", ...fields });
const pod = (image: string): PlainMap => ({
  apiVersion: "v1",
  kind: "Pod",
  spec: { containers: [{ name: "app", image }] },
});

describe("differences of objects", () => {
  it.each<[string, PlainMap, PlainMap, object]>([
    ["nothing where nothing changed", deployment({ replicas: 2 }), deployment({ replicas: 2 }), {}],
    [
      "the path of what changed in a list",
      deployment({ template: { spec: { containers: [{ image: "a:1", name: "a" }] } } }),
      deployment({ template: { spec: { containers: [{ image: "a:2", name: "a" }] } } }),
      { "spec.template.spec.containers[0].image": { kind: "update" } },
    ],
    [
      "added and removed elements",
      deployment({ list: [1, 2], other: ["a"] }),
      deployment({ list: [1], other: ["a", "b"] }),
      { "spec.list[1]": { kind: "delete", inputDiff: true }, "spec.other[1]": { kind: "add" } },
    ],
    [
      "keys with dots in brackets",
      deployment({ hard: { "requests.cpu": "1" } }),
      deployment({ hard: { "requests.cpu": "2" } }),
      { 'spec.hard["requests.cpu"]': { kind: "update" } },
    ],
    [
      "a changed type",
      deployment({ port: 80 }),
      deployment({ port: "http" }),
      { "spec.port": { kind: "update" } },
    ],
    [
      "a replacement by a Deployment's selector",
      deployment({ selector: { matchLabels: { app: "a" } } }),
      deployment({ selector: { matchLabels: { app: "b" } } }),
      { "spec.selector.matchLabels.app": { kind: "update-replace" } },
    ],
    [
      "a replacement by a removed selector",
      deployment({ selector: { matchLabels: { app: "a" } } }),
      deployment({}),
      { "spec.selector": { kind: "delete-replace", inputDiff: true } },
    ],
    [
      "a replacement by what an added part contains",
      { apiVersion: "apps/v1", kind: "StatefulSet" },
      { apiVersion: "apps/v1", kind: "StatefulSet", spec: { serviceName: "a" } },
      { spec: { kind: "add-replace" } },
    ],
    [
      "a replacement in any container of a Pod",
      pod("a:1"),
      pod("a:2"),
      { "spec.containers[0].image": { kind: "update-replace" } },
    ],
    [
      "the loss of an object's parts where it is not known yet",
      deployment({ selector: {}, replicas: 1 }),
      { apiVersion: "apps/v1", kind: "Deployment", spec: new Unknown() },
      {
        "spec.selector": { kind: "delete-replace", inputDiff: true },
        "spec.replicas": { kind: "delete", inputDiff: true },
      },
    ],
    [
      "an update where a text is not known yet",
      configMap({ data: { A: "1" } }),
      configMap({ data: { A: new Unknown() } }),
      { "data.A": { kind: "update-replace" } },
    ],
    [
      "nothing for an empty value that the server does not keep",
      deployment({ template: { labels: {} } }),
      deployment({ template: { labels: {} }, paused: false, volumes: [], note: "" }),
      {},
    ],
  ])("are %s", (_what, live, news, expected) => {
    expect(diff(live, news)).toEqual(expected);
  });

  it("let a ConfigMap change in place where the provider says so, unless it is immutable", () => {
    const settings = { configMaps: true, secrets: false };
    const before = configMap({ data: { A: "1" } });
    expect(diff(before, configMap({ data: { A: "2" } }), settings)).toEqual({ "data.A": { kind: "update" } });
    const immutable = configMap({ data: { A: "2" }, immutable: true });
    expect(diff({ ...before, immutable: true }, immutable, settings)).toEqual({
      "data.A": { kind: "update-replace" },
    });
  });

  it.each([
    ["spec", "spec.replicas", true],
    ["spec.containers", "spec.containers[0].image", true],
    ["spec.replicas", "spec.replicas", true],
    ["spec.rep", "spec.replicas", false],
    ["spec.replicas", "spec", false],
  ])("at %s cover %s: %s", (outer, inner, expected) => {
    expect(pathContains(outer, inner)).toBe(expected);
  });
});

describe("inputs", () => {
  it("move a Secret's text to its data, over what is there", () => {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      data: { a: "MQ==", b: "Mg==" },
      stringData: { b: "3" },
    };
    expect(normalizeInputs(secret)).toEqual({
      apiVersion: "v1",
      kind: "Secret",
      data: { a: "MQ==", b: "Mw==" },
    });
  });

  it("lose what only the server writes, and nulls", () => {
    const inputs = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "a", uid: "1", labels: null },
      spec: null,
    };
    expect(normalizeInputs(inputs)).toEqual({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" } });
  });

  it("have quantities in the server's form, but not in objects of other groups", () => {
    const limits = { limits: { cpu: "1000m", memory: "1024Mi" } };
    expect(normalizeInputs({ apiVersion: "apps/v1", kind: "Deployment", spec: limits })).toMatchObject({
      spec: { limits: { cpu: "1", memory: "1Gi" } },
    });
    const custom = { apiVersion: "example.com/v1", kind: "Thing", spec: limits };
    expect(normalizeInputs(custom)).toEqual(custom);
  });

  it("stay as they are while something is not known", () => {
    const secret = { apiVersion: "v1", kind: "Secret", stringData: { a: new Unknown() } };
    expect(normalizeInputs(secret)).toEqual(secret);
  });

  it("say what of the live object counts: fields the cluster added do not, elements it added do", () => {
    const live: PlainMap = {
      spec: { ports: [{ port: 80, protocol: "TCP" }, { port: 443 }], type: "ClusterIP" },
      status: {},
    };
    expect(prune(live, { spec: { ports: [{ port: 80 }] } })).toEqual({
      spec: { ports: [{ port: 80 }, { port: 443 }] },
    });
  });
});

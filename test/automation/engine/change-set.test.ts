import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { describe, expect, it } from "vitest";
import { createChangeSet, parseUrn, valueAt } from "../../../automation/engine/change-set.ts";

const NOW = new Date("2026-11-22T10:00:00Z");
const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "…" };
const DEPLOYMENT =
  "urn:pulumi:acme::tierlift::tierlift:dedicated:Dedicated$tierlift:services:Services$kubernetes:apps/v1:Deployment::query-engine";

function step(op: string, urn: string, more: Record<string, unknown> = {}): EngineEvent {
  const metadata = { op, urn, type: parseUrn(urn).type, provider: "", ...more };
  return { sequence: 0, timestamp: 0, resourcePreEvent: { metadata } } as unknown as EngineEvent;
}
const changeSet = (events: EngineEvent[], base = "") => createChangeSet("acme", events, base, NOW);

describe("parseUrn", () => {
  it("names the components from the outermost", () => {
    expect(parseUrn(DEPLOYMENT)).toEqual({
      components: ["tierlift:dedicated:Dedicated", "tierlift:services:Services"],
      type: "kubernetes:apps/v1:Deployment",
      name: "query-engine",
    });
  });

  it("keeps a name with colons whole", () => {
    expect(parseUrn("urn:pulumi:acme::tierlift::a:b:C::x::y").name).toBe("x::y");
  });
});

describe("valueAt", () => {
  const value = { spec: { ports: [{ port: 80 }] }, data: { "a.b": "dotted", 'q"x': "quoted" } };
  it.each([
    ["spec.ports[0].port", 80],
    ['data["a.b"]', "dotted"],
    ['data["q\\"x"]', "quoted"],
    ["spec.absent.port", undefined],
  ])("follows %s", (path, expected) => {
    expect(valueAt(value, path)).toEqual(expected);
  });
});

describe("a change set", () => {
  it("counts a replacement once and passes over the stack itself", () => {
    const { totals, operations } = changeSet([
      step("create", "urn:pulumi:acme::tierlift::pulumi:pulumi:Stack::tierlift-acme"),
      step("create-replacement", DEPLOYMENT),
      step("replace", DEPLOYMENT),
      step("delete-replaced", DEPLOYMENT),
      step("same", "urn:pulumi:acme::tierlift::tierlift:slice:Slice::acme"),
    ]);
    expect(totals).toEqual({ create: 0, update: 0, replace: 1, delete: 0, read: 0, same: 1 });
    expect(operations.map(({ operation, name }) => [operation, name])).toEqual([["replace", "query-engine"]]);
  });

  it("shows what changes, and secrets and unknowns by name only", () => {
    const { operations } = changeSet([
      step("update", DEPLOYMENT, {
        old: { inputs: { replicas: 1, password: SECRET } },
        new: { inputs: { replicas: 2, password: SECRET, address: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" } },
        detailedDiff: {
          replicas: { diffKind: "update", inputDiff: true },
          password: { diffKind: "update-replace", inputDiff: true },
          address: { diffKind: "add", inputDiff: true },
        },
      }),
    ]);
    expect(operations[0]?.changes).toEqual([
      { path: "address", kind: "add", replaces: false, after: "[unknown]" },
      { path: "password", kind: "update", replaces: true, before: "[secret]", after: "[secret]" },
      { path: "replicas", kind: "update", replaces: false, before: 1, after: 2 },
    ]);
  });

  it("never shows an object that holds a secret", () => {
    const { operations } = changeSet([
      step("create", DEPLOYMENT, {
        new: { inputs: { env: [{ value: SECRET }] } },
        detailedDiff: { env: { diffKind: "add", inputDiff: true } },
      }),
    ]);
    expect(operations[0]?.changes).toEqual([{ path: "env", kind: "add", replaces: false }]);
  });

  const create = (inputs: object) => step("create", DEPLOYMENT, { new: { inputs } });
  it("has one digest for the same changes in any order of events and keys", () => {
    const other = step("delete", "urn:pulumi:acme::tierlift::a:b:C::gone");
    const digest = changeSet([create({ a: 1, b: 2 }), other]).digest;
    expect(changeSet([other, create({ b: 2, a: 1 })]).digest).toBe(digest);
  });

  it.each([
    ["an input", changeSet([create({ a: 2 })])],
    ["the operation", changeSet([step("update", DEPLOYMENT, { new: { inputs: { a: 1 } } })])],
    ["the state below", changeSet([create({ a: 1 })], "another state")],
  ])("has another digest when %s differs", (_name, other) => {
    expect(other.digest).not.toBe(changeSet([create({ a: 1 })]).digest);
  });
});

import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../automation/engine/failure.ts";

const reported = (message: string): EngineEvent => ({
  sequence: 1,
  timestamp: 1,
  diagnosticEvent: {
    urn: "urn:pulumi:acme::tierlift::kubernetes:core/v1:Secret::acme-store",
    message: `error: ${message}`,
    color: "never",
    severity: "error",
    prefix: "",
  },
});

describe("a failure of the engine", () => {
  it("names the resource and repeats what its provider said", () => {
    expect(failureOf(new Error("x"), [reported("it is full")], false)).toEqual({
      code: "RESOURCE_FAILED",
      message: "kubernetes:core/v1:Secret acme-store: it is full",
    });
  });

  it("names the properties that were not planned, and none of their values", () => {
    const message =
      "resource urn:pulumi:x violates plan: properties changed: " +
      "+-stringData[{&{output<string>{}}}], =+data[{&{{map[password:{c2VjcmV0}]}}}]";
    expect(failureOf(new Error("x"), [reported(message)], false).message).toBe(
      "kubernetes:core/v1:Secret acme-store: resource urn:pulumi:x violates plan: properties changed: stringData, data",
    );
  });
});

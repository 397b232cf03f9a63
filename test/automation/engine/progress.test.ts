import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { expect, test } from "vitest";
import { progressOf } from "../../../automation/engine/progress.ts";

const diagnostic = (severity: string): EngineEvent =>
  ({ diagnosticEvent: { severity, message: "<{%reset%}>said<{%reset%}>\n", color: "never" } }) as EngineEvent;

test.each([
  ["info", "info"],
  ["info#err", "info"],
  ["warning", "warning"],
  ["error", "error"],
])("a message of severity %s is shown as %s", (severity, shown) => {
  expect(progressOf(diagnostic(severity))).toEqual({ kind: "log", severity: shown, message: "said" });
});

test("a debug message, which quotes secrets, is never shown", () => {
  expect(progressOf(diagnostic("debug"))).toBeNull();
});

import { expect, it } from "vitest";
import { preferredType } from "../../api/accept.ts";

const OFFERS = ["application/json", "text/plain", "text/markdown"] as const;

it.each([
  [undefined, "application/json"],
  ["", "application/json"],
  ["*/*", "application/json"],
  ["text/plain", "text/plain"],
  ["TEXT/Markdown; charset=utf-8", "text/markdown"],
  ["text/*", "text/plain"],
  ["text/*, text/plain;q=0.1", "text/markdown"],
  ["application/json;q=0.5, text/markdown;q=0.9", "text/markdown"],
  ["text/plain;q=0, */*", "application/json"],
  ["text/markdown, */*;q=0.1", "text/markdown"],
  ["application/json, text/plain", "application/json"],
  ["text/html", "application/json"],
  ["text/plain;q=many", "application/json"],
  ["nonsense", "application/json"],
])("Accept %j gets %s", (header, expected) => {
  expect(preferredType(header, OFFERS)).toBe(expected);
});

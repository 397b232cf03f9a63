import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parseRule } from "../../../../local/arm/plans/document.ts";

const page = readFileSync(new URL("../../../../docs/local-cloud-faults.md", import.meta.url), "utf8");
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(([, text = ""]) => text.trim());
const rules = [...blocks("json"), ...blocks("jsonl").flatMap((block) => block.split("\n"))];

it("the page has rules", () => expect(rules.length).toBeGreaterThan(3));

it.each(rules)("the page's rule %s is taken as it stands", (rule) => {
  expect(parseRule(JSON.parse(rule))).toMatchObject(JSON.parse(rule) as object);
});

import { describe, expect, it } from "vitest";
import type { ChangeSet, PlannedOperation } from "../../../automation/engine/engine.ts";
import { renderReviewMarkdown, renderReviewText } from "../../../automation/engine/review.ts";

const DEDICATED = "tierlift:dedicated:Dedicated";
const ABOUT = { phase: "PREVIEWING_CHANGES" };

function operation(more: Partial<PlannedOperation>): PlannedOperation {
  const planned = {
    operation: "create",
    type: "kubernetes:core/v1:Namespace",
    name: "matih",
    ...more,
  } as const;
  return { urn: `urn::${planned.name}`, components: [], changes: [], ...planned };
}

function changeSet(operations: PlannedOperation[], same = 0): ChangeSet {
  const totals: ChangeSet["totals"] = { create: 0, update: 0, replace: 0, delete: 0, read: 0, same };
  for (const { operation: kind } of operations) totals[kind] += 1;
  return { stack: "acme", operations, totals, digest: "d".repeat(64), createdAt: "2026-01-01T00:00:00.000Z" };
}

const CHANGES = changeSet(
  [
    operation({ components: [DEDICATED], name: "matih" }),
    operation({ type: DEDICATED, name: "acme" }),
    operation({
      operation: "update",
      type: "kubernetes:apps/v1:Deployment",
      name: "query-engine",
      components: [DEDICATED, "tierlift:services:Services"],
      changes: [
        { path: "spec.replicas", kind: "update", replaces: false, before: 2, after: 3 },
        { path: "data.password", kind: "update", replaces: false, before: "[secret]", after: "[secret]" },
        { path: "metadata.labels.tier", kind: "add", replaces: false, after: "ENTERPRISE" },
        { path: "spec.paused", kind: "delete", replaces: false, before: true },
      ],
    }),
    operation({
      operation: "replace",
      type: "azure-native:storage:StorageAccount",
      name: "store",
      components: [DEDICATED, "tierlift:stores:Stores"],
      changes: [
        { path: "location", kind: "update", replaces: true, before: "westeurope", after: "northeurope" },
      ],
    }),
  ],
  7,
);

describe("a review as text", () => {
  it("groups by component, shows old and new, marks replacements and ends with the totals", () => {
    expect(renderReviewText(CHANGES, ABOUT)).toBe(`Stack acme, preview of PREVIEWING_CHANGES
Made 2026-01-01T00:00:00.000Z
Digest ${"d".repeat(64)}

Dedicated
  +  create tierlift:dedicated:Dedicated acme
  +  create kubernetes:core/v1:Namespace matih

Dedicated › Services
  ~  update kubernetes:apps/v1:Deployment query-engine
       spec.replicas: 2 → 3
       data.password: [secret] → [secret]
       metadata.labels.tier: (none) → "ENTERPRISE"
       spec.paused: true → (none)

Dedicated › Stores
  +- REPLACE azure-native:storage:StorageAccount store
       location: "westeurope" → "northeurope" (forces replacement)

Totals: 1 to replace, 1 to update, 2 to create, 7 unchanged
1 resource is replaced: deleted and made anew.
`);
  });

  it("is never wider than 80 columns and loses nothing of a long value", () => {
    const [before, after] = ["a".repeat(190), "words ".repeat(30).trim()];
    const long = operation({
      operation: "update",
      type: `azure-native:network:${"Virtual".repeat(12)}`,
      name: "n".repeat(120),
      changes: [{ path: `spec.${"x".repeat(90)}`, kind: "update", replaces: true, before, after }],
    });
    const text = renderReviewText(changeSet([long]), ABOUT);
    for (const line of text.split("\n")) expect([...line].length).toBeLessThanOrEqual(80);
    expect(text.replace(/\n +/g, "")).toContain(before);
    expect(text.replace(/\n +/g, " ")).toContain(after);
  });

  it("says that nothing changes by its totals alone", () => {
    expect(renderReviewText(changeSet([], 4), ABOUT)).toContain("Totals: 4 unchanged\n");
  });

  it.each([
    ["an escape sequence", "\u001b[2J", "\\u001b[2J"],
    ["a C1 control", "\u009b2J", "\\u009b2J"],
    ["a turned writing direction", "\u202egnp.exe", "\\u202egnp.exe"],
  ])("shows %s harmlessly", (_name, value, shown) => {
    const changes = [
      { path: `p${value}`, kind: "update", replaces: false, before: value, after: 1 },
    ] as const;
    const hostile = operation({ operation: "update", name: value, changes: [...changes] });
    for (const render of [renderReviewText, renderReviewMarkdown]) {
      const text = render(changeSet([hostile]), ABOUT);
      expect(text).not.toContain(value);
      expect(text).toContain(shown);
    }
  });
});

describe("a review as Markdown", () => {
  it("holds the totals as a table, then the groups", () => {
    expect(renderReviewMarkdown(CHANGES, ABOUT)).toBe(`# Stack \`acme\`, preview of \`PREVIEWING_CHANGES\`

| replace | delete | update | create | read | unchanged |
| ---: | ---: | ---: | ---: | ---: | ---: |
| 1 | 0 | 1 | 2 | 0 | 7 |

Made 2026-01-01T00:00:00.000Z, digest \`${"d".repeat(64)}\`.

> **1 resource is replaced: deleted and made anew.**

## Dedicated

- **create** \`tierlift:dedicated:Dedicated\` \`acme\`
- **create** \`kubernetes:core/v1:Namespace\` \`matih\`

## Dedicated › Services

- **update** \`kubernetes:apps/v1:Deployment\` \`query-engine\`
  - \`spec.replicas\`: \`2\` → \`3\`
  - \`data.password\`: \`[secret]\` → \`[secret]\`
  - \`metadata.labels.tier\`: \`(none)\` → \`"ENTERPRISE"\`
  - \`spec.paused\`: \`true\` → \`(none)\`

## Dedicated › Stores

- **REPLACE** \`azure-native:storage:StorageAccount\` \`store\`
  - \`location\`: \`"westeurope"\` → \`"northeurope"\` **(forces replacement)**
`);
  });

  it("keeps backticks inside their code", () => {
    const changes = [{ path: "a", kind: "update", replaces: false, before: "``x`", after: "<b>" }] as const;
    const text = renderReviewMarkdown(
      changeSet([operation({ operation: "update", changes: [...changes] })]),
      ABOUT,
    );
    expect(text).toContain('``` "``x`" ```');
    expect(text).toContain('`"<b>"`');
  });
});

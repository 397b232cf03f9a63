import { describe, expect, test } from "vitest";
import type { ChangeSet, PlannedOperation } from "../../../automation/engine/engine.ts";
import { assertAllowed, assertApproved, forbiddenIn } from "../../../automation/migration/allowed.ts";
import type { GuardedStep } from "../../../automation/migration/allowed.ts";

const SLICE = ["tierlift:slice:Slice"];
const DEDICATED = ["tierlift:dedicated:Dedicated", "tierlift:network:Network"];
const ZONE = ["tierlift:dns:TenantZone"];
const NEXT = ["tierlift:dns:NextRecords"];
const RECORD = "azure-native:dns:RecordSet";

function operation(
  kind: PlannedOperation["operation"],
  components: string[],
  { type = "kubernetes:core/v1:Namespace", paths = [] as string[], name = "thing" } = {},
): PlannedOperation {
  const changes = paths.map((path) => ({ path, kind: "update" as const, replaces: false }));
  return { operation: kind, urn: `urn::${type}::${name}`, type, name, components, changes };
}

const ttl = operation("update", ZONE, { type: RECORD, paths: ["ttl"], name: "@" });
const target = operation("update", ZONE, { type: RECORD, paths: ["aRecords[0].ipv4Address"], name: "@" });
const OPERATIONS = {
  "create in the slice": operation("create", SLICE),
  "update in the slice": operation("update", SLICE, { paths: ["spec.replicas"] }),
  "delete in the slice": operation("delete", SLICE),
  "create in the dedicated part": operation("create", DEDICATED),
  "create of the dedicated component": operation("create", [], { type: "tierlift:dedicated:Dedicated" }),
  "update in the dedicated part": operation("update", DEDICATED, { paths: ["tags.tier"] }),
  "replacement in the dedicated part": operation("replace", DEDICATED, { paths: ["location"] }),
  "delete in the dedicated part": operation("delete", DEDICATED),
  "delete of a node pool": operation("delete", DEDICATED, {
    type: "azure-native:containerservice:AgentPool",
  }),
  "create of next records": operation("create", NEXT, { type: RECORD }),
  "update of next records": operation("update", NEXT, { type: RECORD, paths: ["aRecords"] }),
  "time to live of the tenant's records": ttl,
  "target of the tenant's records": target,
  "metadata of the tenant's records": operation("update", ZONE, {
    type: RECORD,
    paths: ["ttl", "metadata.x"],
  }),
  "unexplained update of the tenant's records": operation("update", ZONE, { type: RECORD }),
  "update of the zone itself": operation("update", ZONE, { type: "azure-native:dns:Zone", paths: ["ttl"] }),
  "delete in the zone": operation("delete", ZONE, { type: RECORD }),
  "create outside": operation("create", []),
  "replacement of a provider": operation("replace", [], {
    type: "pulumi:providers:kubernetes",
    paths: ["kubeconfig"],
  }),
} satisfies Record<string, PlannedOperation>;
type Name = keyof typeof OPERATIONS;

const create: Name[] = [
  "create in the dedicated part",
  "create of the dedicated component",
  "create of next records",
];
const again: Name[] = [...create, "update in the dedicated part", "update of next records"];
const slice: Name[] = ["create in the slice", "update in the slice"];
const all = Object.keys(OPERATIONS) as Name[];
const TABLE: [GuardedStep, boolean, Name[]][] = [
  ["provision", false, create],
  ["provision", true, again],
  ["ingress", false, [...create, "time to live of the tenant's records"]],
  ["ingress", true, [...again, "time to live of the tenant's records"]],
  ["preview", false, [...create, "time to live of the tenant's records"]],
  ["switch", false, ["time to live of the tenant's records", "target of the tenant's records"]],
  ["switch", true, ["time to live of the tenant's records", "target of the tenant's records"]],
  ["restore", false, ["time to live of the tenant's records"]],
  ["resize", false, [...slice, "delete in the slice"]],
  [
    "enlarge",
    false,
    ["create in the dedicated part", "create of the dedicated component", "update in the dedicated part"],
  ],
  [
    "shrink",
    false,
    [
      "create in the dedicated part",
      "create of the dedicated component",
      "update in the dedicated part",
      "delete of a node pool",
    ],
  ],
];

describe.each(TABLE)("%s (again: %s)", (step, isRetry, allowed) => {
  test.each(all)("judges a %s", (name) => {
    const forbidden = forbiddenIn(step, changeSet(OPERATIONS[name]), isRetry);
    expect(forbidden.length === 0).toBe(allowed.includes(name));
  });
});

test.each(["switch", "restore", "provision", "slice"] as const)(
  "%s lets reads and providers' settings pass",
  (step) => {
    const provider = operation("update", [], { type: "pulumi:providers:kubernetes", paths: ["kubeconfig"] });
    expect(forbiddenIn(step, changeSet(provider, operation("read", [])), false)).toEqual([]);
  },
);

test("the platform's stack is never taken apart by its update", () => {
  expect(forbiddenIn("platform", changeSet(operation("create", []), operation("update", [])), false)).toEqual(
    [],
  );
  expect(
    forbiddenIn("platform", changeSet(operation("delete", []), operation("replace", [])), false),
  ).toHaveLength(2);
});

test("a refusal names the step and each operation with its property paths", () => {
  const refuse = (): void => assertAllowed("restore", changeSet(target));
  expect(refuse).toThrow(
    /restore may not do this: update azure-native:dns:RecordSet @ \(aRecords\[0\]\.ipv4Address\)/,
  );
});

describe("a change set held against the approved one", () => {
  const approved = changeSet(
    operation("create", DEDICATED, { name: "a" }),
    operation("create", DEDICATED, { name: "b" }),
  );

  test("passes when it is a part of it", () => {
    assertApproved("provision", approved, changeSet(operation("create", DEDICATED, { name: "b" })));
  });

  test("is refused with another resource or another operation", () => {
    const other = changeSet(operation("create", DEDICATED, { name: "c" }));
    const deleted = changeSet(operation("delete", DEDICATED, { name: "a" }));
    expect(() => assertApproved("provision", approved, other)).toThrow(/create .* c/);
    expect(() => assertApproved("provision", approved, deleted)).toThrow(/delete .* a/);
  });

  test("may update what was approved to be created, when it is tried again", () => {
    const updated = changeSet(operation("update", DEDICATED, { name: "a", paths: ["x"] }));
    expect(() => assertApproved("provision", approved, updated)).toThrow();
    assertApproved("provision", approved, updated, { isRetry: true });
  });
});

function changeSet(...operations: PlannedOperation[]): ChangeSet {
  const totals = { create: 0, update: 0, replace: 0, delete: 0, read: 0, same: 0 };
  return { stack: "acme", operations, totals, digest: "digest", createdAt: "2026-01-01T00:00:00.000Z" };
}

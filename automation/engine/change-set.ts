/** From the engine's events to the reviewable result of a preview. Pure. */
import { createHash } from "node:crypto";
import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";
import type { ChangeSet, OperationKind, PlannedOperation } from "./engine.ts";
import { STACK_TYPE } from "./state.ts";

const SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d";
const UNKNOWN =
  /^(04da6b54-80e4-46f7-96ec-b56ff0331ba9|1c4a061d-8072-4f0a-a4cb-0ff528b18fe7|3eeb2bf0-c639-47a8-9e75-3b44932eb421|6a19a0b0-7e62-4c92-b797-7f8e31da9cc2|dd056dcd-154b-4c76-9bd3-c8f88648b5ff)$/;

/**
 * The engine's step names to ours. A replacement is announced by three steps for one resource; only `replace` is
 * counted. `undefined` means that the step says nothing of its own.
 */
const KIND_OF_STEP: Record<string, OperationKind | "same" | undefined> = {
  same: "same",
  create: "create",
  update: "update",
  replace: "replace",
  delete: "delete",
  read: "read",
  "read-replacement": "read",
  import: "create",
  "import-replacement": "replace",
  "create-replacement": undefined,
  "delete-replaced": undefined,
  "discard-replaced": undefined,
  "remove-pending-replace": undefined,
  refresh: undefined,
  discard: undefined,
};

/** What a URN says: `urn:pulumi:<stack>::<project>::<type>$<type>…::<name>`. */
export function parseUrn(urn: string): { components: string[]; type: string; name: string } {
  const [, , qualifiedType = "", ...name] = urn.split("::");
  const types = qualifiedType.split("$");
  return { components: types.slice(0, -1), type: types.at(-1) ?? "", name: name.join("::") };
}

/** Turns the events of one preview into a change set; `baseDigest` stands for the state it was computed on. */
export function createChangeSet(
  stack: string,
  events: EngineEvent[],
  baseDigest: string,
  now: Date,
): ChangeSet {
  const totals: ChangeSet["totals"] = { create: 0, update: 0, replace: 0, delete: 0, read: 0, same: 0 };
  const operations: PlannedOperation[] = [];
  const hash = createHash("sha256").update(baseDigest);
  const steps = events
    .flatMap((event) => (event.resourcePreEvent ? [event.resourcePreEvent.metadata] : []))
    .filter((step) => step.type !== STACK_TYPE)
    .sort((a, b) => (a.urn < b.urn ? -1 : a.urn > b.urn ? 1 : 0));
  for (const step of steps) {
    const kind = KIND_OF_STEP[step.op];
    if (kind === undefined) continue;
    totals[kind] += 1;
    if (kind === "same") continue;
    const operation = planOperation(kind, step);
    operations.push(operation);
    hash.update(
      stableJson([operation.operation, operation.urn, operation.changes, step.new?.inputs ?? null]),
    );
  }
  return { stack, operations, totals, digest: hash.digest("hex"), createdAt: now.toISOString() };
}

function planOperation(operation: OperationKind, step: StepEventMetadata): PlannedOperation {
  const changes = Object.entries(step.detailedDiff ?? {}).map(([path, diff]) => {
    const kind = diff.diffKind.replace("-replace", "") as "add" | "delete" | "update";
    const before = kind === "add" ? undefined : shown(valueAt(step.old?.inputs, path));
    const after = kind === "delete" ? undefined : shown(valueAt(step.new?.inputs, path));
    return {
      path,
      kind,
      replaces: diff.diffKind.endsWith("-replace"),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    };
  });
  changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { operation, urn: step.urn, ...pick(parseUrn(step.urn)), changes };
}

const pick = ({ components, type, name }: ReturnType<typeof parseUrn>) => ({ type, name, components });

/** Follows a property path as the engine writes it: `spec.ports[0].port`, `data["a.b"]`. */
export function valueAt(value: unknown, path: string): unknown {
  const steps = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  let current: unknown = value;
  for (const [, quoted, index, plain] of steps) {
    if (typeof current !== "object" || current === null) return undefined;
    const key = quoted === undefined ? (index ?? plain ?? "") : quoted.replace(/\\(.)/g, "$1");
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

/** What a reviewer may see of a value: scalars whole up to 200 characters; secrets and unknowns by name. */
function shown(value: unknown): unknown {
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "string") {
    if (UNKNOWN.test(value)) return "[unknown]";
    return value.length > 200 ? `${value.slice(0, 197)}...` : value;
  }
  if (typeof value !== "object") return undefined;
  if (SECRET_SIGNATURE in value) return "[secret]";
  const text = JSON.stringify(value);
  return text.includes(SECRET_SIGNATURE) || text.length > 200 ? undefined : value;
}

/** JSON with sorted keys, so that equal values have equal digests. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

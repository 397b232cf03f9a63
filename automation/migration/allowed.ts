/**
 * What each step of a stack's life may change, as a table. An operation outside it stops the step before anything is
 * touched: the last line between a program's mistake and a tenant's data.
 */
import { tierliftError } from "../errors.ts";
import type { ChangeSet, OperationKind, PlannedOperation } from "../engine/engine.ts";

export type GuardedStep =
  /** The platform's own stack. */
  | "platform"
  /** The making of a tenant's slice and zone. */
  | "slice"
  /** The slice in another tier. */
  | "resize"
  /** One layer of the dedicated footprint. */
  | "provision"
  /** The layer with the ingress, which also lowers the time to live. */
  | "ingress"
  /** The whole dedicated footprint in a preview. */
  | "preview"
  /** The dedicated footprint in another tier. */
  | "enlarge"
  /** The dedicated footprint back in the tier it had. */
  | "shrink"
  /** The switch, there and back. */
  | "switch"
  /** The time to live as it was, after a migration or a rollback. */
  | "restore";

interface Rule {
  kinds: readonly OperationKind[];
  /** Component type the resource must be, or stand under; absent: anything anywhere. */
  under?: string;
  /** Only for resources of a type that ends so. */
  type?: string;
  /** All changed property paths must match. */
  paths?: RegExp;
  /** Only when the step was begun before and may have left its work half done. */
  onRetry?: true;
}

export const SLICE = "tierlift:slice:Slice";
/** What holds the slice's place in the shared stores: the data command, whose deletion takes the tenant's data out. */
export const STORE_HOLDER = "command:local:Command";
export const DEDICATED = "tierlift:dedicated:Dedicated";
export const TENANT_ZONE = "tierlift:dns:TenantZone";
export const NEXT_RECORDS = "tierlift:dns:NextRecords";

const RECORD_SET = ":RecordSet";
const onlyTtl: Rule = { kinds: ["update"], under: TENANT_ZONE, type: RECORD_SET, paths: /^ttl$/ };
const onlyTarget: Rule = {
  kinds: ["update"],
  under: TENANT_ZONE,
  type: RECORD_SET,
  paths: /^(ttl|aRecords)(\[|\.|$)/,
};
const newFootprint: Rule[] = [
  { kinds: ["create"], under: DEDICATED },
  { kinds: ["create"], under: NEXT_RECORDS },
  { kinds: ["update"], under: DEDICATED, onRetry: true },
  { kinds: ["update"], under: NEXT_RECORDS, onRetry: true },
];

const RULES = {
  platform: [{ kinds: ["create", "update"] }],
  slice: [
    { kinds: ["create", "update"], under: SLICE },
    { kinds: ["create", "update"], under: TENANT_ZONE },
  ],
  resize: [{ kinds: ["create", "update", "delete"], under: SLICE }],
  provision: newFootprint,
  ingress: [...newFootprint, onlyTtl],
  preview: [...newFootprint, onlyTtl],
  enlarge: [{ kinds: ["create", "update"], under: DEDICATED }],
  // The larger tier's second pool goes; every other resource stays, at whatever size it can go back to.
  shrink: [
    { kinds: ["create", "update"], under: DEDICATED },
    { kinds: ["delete"], under: DEDICATED, type: ":AgentPool" },
  ],
  switch: [onlyTarget],
  restore: [onlyTtl],
} as const satisfies Record<GuardedStep, readonly Rule[]>;

/** The operations of a change set that the step may not make. */
export function forbiddenIn(
  step: GuardedStep,
  { operations }: ChangeSet,
  isRetry: boolean,
): PlannedOperation[] {
  const rules: readonly Rule[] = RULES[step];
  return operations.filter(
    (operation) => !isHarmless(operation) && !rules.some((rule) => allows(rule, operation, isRetry)),
  );
}

/** Throws CHANGE_NOT_ALLOWED with every operation outside the step's rules. */
export function assertAllowed(step: GuardedStep, changes: ChangeSet, { isRetry = false } = {}): void {
  const forbidden = forbiddenIn(step, changes, isRetry);
  if (forbidden.length > 0) {
    throw tierliftError("CHANGE_NOT_ALLOWED", { step, operations: forbidden.map(describeOperation) });
  }
}

/**
 * Throws CHANGE_NOT_APPROVED when a change set holds what the approved one does not, by resource and operation. What
 * was approved to be created may be updated when the step is tried again after it was half done.
 */
export function assertApproved(
  step: string,
  approved: ChangeSet,
  changes: ChangeSet,
  { isRetry = false } = {},
): void {
  const known = new Set(approved.operations.map(({ operation, urn }) => `${operation} ${urn}`));
  const unknown = changes.operations.filter((operation) => {
    if (isHarmless(operation) || known.has(`${operation.operation} ${operation.urn}`)) return false;
    return !(isRetry && operation.operation === "update" && known.has(`create ${operation.urn}`));
  });
  if (unknown.length > 0) {
    throw tierliftError("CHANGE_NOT_APPROVED", { step, operations: unknown.map(describeOperation) });
  }
}

/** What touches no resource of anyone: reads, provider configurations, and the stack's own entry. */
function isHarmless({ operation, type }: PlannedOperation): boolean {
  if (operation === "read") return true;
  if (type === "pulumi:pulumi:Stack") return operation === "create" || operation === "update";
  return type.startsWith("pulumi:providers:") && operation !== "replace";
}

function allows(
  rule: Rule,
  { operation, type, components, changes }: PlannedOperation,
  isRetry: boolean,
): boolean {
  if (!rule.kinds.includes(operation)) return false;
  if (rule.onRetry === true && !isRetry) return false;
  if (rule.under !== undefined && type !== rule.under && !components.includes(rule.under)) return false;
  if (rule.type !== undefined && !type.endsWith(rule.type)) return false;
  // An update without paths is one the engine could not explain: not one to let pass a rule about paths.
  const { paths } = rule;
  return paths === undefined || (changes.length > 0 && changes.every(({ path }) => paths.test(path)));
}

function describeOperation({ operation, type, name, changes }: PlannedOperation): string {
  const paths = changes.map(({ path }) => path).join(", ");
  return paths === "" ? `${operation} ${type} ${name}` : `${operation} ${type} ${name} (${paths})`;
}

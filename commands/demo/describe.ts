/** Previews and reports in a few lines. Pure. */
import type { ChangeSet } from "../../automation/engine/engine.ts";
import type { VerificationReport } from "../../automation/ports.ts";

/** Totals, then what is created, by kind of thing. */
export function describeChanges({ totals, operations, digest }: ChangeSet): string[] {
  const counted = Object.entries(totals).filter(([, count]) => count > 0);
  const families = countBy(operations, ({ type }) => familyOf(type));
  return [
    `  preview: ${counted.map(([kind, count]) => `${count} ${kind}`).join(", ")} (digest ${digest.slice(0, 12)})`,
    ...families.map(([family, count]) => `  ${String(count).padStart(5)} ${family}`),
  ];
}

/** Passed checks by group; those that failed one by one. */
export function describeReport({ checks, passed }: VerificationReport): string[] {
  const groups = [...new Set(checks.map(({ group }) => group))].map((group) => {
    const own = checks.filter((check) => check.group === group);
    const data = group === "data" ? ` (${own[0]?.found ?? ""})` : "";
    return `  ${own.filter((check) => check.passed).length}/${own.length} ${group}${data}`;
  });
  const failures = checks.filter((check) => !check.passed);
  return [
    `  verification ${passed ? "passed" : "FAILED"}:`,
    ...groups.map((line) => `  ${line}`),
    ...failures.map(
      ({ group, name, expected, found }) => `    ${group} ${name}: ${expected} expected, ${found} found`,
    ),
  ];
}

/** `azure-native:network:Subnet` → `azure-native:network`; `kubernetes:apps/v1:Deployment` → `kubernetes:apps`. */
function familyOf(type: string): string {
  const [provider = "", module = ""] = type.split(":");
  return `${provider}:${module.split("/")[0]}`;
}

function countBy<T>(items: T[], keyOf: (item: T) => string): [string, number][] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b));
}

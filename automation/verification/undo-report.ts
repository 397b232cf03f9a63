/** The report at the end of a way back: what may not be there, and what has to be as it was. Pure. */
import type { Inventory, SliceDigest, VerificationCheck } from "../ports.ts";

const SHOWN = 5;

/** Every place that was asked, in the state as well: nothing may be left there. */
export function checkInventory({ answers, kept }: Inventory): VerificationCheck[] {
  const checks = answers.map(({ place, left }) => ({
    group: "inventory",
    name: place,
    expected: "nothing",
    found: left.length === 0 ? "nothing" : shown(left),
    passed: left.length === 0,
  }));
  if (kept.length === 0) return checks;
  // Names that stay taken for a while are told, so that nobody is surprised by them.
  const note = {
    group: "kept by Azure",
    name: "soft-deleted",
    expected: "any",
    found: shown(kept),
    passed: true,
  };
  return [...checks, note];
}

/** Resources of the state, one `urn id` each, before and now. */
export function checkStands(before: string[] | undefined, now: string[]): VerificationCheck[] {
  if (before === undefined) return [];
  const [known, present] = [new Set(before), new Set(now)];
  const problems = [
    ...before.filter((entry) => !present.has(entry)).map((entry) => `${entry} is gone`),
    ...now.filter((entry) => !known.has(entry)).map((entry) => `${entry} is new`),
  ];
  return [compared("state", `${before.length} resources as before`, problems)];
}

/**
 * The slice before the first change and now. What is in the stores is the tenant's to change while the slice serves it: other
 * contents are told and no fault, a table that is gone is one.
 */
export function compareSlices(before: SliceDigest, now: SliceDigest): VerificationCheck[] {
  const objects = differencesOf(before.objects, now.objects);
  const rows = differencesOf(before.rows, now.rows);
  const gone = rows.filter(({ kind }) => kind === "gone").map(({ text }) => text);
  const changed = rows.filter(({ kind }) => kind !== "gone").map(({ text }) => text);
  return [
    compared(
      "objects",
      `${Object.keys(before.objects).length} as before`,
      objects.map(({ text }) => text),
    ),
    compared("tables", `${Object.keys(before.rows).length} as before`, gone),
    {
      group: "slice",
      name: "rows",
      expected: "as before, or changed by the tenant",
      found: changed.length === 0 ? "as before" : shown(changed),
      passed: true,
    },
    {
      group: "slice",
      name: "blobs",
      expected: "as before, or changed by the tenant",
      found: before.blobs === now.blobs ? "as before" : `${now.blobs}; before: ${before.blobs}`,
      passed: true,
    },
    ...(before.keys === undefined || now.keys === undefined
      ? []
      : [
          {
            group: "slice",
            name: "keys",
            expected: "as before, or changed by the tenant",
            found: before.keys === now.keys ? "as before" : `${now.keys}; before: ${before.keys}`,
            passed: true,
          },
        ]),
    ...compareRecords(before, now),
    same("database role", before.role, now.role),
    same("limits", before.limits, now.limits),
  ];
}

/** Where there is Kafka: nothing to compare without it. */
function compareRecords(before: SliceDigest, now: SliceDigest): VerificationCheck[] {
  if (before.records === undefined || now.records === undefined) return [];
  return [
    {
      group: "slice",
      name: "records",
      expected: "as before, or changed by the tenant",
      found: before.records === now.records ? "as before" : `${now.records}; before: ${before.records}`,
      passed: true,
    },
  ];
}

interface Difference {
  kind: "gone" | "new" | "changed";
  text: string;
}

function differencesOf(before: Record<string, string>, now: Record<string, string>): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return names.flatMap((name): Difference[] => {
    const [was, is] = [before[name], now[name]];
    if (was === is) return [];
    const kind = is === undefined ? "gone" : was === undefined ? "new" : "changed";
    return [{ kind, text: `${name} is ${kind}` }];
  });
}

function compared(name: string, expected: string, problems: string[]): VerificationCheck {
  const passed = problems.length === 0;
  return { group: "slice", name, expected, found: passed ? expected : shown(problems), passed };
}

const same = (name: string, expected: string, found: string): VerificationCheck => ({
  group: "slice",
  name,
  expected,
  found,
  passed: expected === found,
});

function shown(items: string[]): string {
  const first = items.slice(0, SHOWN).join("; ");
  return items.length > SHOWN ? `${first}; and ${items.length - SHOWN} more` : first;
}

/** The failed checks as sentences for the operator. */
export function problemsOf(checks: VerificationCheck[]): string[] {
  return checks
    .filter(({ passed }) => !passed)
    .map(({ name, expected, found }) => `${name}: expected ${expected}, found ${found}`);
}

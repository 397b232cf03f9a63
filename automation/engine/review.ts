/** A change set as a person reads it: in a terminal of 80 columns, or pasted into a ticket. Pure. */
import type { ChangeSet, OperationKind, PlannedOperation } from "./engine.ts";

export interface ReviewAbout {
  /** Which preview of the stack it is, for example `PREVIEWING_CHANGES`. */
  phase: string;
}

const COLUMNS = 80;

/** What deserves a reviewer's eye first comes first. */
const ORDER: readonly OperationKind[] = ["replace", "delete", "update", "create", "read"];

const MARKS = {
  replace: "+-",
  delete: "-",
  update: "~",
  create: "+",
  read: "<",
} as const satisfies Record<OperationKind, string>;

/** Renders a change set as plain text; no line is wider than 80 columns. */
export function renderReviewText(changes: ChangeSet, { phase }: ReviewAbout): string {
  const head = [
    ...wrapped(`Stack ${printable(changes.stack)}, preview of ${phase}`, ""),
    `Made ${changes.createdAt}`,
    ...wrapped(`Digest ${changes.digest}`, ""),
  ];
  const groups = groupsOf(changes).flatMap(({ heading, operations }) => [
    "",
    ...wrapped(heading, ""),
    ...operations.flatMap(operationText),
  ]);
  const end = ["", ...wrapped(`Totals: ${totalsOf(changes)}`, ""), ...replacementNote(changes)];
  return `${[...head, ...groups, ...end].join("\n")}\n`;
}

function operationText({ operation, type, name, changes }: PlannedOperation): string[] {
  const mark = MARKS[operation].padEnd(3);
  const shown = operation === "replace" ? "REPLACE" : operation;
  return [
    ...wrapped(`${shown} ${printable(type)} ${printable(name)}`, `  ${mark}`, "       "),
    ...changes.flatMap(changeText),
  ];
}

/** On one line where that is narrow enough, else the old and the new value below their path. */
function changeText(change: PlannedOperation["changes"][number]): string[] {
  const { path, before, after } = sidesOf(change);
  const flag = change.replaces ? " (forces replacement)" : "";
  const line = `       ${path}: ${before} → ${after}${flag}`;
  if (widthOf(line) <= COLUMNS) return [line];
  return [
    ...wrapped(`${path}:${flag}`, "       "),
    ...wrapped(before, "         "),
    ...wrapped(after, "       → ", "         "),
  ];
}

/** Renders a change set as Markdown, every name and value as code, so that none can be taken for markup. */
export function renderReviewMarkdown(changes: ChangeSet, { phase }: ReviewAbout): string {
  const kinds = [...ORDER, "same"] as const;
  const head = [
    `# Stack ${code(changes.stack)}, preview of ${code(phase)}`,
    "",
    `| ${kinds.map((kind) => (kind === "same" ? "unchanged" : kind)).join(" | ")} |`,
    `|${" ---: |".repeat(kinds.length)}`,
    `| ${kinds.map((kind) => changes.totals[kind]).join(" | ")} |`,
    "",
    `Made ${changes.createdAt}, digest ${code(changes.digest)}.`,
    ...replacementNote(changes).flatMap((note) => ["", `> **${note}**`]),
  ];
  const groups = groupsOf(changes).flatMap(({ heading, operations }) => [
    "",
    `## ${heading}`,
    "",
    ...operations.flatMap(operationMarkdown),
  ]);
  const none = changes.operations.length === 0 ? ["", "Nothing changes."] : [];
  return `${[...head, ...groups, ...none].join("\n")}\n`;
}

function operationMarkdown({ operation, type, name, changes }: PlannedOperation): string[] {
  const shown = operation === "replace" ? "REPLACE" : operation;
  return [
    `- **${shown}** ${code(type)} ${code(name)}`,
    ...changes.map((change) => {
      const { path, before, after } = sidesOf(change);
      const flag = change.replaces ? " **(forces replacement)**" : "";
      return `  - ${code(path)}: ${code(before)} → ${code(after)}${flag}`;
    }),
  ];
}

interface Group {
  heading: string;
  operations: PlannedOperation[];
}

/** Operations under the component that they stand in; a component is the first of its own group. */
function groupsOf({ operations }: ChangeSet): Group[] {
  const groups = new Map<string, PlannedOperation[]>();
  for (const operation of operations) {
    const { components, type } = operation;
    const path = isComponent(type) ? [...components, type] : components;
    const heading = path.length === 0 ? "Stack" : path.map(shortName).join(" › ");
    groups.set(heading, [...(groups.get(heading) ?? []), operation]);
  }
  return [...groups]
    .map(([heading, group]) => ({ heading, operations: group.sort(byWeight) }))
    .sort((a, b) => compare(a.heading, b.heading));
}

const isComponent = (type: string): boolean => type.startsWith("tierlift:");
const shortName = (type: string): string => printable(type.split(":").at(-1) ?? type);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byWeight = (a: PlannedOperation, b: PlannedOperation): number =>
  Number(isComponent(b.type)) - Number(isComponent(a.type)) ||
  ORDER.indexOf(a.operation) - ORDER.indexOf(b.operation) ||
  compare(a.type, b.type) ||
  compare(a.name, b.name);

function totalsOf({ totals }: ChangeSet): string {
  const counts = ORDER.filter((kind) => totals[kind] > 0).map((kind) => `${totals[kind]} to ${kind}`);
  return [...counts, `${totals.same} unchanged`].join(", ");
}

function replacementNote({ totals: { replace } }: ChangeSet): string[] {
  if (replace === 0) return [];
  return [
    replace === 1
      ? "1 resource is replaced: deleted and made anew."
      : `${replace} resources are replaced: deleted and made anew.`,
  ];
}

function sidesOf({ path, kind, before, after }: PlannedOperation["changes"][number]) {
  return {
    path: printable(path),
    before: kind === "add" ? "(none)" : valueText(before),
    after: kind === "delete" ? "(none)" : valueText(after),
  };
}

/** The change set holds no value where it is too large to show, and names secrets and unknowns in brackets. */
function valueText(value: unknown): string {
  if (value === undefined) return "(not shown)";
  if (value === "[secret]" || value === "[unknown]") return value;
  return printable(JSON.stringify(value));
}

/**
 * Control characters and those that turn the writing direction, as escapes: a value out of somebody's cloud must not
 * steer the reviewer's terminal or reorder what is read.
 */
function printable(text: string): string {
  return text.replace(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u200b-\u200f\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A code span that its own content cannot end: the fence is longer than any run of backticks inside. */
function code(text: string): string {
  const content = printable(text);
  const runs = (content.match(/`+/g) ?? []).map((run) => run.length);
  const fence = "`".repeat(Math.max(0, ...runs) + 1);
  return runs.length === 0 ? `${fence}${content}${fence}` : `${fence} ${content} ${fence}`;
}

const widthOf = (text: string): number => [...text].length;

/** Lines of at most 80 columns, broken at spaces where there are any. */
function wrapped(text: string, first: string, rest = " ".repeat(widthOf(first))): string[] {
  const lines: string[] = [];
  let left = [...text];
  for (let indent = first; ; indent = rest) {
    const room = COLUMNS - widthOf(indent);
    if (left.length <= room) return [...lines, `${indent}${left.join("")}`];
    const space = left.slice(0, room + 1).lastIndexOf(" ");
    const end = space > 0 ? space : room;
    lines.push(`${indent}${left.slice(0, end).join("")}`);
    left = left.slice(space > 0 ? end + 1 : end);
  }
}

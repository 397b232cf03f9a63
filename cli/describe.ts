/** Phases, previews, reports and resources in a few lines. Pure. */
import type { ChangeSet } from "../automation/engine/engine.ts";
import type { TierliftEvent } from "../automation/model.ts";
import type { CutoverReport, VerificationReport } from "../automation/ports.ts";
import { printable } from "./text.ts";
import type { PhaseData } from "./watch.ts";

/** Lines for a migration's statuses and phases, with the resources that were counted on the way; none for the rest. */
export function createTeller(): (event: TierliftEvent) => string | undefined {
  const done = new Map<string, number>();
  return ({ type, data }) => {
    if (type === "status") return String(data["status"]);
    if (type === "phase") {
      const phase = data as unknown as PhaseData;
      return describePhase(phase, done.get(phase.phase) ?? 0);
    }
    const phase = String(data["phase"]);
    if (type === "resource" && data["state"] === "done") done.set(phase, (done.get(phase) ?? 0) + 1);
    return undefined;
  };
}

/** One line for a phase's beginning or end. */
export function describePhase(data: PhaseData, resources: number): string {
  const { number, total, phase, state, attempt = 1, durationMs, error } = data;
  const head = `[${String(number).padStart(2)}/${total}] ${phase.padEnd(28)}`;
  const again = attempt > 1 ? `, try ${attempt}` : "";
  if (state === "done" && durationMs !== undefined) {
    const changed = resources > 0 ? `, ${resources} resources` : "";
    return `${head} done in ${(durationMs / 1000).toFixed(1)} s${changed}`;
  }
  return `${head} ${state}${again}${error ? `: ${printable(error)}` : ""}`;
}

/** What happens to one resource, or a line of the engine's log; undefined for other events. */
export function describeRecent({ type, data }: TierliftEvent): string | undefined {
  if (type === "log") return printable(String(data["message"])).trim();
  if (type !== "resource") return undefined;
  const kind = String(data["type"]).split(":").at(-1);
  return printable(`${String(data["operation"])} ${kind} ${String(data["name"])}: ${String(data["state"])}`);
}

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
    const data = group === "data" ? ` (${own.map(({ name, found }) => `${name} ${found}`).join("; ")})` : "";
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

/** One line on how long a tenant that was switched could not write. */
export function describeFreeze({ mode, frozenSeconds, comparedInFreeze }: CutoverReport): string {
  const rows = `${comparedInFreeze} ${mode === "followed" ? "changed " : ""}rows compared meanwhile`;
  return `Writes were frozen for ${frozenSeconds.toFixed(2)} s until both sides were shown to be the same (${rows})`;
}

/** What came late from the old side: a line where blobs were brought over, and one for each that both sides have written. */
export function describeLate({ late }: CutoverReport): string[] {
  if (late === undefined || late.copied.blobs === 0) return [];
  const { blobs, bytes } = late.copied;
  return [
    `Late writes of the old services were brought over: ${blobs} blobs, ${bytes} bytes`,
    ...late.aside.map((name) => printable(`  both sides wrote it, the old one's is beside the new: ${name}`)),
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

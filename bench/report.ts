/** What a bench says in the end: every measure beside its goal, a miss as plainly as a hit. Pure. */
import { rounded } from "./statistics.ts";

export type Goal = { atMost: number } | { atLeast: number };

/** What was found, before it is held against its goal. */
export interface Finding {
  name: string;
  /** What exactly is compared or counted. */
  what: string;
  value: number;
  /** `ratio` where two figures of the same unit are compared. */
  unit: "ratio" | "MB" | "ms" | "s";
  goal: Goal | null;
  /** What the value was made of, and what else was seen. */
  figures: Record<string, unknown>;
  /** Where a miss comes from, and what would help. */
  onMiss?: string;
}

export interface NotMeasured {
  name: string;
  notMeasured: string;
}

export type Measure = NotMeasured | (Omit<Finding, "onMiss"> & { met: boolean | null; needed?: string });

export interface Report {
  at: string;
  machine: Record<string, unknown>;
  measures: Measure[];
  /** Names of the measures whose goals were missed. */
  missed: string[];
}

export const isMet = (value: number, goal: Goal): boolean =>
  "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;

/** Holds a finding against its goal. */
export function judged({ onMiss, ...finding }: Finding): Measure {
  const value = rounded(finding.value, finding.unit === "ratio" ? 3 : 1);
  const { goal, unit } = finding;
  const measure = { ...finding, value, met: goal === null ? null : isMet(value, goal) };
  if (goal === null || measure.met !== false) return measure;
  return { ...measure, needed: [distance(value, goal, unit), onMiss].filter(Boolean).join(" ") };
}

/** How far from its goal a value is, as a factor: what has to be gained. */
function distance(value: number, goal: Goal, unit: Finding["unit"]): string {
  const [bound, limit] = "atMost" in goal ? ["at most", goal.atMost] : ["at least", goal.atLeast];
  const factor = "atMost" in goal ? value / limit : limit / value;
  const shown = unit === "ratio" ? `${value}` : `${value} ${unit}`;
  return `${shown} instead of ${bound} ${limit}: a factor of ${rounded(factor, 2)} is missing.`;
}

export function createReport(at: Date, machine: Report["machine"], measures: Measure[]): Report {
  const missed = measures.flatMap((measure) =>
    "met" in measure && measure.met === false ? [measure.name] : [],
  );
  return { at: at.toISOString(), machine, measures, missed };
}

/** One line for people, while the bench goes on. */
export function describeMeasure(measure: Measure): string {
  if ("notMeasured" in measure) return `${measure.name}: not measured: ${measure.notMeasured}`;
  const { name, value, unit, goal, met } = measure;
  const wanted = goal === null ? "" : `, goal ${"atMost" in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`}`;
  const verdict = met === null ? "" : met ? ": met" : ": MISSED";
  return `${name}: ${value}${unit === "ratio" ? "" : ` ${unit}`}${wanted}${verdict}`;
}

import type { DiffKind } from "../protocol/provider.ts";
import { Unknown, type PlainMap, type PlainValue } from "../protocol/values.ts";
import { isObject } from "./object.ts";

export type DetailedDiff = Record<string, { kind: DiffKind; inputDiff?: boolean }>;
type Path = readonly (string | number)[];
type Change = "add" | "delete" | "update";

/**
 * Compares what the cluster holds of the old inputs with the new inputs, property by property, and marks a
 * change under one of `forceNew` as a replacement. Paths are written as the engine reads them.
 */
export function diffObjects(live: PlainMap, news: PlainMap, forceNew: readonly string[]): DetailedDiff {
  const diff: DetailedDiff = {};
  const patterns = forceNew.map(parsePattern);
  const record = (path: Path, change: Change, value: PlainValue | undefined) => {
    const replaces = patterns.some((pattern) => touches(path, value, pattern));
    const kind: DiffKind = replaces ? `${change}-replace` : change;
    diff[pathText(path)] = change === "delete" ? { kind, inputDiff: true } : { kind };
  };
  compareMaps([], live, news, record);
  return diff;
}

type Record_ = (path: Path, change: Change, value: PlainValue | undefined) => void;

function compareMaps(path: Path, old: PlainMap, next: PlainMap, record: Record_): void {
  for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
    compare([...path, key], own(old, key), own(next, key), record);
  }
}

function compare(
  path: Path,
  old: PlainValue | undefined,
  next: PlainValue | undefined,
  record: Record_,
): void {
  if (next === undefined) {
    if (old !== undefined) record(path, "delete", undefined);
  } else if (old === undefined) {
    if (!isEmpty(next)) record(path, "add", next);
  } else if (next instanceof Unknown && isObject(old)) {
    // As the official provider has it: an unknown in place of an object counts as the loss of what it held.
    for (const key of Object.keys(old)) record([...path, key], "delete", undefined);
  } else if (isObject(old) && isObject(next)) {
    compareMaps(path, old, next, record);
  } else if (Array.isArray(old) && Array.isArray(next)) {
    for (let index = 0; index < Math.max(old.length, next.length); index++) {
      compare([...path, index], old[index], next[index], record);
    }
  } else if (old !== next) {
    record(path, "update", next);
  }
}

function own(map: PlainMap, key: string): PlainValue | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** The API server does not keep such values of optional fields, so their absence is no difference. */
function isEmpty(value: PlainValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  return value === null || value === "" || value === 0 || value === false;
}

/** `spec.containers[*].image` → its steps; `*` stands for any element. */
function parsePattern(pattern: string): string[] {
  return pattern.replaceAll("[*]", ".*").split(".");
}

/** Whether a change at `path`, to `value`, lies on, under or around the field a pattern names. */
function touches(path: Path, value: PlainValue | undefined, pattern: readonly string[]): boolean {
  const shared = Math.min(path.length, pattern.length);
  for (let index = 0; index < shared; index++) {
    const step = path[index];
    if (pattern[index] !== (typeof step === "number" ? "*" : step)) return false;
  }
  return path.length >= pattern.length || contains(value, pattern.slice(path.length));
}

function contains(value: PlainValue | undefined, steps: readonly string[]): boolean {
  const [step, ...rest] = steps;
  if (step === undefined) return value !== undefined;
  if (step === "*") return Array.isArray(value) && value.some((item) => contains(item, rest));
  return isObject(value) && Object.hasOwn(value, step) && contains(value[step], rest);
}

/** A property path: `spec.hard["requests.cpu"]`, `spec.containers[0].image`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (/[."[\]]/.test(step)) return `${text}["${step.replaceAll('"', '\\"')}"]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** Whether the property path `outer` is `inner` or one of its parents. */
export function pathContains(outer: string, inner: string): boolean {
  if (!inner.startsWith(outer)) return false;
  const next = inner.charAt(outer.length);
  return next === "" || next === "." || next === "[";
}

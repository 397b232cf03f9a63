import type { DiffKind } from "../protocol/provider.ts";
import { isMap, Secret, Unknown, type PropertyMap, type PropertyValue } from "../protocol/values.ts";

export type DetailedDiff = Record<string, { kind: DiffKind }>;

/** Property by property; a value not known yet differs from any other. */
export function diffInputs(olds: PropertyMap, news: PropertyMap): DetailedDiff {
  const diff: DetailedDiff = {};
  compareMaps("", olds, news, diff);
  return diff;
}

function compareMaps(path: string, olds: PropertyMap, news: PropertyMap, diff: DetailedDiff): void {
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    compare(join(path, key), olds[key], news[key], diff);
  }
}

function compare(
  path: string,
  before: PropertyValue | undefined,
  after: PropertyValue | undefined,
  diff: DetailedDiff,
): void {
  const old = open(before);
  const next = open(after);
  if (old === undefined && next === undefined) return;
  if (old === undefined) diff[path] = { kind: "add" };
  else if (next === undefined) diff[path] = { kind: "delete" };
  else if (isMap(old) && isMap(next)) compareMaps(path, old, next, diff);
  else if (Array.isArray(old) && Array.isArray(next)) {
    for (let index = 0; index < Math.max(old.length, next.length); index++) {
      compare(`${path}[${index}]`, old[index], next[index], diff);
    }
  } else if (old !== next || next instanceof Unknown) diff[path] = { kind: "update" };
}

function open(value: PropertyValue | undefined): PropertyValue | undefined {
  if (value instanceof Secret) return open(value.value);
  return value === null ? undefined : value;
}

function join(path: string, key: string): string {
  if (/[."[\]]/.test(key)) return `${path}["${key.replaceAll('"', '\\"')}"]`;
  return path === "" ? key : `${path}.${key}`;
}

/** `environment.LEVEL` → `environment`. */
export function topLevel(path: string): string {
  return /^[^.[]+/.exec(path)?.[0] ?? path;
}

import type { Definition } from "../../arm/definitions/index.ts";
import { outputsToInputs } from "../../arm/definitions/index.ts";
import type { PlainMap, PlainValue } from "../protocol/values.ts";
import { Unknown } from "../protocol/values.ts";
import { isEqual } from "./diff.ts";
import { rulesOf } from "./rules.ts";

/** What a refresh makes of the inputs: only what changed in Azure, never what Azure filled in by itself. */

const isMap = (value: PlainValue | undefined): value is PlainMap =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Unknown);

/** `before` and `after` are what was and is there, in the shape of inputs. */
function carryOver(input: PlainValue, before: PlainValue, after: PlainValue): PlainValue {
  if (isEqual(before, after)) return input;
  if (isMap(input) && isMap(before) && isMap(after)) return carryOverMap(input, before, after);
  if (Array.isArray(input) && Array.isArray(before) && Array.isArray(after))
    return after.map((item, i) => {
      const [mine, was] = [input[i], before[i]];
      return mine === undefined || was === undefined ? item : carryOver(mine, was, item);
    });
  return after;
}

function carryOverMap(input: PlainMap, before: PlainMap, after: PlainMap): PlainMap {
  const result = { ...input };
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is, mine] = [before[key], after[key], input[key]];
    if (is === undefined) delete result[key];
    else if (was === undefined || mine === undefined) {
      if (!isEqual(was, is)) result[key] = is;
    } else result[key] = carryOver(mine, was, is);
  }
  return result;
}

/** Sets a property by a path of names; containers on the way are made. */
export function setAt(target: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split(".");
  let at = target;
  for (const name of names.slice(0, -1)) {
    const next = at[name];
    at = (typeof next === "object" && next !== null ? next : (at[name] = {})) as Record<string, unknown>;
  }
  at[names.at(-1) ?? path] = value;
}

export function getAt(source: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], source);
}

/**
 * Sub-resources that the program does not list belong to resources of their own: the list among the outputs is
 * emptied, so that neither outputs nor inputs change with them.
 */
export function withoutForeignSubResources(token: string, outputs: PlainMap, inputs: PlainMap): PlainMap {
  const result = structuredClone(outputs);
  for (const path of rulesOf(token).subResources ?? [])
    if (getAt(inputs, path) === undefined) setAt(result, path, []);
  return result;
}

/** The inputs after a refresh. Write-only inputs stay: what ARM never returns has not changed. */
export function refreshInputs(
  definition: Definition,
  inputs: PlainMap,
  oldOutputs: PlainMap,
  newOutputs: PlainMap,
): PlainMap {
  const before = outputsToInputs(definition, oldOutputs) as PlainMap;
  const after = outputsToInputs(definition, newOutputs) as PlainMap;
  return carryOverMap(inputs, before, after);
}

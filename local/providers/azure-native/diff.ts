import type { Definition } from "../../arm/definitions/index.ts";
import type { DiffKind, DiffRequest, DiffResult } from "../protocol/provider.ts";
import type { PlainMap, PlainValue } from "../protocol/values.ts";
import { plain, Unknown } from "../protocol/values.ts";
import { createBeforeDelete } from "./naming.ts";
import { rulesOf } from "./rules.ts";

/** Differences between old and new inputs, and which of them replace the resource. */

type Change = "add" | "delete" | "update";
type Changes = Map<string, { change: Change; rule: string }>;

const isMap = (value: PlainValue | undefined): value is PlainMap =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Unknown);
const isGiven = (value: PlainValue | undefined): value is PlainValue => value !== undefined && value !== null;
const joined = (path: string, key: string): string => {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
};

/** Deep equality; an unknown equals nothing. */
export function isEqual(a: PlainValue | undefined, b: PlainValue | undefined): boolean {
  if (a instanceof Unknown || b instanceof Unknown) return false;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  if (isMap(a) && isMap(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => isEqual(a[key] ?? null, b[key] ?? null));
  }
  return a === b;
}

/** `path` is shown; `rule` is the same without indices (`agentPoolProfiles[].vmSize`), to look replacements up. */
function compare(old: PlainValue, now: PlainValue, path: string, rule: string, changes: Changes): void {
  if (isMap(old) && isMap(now)) compareMaps(old, now, path, rule, changes);
  else if (Array.isArray(old) && Array.isArray(now)) {
    for (let i = 0; i < Math.max(old.length, now.length); i++) {
      const [before, after, at] = [old[i], now[i], `${path}[${i}]`];
      if (before === undefined) changes.set(at, { change: "add", rule: `${rule}[]` });
      else if (after === undefined) changes.set(at, { change: "delete", rule: `${rule}[]` });
      else compare(before, after, at, `${rule}[]`, changes);
    }
  } else if (!isEqual(old, now)) changes.set(path, { change: "update", rule });
}

function compareMaps(old: PlainMap, now: PlainMap, path: string, rule: string, changes: Changes): void {
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (key.startsWith("__")) continue;
    const [before, after] = [old[key], now[key]];
    const at = joined(path, key);
    const ruleAt = rule === "" ? key : `${rule}.${key}`;
    if (!isGiven(before) && isGiven(after)) changes.set(at, { change: "add", rule: ruleAt });
    else if (isGiven(before) && !isGiven(after)) changes.set(at, { change: "delete", rule: ruleAt });
    else if (isGiven(before) && isGiven(after)) compare(before, after, at, ruleAt, changes);
  }
}

const normalLocation = (location: string): string => location.toLowerCase().replaceAll(" ", "");

/** `Basic` is an old name of AKS's `Base`, `Paid` one of `Standard`. */
const skuWords: Record<string, string> = { Basic: "Base", Paid: "Standard" };
function isSameSku(old: PlainMap, now: PlainMap): boolean {
  const isPlainSku = (sku: PlainMap) => Object.keys(sku).length === 2 && "name" in sku && "tier" in sku;
  const word = (value: PlainValue | undefined) =>
    typeof value === "string" ? (skuWords[value] ?? value) : value;
  return (
    isPlainSku(old) &&
    isPlainSku(now) &&
    isEqual(word(old["name"]), word(now["name"])) &&
    isEqual(word(old["tier"]), word(now["tier"]))
  );
}

/** What Azure takes for the same is made the same before the comparison. */
function withoutNoise(old: PlainMap, now: PlainMap): PlainMap {
  const result = { ...old };
  const keep = (key: string) => {
    if (now[key] !== undefined) result[key] = now[key];
  };
  const [group, newGroup] = [old["resourceGroupName"], now["resourceGroupName"]];
  if (typeof group === "string" && typeof newGroup === "string")
    if (group.toLowerCase() === newGroup.toLowerCase()) keep("resourceGroupName");
  const [location, newLocation] = [old["location"], now["location"]];
  if (typeof location === "string" && typeof newLocation === "string")
    if (normalLocation(location) === normalLocation(newLocation)) keep("location");
  const [sku, newSku] = [old["sku"], now["sku"]];
  if (isMap(sku) && isMap(newSku) && isSameSku(sku, newSku)) keep("sku");
  return result;
}

/** Whether a change at `rule` replaces: it, or for an update something above it, is on the list. */
function isReplacing(replaceOn: ReadonlySet<string>, rule: string, change: Change): boolean {
  if (replaceOn.has(rule)) return true;
  if (change !== "update") return false;
  for (let at = rule.lastIndexOf("."); at > 0; at = rule.lastIndexOf(".", at - 1))
    if (replaceOn.has(rule.slice(0, at))) return true;
  return false;
}

export interface Difference {
  olds: PlainMap;
  oldInputs: PlainMap;
  news: PlainMap;
}

/** The detailed differences of a resource of type `token`. */
export function diffInputs(definition: Definition, token: string, values: Difference): DiffResult {
  const { olds, news } = values;
  const oldInputs = { ...values.oldInputs };
  // Inputs of older states have no API version: the state's counts.
  if (!isGiven(oldInputs["azureApiVersion"]) && isGiven(olds["azureApiVersion"]))
    oldInputs["azureApiVersion"] = olds["azureApiVersion"];
  const rules = rulesOf(token);
  const replaceOn = new Set([...Object.keys(definition.pathParameters), ...(rules.replaceOn ?? [])]);
  const changes: Changes = new Map();
  compareMaps(withoutNoise(oldInputs, news), news, "", "", changes);

  const detailedDiff: Record<string, { kind: DiffKind; inputDiff: boolean }> = {};
  for (const [path, { change, rule }] of changes) {
    if (change === "add" && isEqual(news[path], asPlain(rules.defaults?.[path]))) continue;
    // Given for the first time, as it already is: an ordinary addition.
    const isAsItWas = change === "add" && isGiven(olds[path]) && isEqual(olds[path], news[path]);
    const replaces = isReplacing(replaceOn, rule, change) && !isAsItWas;
    detailedDiff[path] = { kind: replaces ? `${change}-replace` : change, inputDiff: true };
  }
  const paths = Object.keys(detailedDiff);
  const replaces = paths.filter((path) => detailedDiff[path]?.kind.endsWith("-replace"));
  const isRandomlyNamed = oldInputs[createBeforeDelete];
  return {
    changes: paths.length > 0 ? "some" : "none",
    replaces,
    deleteBeforeReplace: typeof isRandomlyNamed === "boolean" ? !isRandomlyNamed : replaces.length > 0,
    diffs: [...new Set(paths.map((path) => path.split(/[.[]/)[0] ?? path))],
    detailedDiff,
  };
}

const asPlain = (value: unknown): PlainValue | undefined => value as PlainValue | undefined;

/** Secrets are compared by their values: a value that became a secret and is the same is no change of Azure's. */
export function diffResource(definition: Definition, request: DiffRequest): DiffResult {
  return diffInputs(definition, request.type, {
    olds: plain(request.olds),
    oldInputs: plain(request.oldInputs),
    news: plain(request.news),
  });
}

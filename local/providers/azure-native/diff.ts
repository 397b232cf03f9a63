import type { Definition } from "../../arm/definitions/index.ts";
import type { DiffKind, DiffRequest, DiffResult } from "../protocol/provider.ts";
import type { PlainMap, PlainValue } from "../protocol/values.ts";
import { plain, Unknown } from "../protocol/values.ts";
import { createBeforeDelete } from "./naming.ts";
import { rulesOf } from "./rules.ts";

/** Differences between old and new inputs, and which of them replace the resource. */

type Change = "add" | "delete" | "update";

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

/** `path` is shown; `rule` is the same without indices (`agentPoolProfiles[].vmSize`), to look rules up. */
interface Place {
  path: string;
  rule: string;
}

class Comparison {
  readonly changes = new Map<string, { change: Change; rule: string }>();
  readonly #keyedLists: Readonly<Record<string, string>>;

  constructor(keyedLists: Readonly<Record<string, string>> = {}) {
    this.#keyedLists = keyedLists;
  }

  #note(change: Change, { path, rule }: Place): void {
    this.changes.set(path, { change, rule });
  }

  #values(old: PlainValue, now: PlainValue, at: Place): void {
    if (isMap(old) && isMap(now)) this.maps(old, now, at);
    else if (Array.isArray(old) && Array.isArray(now)) this.#lists(old, now, at);
    else if (!isEqual(old, now)) this.#note("update", at);
  }

  #lists(old: PlainValue[], now: PlainValue[], at: Place): void {
    const key = this.#keyedLists[at.rule];
    const place = (index: number) => ({ path: `${at.path}[${index}]`, rule: `${at.rule}[]` });
    const partner = (item: PlainValue, index: number, list: PlainValue[]): PlainValue | undefined =>
      key === undefined
        ? list[index]
        : list.find((other) => isEqual(memberOf(other, key), memberOf(item, key)));
    now.forEach((item, i) => {
      const before = partner(item, i, old);
      if (before === undefined) this.#note("add", place(i));
      else this.#values(before, item, place(i));
    });
    old.forEach((item, i) => {
      if (partner(item, i, now) === undefined) this.#note("delete", place(i));
    });
  }

  maps(old: PlainMap, now: PlainMap, at: Place): void {
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (key.startsWith("__")) continue;
      const [before, after] = [old[key], now[key]];
      const place = { path: joined(at.path, key), rule: at.rule === "" ? key : `${at.rule}.${key}` };
      if (!isGiven(before) && isGiven(after)) this.#note("add", place);
      else if (isGiven(before) && !isGiven(after)) this.#note("delete", place);
      else if (isGiven(before) && isGiven(after)) this.#values(before, after, place);
    }
  }
}

const memberOf = (item: PlainValue, key: string): PlainValue => (isMap(item) ? (item[key] ?? null) : item);

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
  // An input only where the program or the official plugin's Check gives it, else what the state was made with.
  if (!isGiven(news["azureApiVersion"])) delete oldInputs["azureApiVersion"];
  else if (!isGiven(oldInputs["azureApiVersion"]) && isGiven(olds["azureApiVersion"]))
    oldInputs["azureApiVersion"] = olds["azureApiVersion"];
  const rules = rulesOf(token);
  const replaceOn = new Set([...Object.keys(definition.pathParameters), ...(rules.replaceOn ?? [])]);
  const comparison = new Comparison(rules.keyedLists);
  comparison.maps(withoutNoise(oldInputs, news), news, { path: "", rule: "" });

  const detailedDiff: Record<string, { kind: DiffKind; inputDiff: boolean }> = {};
  for (const [path, { change, rule }] of comparison.changes) {
    const preset = rules.defaults?.[path];
    if (change === "add" && preset !== undefined && isEqual(news[path], preset)) continue;
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

/** Secrets are compared by their values: a value that became a secret and is the same is no change of Azure's. */
export function diffResource(definition: Definition, request: DiffRequest): DiffResult {
  return diffInputs(definition, request.type, {
    olds: plain(request.olds),
    oldInputs: plain(request.oldInputs),
    news: plain(request.news),
  });
}

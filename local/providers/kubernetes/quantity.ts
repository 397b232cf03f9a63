import { isObject } from "./object.ts";
import type { PlainMap, PlainValue } from "../protocol/values.ts";

/** Maps whose values are resource quantities. */
const quantityMaps: ReadonlySet<string> = new Set([
  "limits",
  "requests",
  "hard",
  "default",
  "defaultRequest",
  "min",
  "max",
  "maxLimitRequestRatio",
  "capacity",
]);
/** Single fields that are. */
const quantityFields: ReadonlySet<string> = new Set(["sizeLimit", "averageValue", "divisor"]);

const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/**
 * The form the API server keeps a quantity in: the largest suffix that leaves an integer (`1000m` → `1`,
 * `1024Mi` → `1Gi`), with the family of suffixes it was written in. What is no quantity stays as it is.
 */
export function canonicalQuantity(value: string | number): string {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(n|u|m|k|[KMGTPE]i?)?$/.exec(String(value));
  if (!match) return String(value);
  const [, sign = "", whole = "0", fraction = "", suffix = ""] = match;
  if (suffix.endsWith("i")) {
    const bytes =
      (BigInt(whole + fraction) * 1024n ** BigInt(binary.indexOf(suffix))) / 10n ** BigInt(fraction.length);
    return sign.replace("+", "") + largest(bytes, 1024n, binary);
  }
  const nanos =
    (BigInt(whole + fraction) * 1000n ** BigInt(decimal.indexOf(suffix))) / 10n ** BigInt(fraction.length);
  return sign.replace("+", "") + largest(nanos, 1000n, decimal);
}

function largest(amount: bigint, step: bigint, suffixes: readonly string[]): string {
  if (amount === 0n) return "0";
  let index = 0;
  while (index < suffixes.length - 1 && amount % step === 0n) {
    amount /= step;
    index++;
  }
  return `${amount}${suffixes[index] ?? ""}`;
}

/** Rewrites every resource quantity in an object of the API's own kinds in its canonical form. */
export function canonicalQuantities(value: PlainMap): PlainMap {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (quantityMaps.has(key) && isObject(item)) return [key, quantities(item)];
      if (quantityFields.has(key) && (typeof item === "string" || typeof item === "number")) {
        return [key, canonicalQuantity(item)];
      }
      return [key, deep(item)];
    }),
  );
}

function quantities(map: PlainMap): PlainMap {
  return Object.fromEntries(
    Object.entries(map).map(([key, item]) => [
      key,
      typeof item === "string" || typeof item === "number" ? canonicalQuantity(item) : item,
    ]),
  );
}

function deep(value: PlainValue): PlainValue {
  if (Array.isArray(value)) return value.map(deep);
  return isObject(value) ? canonicalQuantities(value) : value;
}

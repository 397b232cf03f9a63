import { Unknown, type PlainMap, type PlainValue } from "../protocol/values.ts";
import { apiVersionOf, gvkOf, isObject, remove, type KubeObject } from "./object.ts";
import { canonicalQuantities } from "./quantity.ts";

/** Groups of the API itself end in `.k8s.io` or have no dot; a CustomResource's belongs to somebody. */
function isBuiltIn(object: KubeObject): boolean {
  const { group } = gvkOf(object);
  return !group.includes(".") || group.endsWith(".k8s.io");
}

/** Metadata that only the server writes. */
const readOnly = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];

/**
 * Inputs in the form the server would keep, so that two ways of writing the same thing do not differ: a Secret's
 * `stringData` moves to `data`, quantities become canonical. Inputs with unknowns are left as they are.
 */
export function normalizeInputs(inputs: KubeObject): KubeObject {
  let object = structuredCloneOf(inputs);
  for (const field of readOnly) remove(object, "metadata", field);
  if (typeof object["apiVersion"] === "string" && object["apiVersion"].startsWith("core/")) {
    object["apiVersion"] = apiVersionOf(gvkOf(object));
  }
  if (containsUnknown(object) || !isBuiltIn(object)) return object;
  object = canonicalQuantities(object);
  if (gvkOf(object).kind === "Secret") encodeStringData(object);
  return object;
}

function encodeStringData(secret: KubeObject): void {
  const { stringData } = secret;
  if (!isObject(stringData)) return;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64"),
  ]);
  delete secret["stringData"];
  if (encoded.length === 0) return;
  secret["data"] = {
    ...(isObject(secret["data"]) ? secret["data"] : {}),
    ...(Object.fromEntries(encoded) as PlainMap),
  };
}

/** What `live` holds of the shape of `inputs`: fields only the cluster writes are no difference to a program. */
export function prune(live: PlainMap, inputs: PlainMap): PlainMap {
  const result: PlainMap = {};
  for (const [key, input] of Object.entries(inputs)) {
    const value = Object.hasOwn(live, key) ? live[key] : undefined;
    if (value !== undefined) result[key] = pruneValue(value, input);
  }
  return result;
}

function pruneValue(live: PlainValue, input: PlainValue): PlainValue {
  if (isObject(live) && isObject(input)) return prune(live, input);
  if (!Array.isArray(live) || !Array.isArray(input)) return live;
  return live.map((item, index) => {
    const shape = input[index];
    return shape === undefined ? item : pruneValue(item, shape);
  });
}

export function containsUnknown(value: PlainValue | undefined): boolean {
  if (value instanceof Unknown) return true;
  if (Array.isArray(value)) return value.some(containsUnknown);
  return isObject(value) && Object.values(value).some(containsUnknown);
}

/** A deep copy without nulls: to the API a null is an absent field. */
export function structuredCloneOf(value: PlainMap): PlainMap {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, copy(item)]),
  );
}

function copy(value: PlainValue): PlainValue {
  if (Array.isArray(value)) return value.map(copy);
  return isObject(value) ? structuredCloneOf(value) : value;
}

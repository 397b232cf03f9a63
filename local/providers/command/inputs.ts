import type { CheckFailure } from "../protocol/provider.ts";
import { Output, Secret, Unknown, type PropertyMap, type PropertyValue } from "../protocol/values.ts";

type Shape = "string" | "boolean" | "strings" | "map" | "any";

/** The inputs of `command:local:Command`, version 1.2. */
const shapes: Readonly<Record<string, Shape>> = {
  create: "string",
  update: "string",
  delete: "string",
  stdin: "string",
  dir: "string",
  logging: "string",
  interpreter: "strings",
  assetPaths: "strings",
  archivePaths: "strings",
  environment: "map",
  triggers: "any",
  addPreviousOutputInEnv: "boolean",
};
const loggingModes = ["stdout", "stderr", "stdoutAndStderr", "none"];

/** What is wrong with a command's inputs, by property. */
export function checkInputs(inputs: PropertyMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [property, value] of Object.entries(inputs)) {
    const shape = shapes[property];
    const open = opened(value);
    if (shape === undefined) {
      failures.push({ property, reason: `an unexpected argument "${property}" was provided` });
    } else if (!fits(open, shape)) {
      failures.push({ property, reason: `${property} must be ${described[shape]}` });
    } else if (property === "logging" && typeof open === "string" && !loggingModes.includes(open)) {
      failures.push({ property, reason: `logging must be one of ${loggingModes.join(", ")}` });
    } else if (property === "assetPaths" || property === "archivePaths") {
      failures.push({ property, reason: `${property} is not served by this plugin` });
    }
  }
  return failures;
}

const described: Readonly<Record<Shape, string>> = {
  string: "a string",
  boolean: "a boolean",
  strings: "a list of strings",
  map: "a map of strings",
  any: "a value",
};

function opened(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return opened(value.value);
  if (value instanceof Output) return value.value === undefined ? new Unknown() : opened(value.value);
  return value;
}

function fits(value: PropertyValue, shape: Shape): boolean {
  if (value === null || value instanceof Unknown || shape === "any") return true;
  const isText = (item: PropertyValue) =>
    ["string", "number", "boolean"].includes(typeof item) || opened(item) !== item || item instanceof Unknown;
  switch (shape) {
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "strings":
      return Array.isArray(value) && value.every(isText);
    case "map":
      return typeof value === "object" && !Array.isArray(value) && Object.values(value).every(isText);
  }
}

import type { Definition, Finding } from "../../arm/definitions/index.ts";
import {
  bodyOf,
  checkInputs,
  checkName,
  definitionOf,
  ofRecordType,
  propertiesOf,
  READ_ONLY,
} from "../../arm/definitions/index.ts";
import type { CheckFailure, CheckRequest, CheckResult } from "../protocol/provider.ts";
import type { PropertyMap, PropertyValue } from "../protocol/values.ts";
import { Output, plain, Secret, Unknown } from "../protocol/values.ts";
import { createBeforeDelete, makeName } from "./naming.ts";
import { rulesOf } from "./rules.ts";

/** Where a location comes from when the program gives none. */
export interface LocationSource {
  /** The provider's own setting. */
  configured: string;
  /** Of a resource group, by its name; undefined where it cannot be read. */
  ofGroup(name: string): Promise<string | undefined>;
}

const isGiven = (value: PropertyValue | undefined): value is PropertyValue =>
  value !== undefined && value !== null;
const isOpaque = (value: unknown): boolean =>
  value instanceof Unknown || value instanceof Secret || value instanceof Output;

const nameInput = (definition: Definition): string | undefined =>
  Object.entries(definition.pathParameters).find(([, role]) => role === "name")?.[0];

async function addLocation(
  definition: Definition,
  inputs: PropertyMap,
  olds: PropertyMap,
  source: LocationSource,
): Promise<void> {
  const property = propertiesOf(definition, bodyOf(definition), true).get("location");
  if (!property || property.flags & READ_ONLY || isGiven(inputs["location"])) return;
  const location = isGiven(olds["location"])
    ? olds["location"]
    : source.configured || (await groupLocation(inputs["resourceGroupName"], source));
  if (isGiven(location)) inputs["location"] = location;
}

async function groupLocation(
  group: PropertyValue | undefined,
  source: LocationSource,
): Promise<PropertyValue | undefined> {
  const name = isGiven(group) ? plain(group) : undefined;
  if (name instanceof Unknown) return new Unknown();
  return typeof name === "string" ? source.ofGroup(name) : undefined;
}

function addName(definition: Definition, inputs: PropertyMap, request: CheckRequest): void {
  const key = nameInput(definition);
  if (key === undefined || isGiven(inputs[key])) return;
  const old = request.olds[key];
  if (isGiven(old)) {
    inputs[key] = old;
    if (plain(request.olds)[createBeforeDelete] === true) inputs[createBeforeDelete] = true;
    return;
  }
  const made = makeName(definition, request, rulesOf(request.type).autoName);
  if (!made) return;
  inputs[key] = made.name;
  if (made.isRandom) inputs[createBeforeDelete] = true;
}

/** The findings that azure-native has too; of an unknown name or value in an enum ARM tells. */
const reported = new Set<Finding["kind"]>(["required", "type", "length", "pattern", "range"]);

function reason({ kind, path, message }: Finding): string {
  if (kind !== "required") return `'${path}': ${message}`;
  const hint =
    path === "location"
      ? ". Either set it explicitly or configure it with 'pulumi config set azure-native:location <value>'."
      : "";
  return `missing required property '${path}'${hint}`;
}

function checkPath(definition: Definition, inputs: PropertyMap): Finding[] {
  const typeInput = Object.entries(definition.pathParameters).find(([, role]) => role === "type")?.[0];
  const own = ofRecordType(definition, typeInput === undefined ? undefined : inputs[typeInput]);
  return Object.entries(definition.pathParameters).flatMap(([path, role]): Finding[] => {
    const value = inputs[path];
    if (!isGiven(value)) return [{ path, kind: "required", message: "" }];
    if (isOpaque(value)) return [];
    if (typeof value !== "string") return [{ path, kind: "type", message: "a string wanted" }];
    const known = Object.keys(definition.armTypes ?? {});
    if (role === "type" && !known.includes(value))
      return [{ path, kind: "pattern", message: `"${value}" is not one of ${known.join(", ")}` }];
    const named = role === "name" ? own : definitionOf(role);
    return named ? checkName(named, value).map((finding) => ({ ...finding, path })) : [];
  });
}

/**
 * Adds what the program left to the provider (name, location) and reports what ARM would not take. The official
 * plugin adds `azureApiVersion` as well; here it is an output only, so that the inputs of a state hold nothing that
 * ARM's types do not know.
 */
export async function checkResource(
  definition: Definition,
  request: CheckRequest,
  source: LocationSource,
): Promise<CheckResult> {
  const inputs: PropertyMap = { ...request.news };
  addName(definition, inputs, request);
  await addLocation(definition, inputs, request.olds, source);
  const body = Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== "azureApiVersion"));
  const findings = [...checkPath(definition, inputs), ...checkInputs(definition, body, { isOpaque })];
  // Without a location checkInputs stays silent, as it leaves it to the provider; here nothing comes after.
  const location = propertiesOf(definition, bodyOf(definition), true).get("location");
  if (location && location.flags === 1 && !isGiven(inputs["location"]))
    findings.push({ path: "location", kind: "required", message: "" });
  // The engine would print a property's value beside the reason, be it a secret or not: no property is named.
  const failures: CheckFailure[] = findings
    .filter(({ kind }) => reported.has(kind))
    .map((finding) => ({ property: "", reason: reason(finding) }));
  return { inputs, failures };
}

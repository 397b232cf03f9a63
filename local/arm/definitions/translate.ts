import type { Definition, ObjectNode, TypeNode } from "./load.ts";
import { bodyOf, ofRecordType, READ_ONLY, REQUIRED, typeAt, WRITE_ONLY } from "./load.ts";
import { propertiesOf } from "./names.ts";
import { isAbsent, isRecord } from "./text.ts";

/** azure-native's inputs and outputs ↔ ARM bodies. Values of a kind that the type does not have pass as they are. */

type Values = Record<string, unknown>;

/** The member of a union or discriminated type that fits the value, as far as the kinds tell. */
function concrete(definition: Definition, node: TypeNode, value: unknown): TypeNode {
  if (node.kind === "discriminated") {
    const which = isRecord(value) ? value[node.discriminator] : undefined;
    const element = typeof which === "string" ? node.elements[which] : undefined;
    return element === undefined ? { kind: "any" } : typeAt(definition, element);
  }
  if (node.kind !== "union") return node;
  const wanted = Array.isArray(value) ? "array" : isRecord(value) ? "object" : undefined;
  const members = node.of.map((number) => typeAt(definition, number));
  return members.find((member) => member.kind === wanted) ?? { kind: "any" };
}

function place(target: Values, path: string[], value: unknown): void {
  let at = target;
  for (const step of path.slice(0, -1)) {
    const next = at[step];
    at = isRecord(next) ? next : (at[step] = {});
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = value;
}

function pick(source: Values, path: string[]): unknown {
  return path.reduce<unknown>((at, step) => (isRecord(at) ? at[step] : undefined), source);
}

function toArm(definition: Definition, type: TypeNode, value: unknown): unknown {
  const node = concrete(definition, type, value);
  if (node.kind === "array" && Array.isArray(value)) {
    const items = typeAt(definition, node.items);
    return value.map((item) => toArm(definition, items, item));
  }
  if (node.kind !== "object") return value;
  if (node.keysAsList && Array.isArray(value))
    return Object.fromEntries(value.map((key) => [String(key), {}]));
  return isRecord(value) ? objectToArm(definition, node, value, false) : value;
}

function objectToArm(definition: Definition, node: ObjectNode, value: Values, isResource: boolean): Values {
  const body: Values = {};
  const table = propertiesOf(definition, node, isResource);
  for (const container of node.flatten ?? [])
    if ((node.properties[container]?.[1] ?? 0) & REQUIRED) body[container] = {};
  for (const [name, member] of Object.entries(value)) {
    if (isAbsent(member) || name.startsWith("__")) continue;
    const property = table.get(name);
    if (property && !property.outputOnly) {
      if (!(property.flags & READ_ONLY))
        place(body, property.path, toArm(definition, typeAt(definition, property.type), member));
    } else if (node.additional !== undefined)
      body[name] = toArm(definition, typeAt(definition, node.additional), member);
  }
  return body;
}

/**
 * What azure-native's inputs say to ARM: path parameters and the body of the PUT. Properties that ARM only returns
 * and names that the type does not have are left out, as azure-native does.
 */
export function toArmBody(
  definition: Definition,
  inputs: Values,
): { parameters: Record<string, string>; body: Values } {
  const parameters: Record<string, string> = {};
  const rest: Values = {};
  let recordType: unknown;
  for (const [name, value] of Object.entries(inputs)) {
    const role = definition.pathParameters[name];
    if (role === undefined) rest[name] = value;
    else if (typeof value === "string") parameters[name] = value;
    if (role === "type") recordType = value;
  }
  const resolved = ofRecordType(definition, recordType);
  return { parameters, body: objectToArm(resolved, bodyOf(resolved), rest, true) };
}

type Direction = "outputs" | "inputs";

function fromArm(definition: Definition, type: TypeNode, value: unknown, direction: Direction): unknown {
  const node = concrete(definition, type, value);
  if (node.kind === "array" && Array.isArray(value)) {
    const items = typeAt(definition, node.items);
    return value.map((item) => fromArm(definition, items, item, direction));
  }
  if (node.kind !== "object" || !isRecord(value)) return value;
  if (node.keysAsList && direction === "inputs") return Object.keys(value);
  return objectFromArm(definition, node, value, false, direction);
}

function objectFromArm(
  definition: Definition,
  node: ObjectNode,
  value: Values,
  isResource: boolean,
  direction: Direction,
): Values {
  const result: Values = {};
  const seen = new Set<string>(node.flatten);
  for (const [name, property] of propertiesOf(definition, node, isResource)) {
    if (property.path.length === 1 && property.path[0] !== undefined) seen.add(property.path[0]);
    const member = pick(value, property.path);
    if (isAbsent(member) || (property.envelope && direction === "outputs" && name === "id")) continue;
    const hidden = direction === "inputs" ? READ_ONLY : WRITE_ONLY;
    if (property.flags & hidden || (property.outputOnly && direction === "inputs")) continue;
    if (property.envelope && direction === "inputs") continue;
    result[name] = fromArm(definition, typeAt(definition, property.type), member, direction);
  }
  if (node.additional !== undefined) {
    const rest = typeAt(definition, node.additional);
    for (const [name, member] of Object.entries(value))
      if (!seen.has(name) && !isResource) result[name] = fromArm(definition, rest, member, direction);
  }
  return result;
}

const recordTypeOf = (body: Values): unknown =>
  typeof body["type"] === "string" ? body["type"].split("/").at(-1) : undefined;

/**
 * azure-native's outputs of an ARM answer, with `name`, `type` and `azureApiVersion`; write-only properties and
 * names that the type does not have are left out.
 */
export function toOutputs(definition: Definition, armBody: Values): Values {
  const resolved = ofRecordType(definition, recordTypeOf(armBody));
  const outputs = objectFromArm(resolved, bodyOf(resolved), armBody, true, "outputs");
  for (const name of ["name", "type"]) if (typeof armBody[name] === "string") outputs[name] = armBody[name];
  outputs["azureApiVersion"] = definition.apiVersion;
  return outputs;
}

/** The inputs that would have made what ARM answers: everything that can be written, path parameters excepted. */
export function toInputs(definition: Definition, armBody: Values): Values {
  const resolved = ofRecordType(definition, recordTypeOf(armBody));
  return objectFromArm(resolved, bodyOf(resolved), armBody, true, "inputs");
}

function inputsOf(definition: Definition, type: TypeNode, value: unknown): unknown {
  const node = concrete(definition, type, value);
  if (node.kind === "array" && Array.isArray(value)) {
    const items = typeAt(definition, node.items);
    return value.map((item) => inputsOf(definition, items, item));
  }
  if (node.kind !== "object" || !isRecord(value)) return value;
  return node.keysAsList ? Object.keys(value) : objectInputs(definition, node, value, false);
}

function objectInputs(definition: Definition, node: ObjectNode, value: Values, isResource: boolean): Values {
  const result: Values = {};
  const table = propertiesOf(definition, node, isResource);
  for (const [name, member] of Object.entries(value)) {
    const property = table.get(name);
    if (isAbsent(member) || property?.outputOnly || property?.envelope) continue;
    if (property && !(property.flags & READ_ONLY))
      result[name] = inputsOf(definition, typeAt(definition, property.type), member);
    else if (!property && node.additional !== undefined)
      result[name] = inputsOf(definition, typeAt(definition, node.additional), member);
  }
  return result;
}

/** What of azure-native's outputs could be inputs; path parameters are no outputs. */
export function outputsToInputs(definition: Definition, outputs: Values): Values {
  const resolved = ofRecordType(definition, recordTypeOf(outputs));
  return objectInputs(resolved, bodyOf(resolved), outputs, true);
}

/** Names of azure-native's top-level properties of a resource; those that ARM never returns are not outputs. */
export function propertyNames(definition: Definition): { inputs: string[]; outputs: string[] } {
  const table = [...propertiesOf(definition, bodyOf(definition), true)];
  const inputs = table.filter(([, p]) => !(p.flags & READ_ONLY) && !p.outputOnly).map(([name]) => name);
  const outputs = table.filter(([name, p]) => !(p.flags & WRITE_ONLY) && !(p.envelope && name === "id"));
  return {
    inputs: [...Object.keys(definition.pathParameters), ...inputs],
    outputs: [...new Set([...outputs.map(([name]) => name), "name", "type", "azureApiVersion"])].sort(),
  };
}

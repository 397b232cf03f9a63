import type { Definition, ObjectNode, TypeNode } from "../../arm/definitions/index.ts";
import { bodyOf, ofRecordType, propertiesOf, typeAt, WRITE_ONLY } from "../../arm/definitions/index.ts";
import type { PropertyMap, PropertyValue } from "../protocol/values.ts";
import { isMap, plain, Secret, Unknown } from "../protocol/values.ts";

/** What a resource will answer, as far as its inputs tell: they are known, every other output is not. */

function previewValue(definition: Definition, type: TypeNode, value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return new Secret(previewValue(definition, type, value.value));
  if (type.kind === "array" && Array.isArray(value)) {
    const items = typeAt(definition, type.items);
    return value.map((item) => previewValue(definition, items, item));
  }
  if (type.kind !== "object") return value;
  // A list among the inputs, a map with more in it among the outputs.
  if (type.keysAsList) return new Unknown();
  return isMap(value) ? previewObject(definition, type, value, false) : value;
}

function previewObject(
  definition: Definition,
  node: ObjectNode,
  inputs: PropertyMap,
  isResource: boolean,
): PropertyMap {
  const outputs: PropertyMap = {};
  const table = propertiesOf(definition, node, isResource);
  for (const [name, property] of table) {
    if (property.flags & WRITE_ONLY || (property.envelope && name === "id")) continue;
    const value = inputs[name];
    outputs[name] =
      value === undefined || value === null
        ? new Unknown()
        : previewValue(definition, typeAt(definition, property.type), value);
  }
  if (node.additional !== undefined)
    for (const [name, value] of Object.entries(inputs)) if (!table.has(name)) outputs[name] = value;
  return outputs;
}

/** The outputs of a preview; `known` are outputs of before that no update changes. */
export function previewOutputs(
  definition: Definition,
  inputs: PropertyMap,
  known: PropertyMap = {},
): PropertyMap {
  const typeInput = Object.entries(definition.pathParameters).find(([, role]) => role === "type")?.[0];
  const recordType = typeInput === undefined ? undefined : plain(inputs[typeInput] ?? null);
  const resolved = ofRecordType(definition, recordType);
  const isPath = (name: string) => Object.hasOwn(definition.pathParameters, name);
  const body = Object.fromEntries(Object.entries(inputs).filter(([name]) => !isPath(name)));
  return {
    name: new Unknown(),
    type: new Unknown(),
    ...previewObject(resolved, bodyOf(resolved), body, true),
    azureApiVersion: inputs["azureApiVersion"] ?? definition.apiVersion,
    ...known,
  };
}

import type { Definition, ObjectNode } from "./load.ts";
import { READ_ONLY, typeAt } from "./load.ts";

/** A property as azure-native names it. */
export interface Property {
  /** Names in the ARM body: two where azure-native flattens a container. */
  path: string[];
  type: number;
  flags: number;
  /** `id`, `name` or `type` of the resource as an input. */
  envelope?: boolean;
  /** Only ARM and azure-native's outputs have it. */
  outputOnly?: boolean;
}

const ENVELOPE = new Set(["id", "name", "type", "apiVersion"]);
const tables = new WeakMap<ObjectNode, Map<string, Property>>();

function* members(definition: Definition, node: ObjectNode, isResource: boolean): Generator<Property> {
  const flatten = node.flatten ?? [];
  for (const [name, [type, flags]] of Object.entries(node.properties)) {
    if ((isResource && ENVELOPE.has(name)) || flatten.includes(name)) continue;
    yield { path: [name], type, flags };
  }
  for (const container of flatten) {
    const [number, containerFlags] = node.properties[container] ?? [];
    const inner = number === undefined ? undefined : typeAt(definition, number);
    if (inner?.kind !== "object") continue;
    const readOnly = (containerFlags ?? 0) & READ_ONLY;
    for (const [name, [type, flags]] of Object.entries(inner.properties))
      yield { path: [container, name], type, flags: flags | readOnly };
  }
}

/** The properties of an object by azure-native's names; where two share one, the writable one has it. */
export function propertiesOf(
  definition: Definition,
  node: ObjectNode,
  isResource = false,
): Map<string, Property> {
  const known = tables.get(node);
  if (known) return known;
  const renamed = new Map(Object.entries(node.rename ?? {}).map(([sdk, path]) => [path.join("/"), sdk]));
  const armOnly = new Set(node.armOnly);
  const table = new Map<string, Property>();
  const late: [string, Property][] = [];
  for (const property of members(definition, node, isResource)) {
    const key = property.path.join("/");
    const name = renamed.get(key) ?? property.path.at(-1) ?? key;
    if (armOnly.has(key)) {
      late.push([name, { ...property, outputOnly: true }]);
      continue;
    }
    const had = table.get(name);
    if (had && !(had.flags & READ_ONLY && !(property.flags & READ_ONLY))) continue;
    table.set(name, property);
  }
  for (const [name, property] of late) if (!table.has(name)) table.set(name, property);
  for (const name of node.envelope ?? []) {
    const [type] = node.properties[name] ?? [];
    if (type !== undefined) table.set(name, { path: [name], type, flags: 0, envelope: true });
  }
  tables.set(node, table);
  return table;
}

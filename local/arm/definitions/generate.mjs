#!/usr/bin/env node
// Makes the files in types/ from a folder with Microsoft's published ARM types.
//
//   node generate.mjs <source folder> [<target folder>]
//
// The source folder has `index.json` (resource tokens: ARM type, API version, file, path parameters),
// `shapes.json` (where azure-native's property names differ from ARM's) and `types/**/types.json` with
// `types/LICENSE`, unchanged from https://github.com/Azure/bicep-types-az. Only what the tokens reach is kept;
// descriptions are dropped, and the shapes are written into the objects they belong to.
//
// What `types/added.json` names is not in that folder: those files are written by hand from the same repository.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SHAPES = ["flatten", "rename", "armOnly", "sdkOnly", "envelope", "keysAsList", "closed"];
const READ_ONLY = 2;
const refIndex = (ref) => Number(ref.$ref.slice(2));
const defined = (object) => Object.fromEntries(Object.entries(object).filter(([, v]) => v !== undefined));

/** One source file's types, numbered anew in the order in which the wanted resources reach them. */
class Trimmed {
  constructor(types, shapes) {
    this.types = types;
    this.shapes = shapes;
    this.nodes = [];
    this.numbers = new Map();
  }

  add(ref, base = {}) {
    const index = refIndex(ref);
    if (this.numbers.has(index)) return this.numbers.get(index);
    const number = this.nodes.push(undefined) - 1;
    this.numbers.set(index, number);
    this.nodes[number] = this.node(this.types[index], this.shapes[index] ?? {}, base);
    return number;
  }

  number() {
    this.numberNode ??= this.nodes.push({ kind: "number" }) - 1;
    return this.numberNode;
  }

  node(t, shape, base) {
    switch (t.$type) {
      case "AnyType":
        return { kind: "any" };
      case "NullType":
        return { kind: "null" };
      case "BooleanType":
        return { kind: "boolean" };
      case "IntegerType":
        return defined({ kind: "integer", minValue: t.minValue, maxValue: t.maxValue });
      case "StringType":
        return defined({
          kind: "string",
          minLength: t.minLength,
          maxLength: t.maxLength,
          pattern: t.pattern,
          sensitive: t.sensitive,
        });
      case "StringLiteralType":
        return { kind: "enum", values: [t.value] };
      case "UnionType":
        return this.union(t);
      case "ArrayType":
        return defined({
          kind: "array",
          items: this.add(t.itemType),
          minLength: t.minLength,
          maxLength: t.maxLength,
        });
      case "DiscriminatedObjectType":
        return {
          kind: "discriminated",
          name: t.name,
          discriminator: t.discriminator,
          elements: Object.fromEntries(
            Object.entries(t.elements).map(([value, ref]) => [value, this.add(ref, t.baseProperties)]),
          ),
        };
      case "ObjectType":
        return this.object(t, shape, base);
      default:
        throw new Error(`${t.$type} is not known`);
    }
  }

  union(t) {
    const members = t.elements.map((ref) => this.types[refIndex(ref)]);
    const values = members.filter((m) => m.$type === "StringLiteralType").map((m) => m.value);
    const others = members.filter((m) => m.$type !== "StringLiteralType");
    if (others.length === 0) return { kind: "enum", values };
    const plain = (m) => m.$type === "StringType" && Object.keys(m).length === 1;
    if (values.length > 0 && others.every(plain)) return { kind: "enum", values, open: true };
    return { kind: "union", of: t.elements.map((ref) => this.add(ref)) };
  }

  /**
   * The shapes were compared with inputs only. What azure-native only returns it flattens too, wherever ARM has
   * `properties`, save in a resource group, whose `properties` are an output of their own.
   */
  withOutputs(t, shape) {
    const container = t.properties.properties;
    if (t.name === "Microsoft.Resources/resourceGroups") return { armOnly: ["properties"] };
    if (!container || shape.flatten || this.types[refIndex(container.type)].$type !== "ObjectType")
      return shape;
    const isResource = "apiVersion" in t.properties;
    if (isResource && !(container.flags & READ_ONLY)) return shape;
    const armOnly = shape.armOnly?.filter((name) => name !== "properties");
    return { ...shape, flatten: ["properties"], armOnly: armOnly?.length ? armOnly : undefined };
  }

  object(t, inputShape, base) {
    const shape = this.withOutputs(t, inputShape);
    const fractional = new Set(shape.fractional?.map((path) => path.split("/").at(-1)));
    const properties = {};
    for (const [name, p] of Object.entries({ ...base, ...t.properties }))
      properties[name] = [fractional.has(name) ? this.number() : this.add(p.type), p.flags];
    for (const container of shape.flatten ?? []) {
      const flattened = this.nodes[properties[container][0]];
      for (const name of fractional)
        if (flattened.properties[name]) flattened.properties[name][0] = this.number();
    }
    return defined({
      kind: "object",
      name: t.name,
      properties,
      additional: t.additionalProperties && this.add(t.additionalProperties),
      ...Object.fromEntries(SHAPES.map((key) => [key, shape[key]])),
    });
  }
}

/** One line for each resource and type, so that a change of a definition reads as one. */
function print({ source, apiVersion, resources, types }) {
  const lines = (entries) => entries.map((line) => `\n    ${line}`).join(",");
  return `{
  "source": ${JSON.stringify(source)},
  "apiVersion": ${JSON.stringify(apiVersion)},
  "resources": {${lines(Object.entries(resources).map(([k, v]) => `${JSON.stringify(k)}: ${JSON.stringify(v)}`))}
  },
  "types": [${lines(types.map((t) => JSON.stringify(t)))}
  ]
}
`;
}

function trim(source, file, tokens, entry, shapes) {
  const types = JSON.parse(readFileSync(join(source, file), "utf8"));
  const wanted = tokens.flatMap((t) => (t.armTypes ? Object.values(t.armTypes) : [t.armType]));
  const trimmed = new Trimmed(types, shapes);
  const resources = {};
  for (const armType of new Set(wanted)) {
    const resource = types.find(
      (t) =>
        t.$type === "ResourceType" && t.name.toLowerCase() === `${armType}@${entry.apiVersion}`.toLowerCase(),
    );
    if (!resource) throw new Error(`${file} has no ${armType}@${entry.apiVersion}`);
    resources[armType] = { body: trimmed.add(resource.body), writableScopes: resource.writableScopes };
  }
  return { source: entry.path, apiVersion: entry.apiVersion, resources, types: trimmed.nodes };
}

/** File name → content of everything in types/ but the licence. */
export function generate(source) {
  const index = JSON.parse(readFileSync(join(source, "index.json"), "utf8"));
  const shapes = JSON.parse(readFileSync(join(source, "shapes.json"), "utf8"));
  const files = {};
  const names = {};
  for (const [file, entry] of Object.entries(index.files)) {
    const tokens = Object.values(index.tokens).filter((t) => t.file === file);
    if (tokens.length === 0) continue;
    names[file] = `${file.split("/").at(-3)}-${entry.apiVersion}.json`;
    if (files[names[file]]) throw new Error(`two sources for ${names[file]}`);
    files[names[file]] = print(trim(source, file, tokens, entry, shapes[file] ?? {}));
  }
  const tokens = Object.entries(index.tokens).map(([token, t]) => [token, { ...t, file: names[t.file] }]);
  const { repository, commit, license, azureNative } = index.source;
  const origin = JSON.stringify({ repository, commit, license, azureNative });
  const lines = tokens.map(([token, t]) => `\n    ${JSON.stringify(token)}: ${JSON.stringify(t)}`).join(",");
  files["index.json"] = `{\n  "source": ${origin},\n  "tokens": {${lines}\n  }\n}\n`;
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [source, target = join(dirname(fileURLToPath(import.meta.url)), "types")] = process.argv.slice(2);
  if (!source) {
    console.error("usage: node generate.mjs <source folder> [<target folder>]");
    process.exit(2);
  }
  mkdirSync(target, { recursive: true });
  for (const [name, content] of Object.entries(generate(source))) writeFileSync(join(target, name), content);
  copyFileSync(join(source, "types", "LICENSE"), join(target, "LICENSE"));
}

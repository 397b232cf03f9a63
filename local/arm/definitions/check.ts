import type { Definition, ObjectNode, TypeNode } from "./load.ts";
import { bodyOf, ofRecordType, READ_ONLY, REQUIRED, typeAt } from "./load.ts";
import type { Property } from "./names.ts";
import { propertiesOf } from "./names.ts";
import { describe, isAbsent, isRecord, memberPath, nearest, quote } from "./text.ts";

export type FindingKind =
  "required" | "unknown" | "read-only" | "type" | "enum" | "length" | "pattern" | "range";

/** What a body or a set of inputs has wrong; `path` as in `properties.subnets[0].name`. */
export interface Finding {
  path: string;
  kind: FindingKind;
  message: string;
}

export interface CheckOptions {
  /** A PATCH: what is not there stays as it is, so nothing is missing. */
  isUpdate?: boolean;
  /** A value of which nothing is known, so that it passes for any type. */
  isOpaque?: (value: unknown) => boolean;
  /** Reports values outside the known ones of enums that ARM leaves open. */
  strictEnums?: boolean;
}

type Names = "arm" | "pulumi";
const patterns = new Map<string, RegExp | undefined>();

function compiled(pattern: string): RegExp | undefined {
  if (!patterns.has(pattern)) {
    let expression: RegExp | undefined;
    try {
      expression = new RegExp(pattern);
    } catch {
      // Written for another dialect: not checked.
    }
    patterns.set(pattern, expression);
  }
  return patterns.get(pattern);
}

class Checker {
  readonly findings: Finding[] = [];
  readonly #definition: Definition;
  readonly #names: Names;
  readonly #options: CheckOptions;

  constructor(definition: Definition, names: Names, options: CheckOptions) {
    this.#definition = definition;
    this.#names = names;
    this.#options = options;
  }

  #report(kind: FindingKind, path: string, message: string): void {
    this.findings.push({ path, kind, message });
  }

  #wrongType(wanted: string, value: unknown, path: string): void {
    this.#report("type", path, `${wanted} wanted, ${describe(value)} found`);
  }

  value(value: unknown, node: TypeNode, path: string): void {
    if (this.#options.isOpaque?.(value)) return;
    switch (node.kind) {
      case "any":
        return;
      case "null":
        return value === null ? undefined : this.#wrongType("null", value, path);
      case "boolean":
        return typeof value === "boolean" ? undefined : this.#wrongType("a boolean", value, path);
      case "number":
        return typeof value === "number" ? undefined : this.#wrongType("a number", value, path);
      case "integer":
        return this.#integer(value, node, path);
      case "string":
        return this.#string(value, node, path);
      case "enum":
        return this.#enum(value, node, path);
      case "union":
        return this.#union(value, node.of, path);
      case "array":
        return this.#array(value, node, path);
      case "discriminated":
        return this.#discriminated(value, node, path);
      case "object":
        return this.object(value, node, path);
    }
  }

  #integer(value: unknown, node: TypeNode & { kind: "integer" }, path: string): void {
    if (typeof value !== "number" || !Number.isInteger(value)) {
      this.#wrongType("an integer", value, path);
      return;
    }
    const { minValue = -Infinity, maxValue = Infinity } = node;
    if (value < minValue) this.#report("range", path, `${value} is less than the minimum, ${minValue}`);
    if (value > maxValue) this.#report("range", path, `${value} is more than the maximum, ${maxValue}`);
  }

  #string(value: unknown, node: TypeNode & { kind: "string" }, path: string): void {
    if (typeof value !== "string") {
      this.#wrongType("a string", value, path);
      return;
    }
    const shown = node.sensitive ? "the value" : quote(value);
    this.#length([...value].length, "characters", node, shown, path);
    if (node.pattern !== undefined && compiled(node.pattern)?.test(value) === false)
      this.#report("pattern", path, `${shown} does not match ${node.pattern}`);
  }

  #length(
    length: number,
    unit: string,
    limits: { minLength?: number; maxLength?: number },
    what: string,
    path: string,
  ): void {
    const { minLength = 0, maxLength = Infinity } = limits;
    if (length < minLength)
      this.#report("length", path, `${what} has ${length} ${unit}, the minimum is ${minLength}`);
    if (length > maxLength)
      this.#report("length", path, `${what} has ${length} ${unit}, the maximum is ${maxLength}`);
  }

  #enum(value: unknown, node: TypeNode & { kind: "enum" }, path: string): void {
    if (typeof value !== "string") this.#wrongType("a string", value, path);
    else if (!node.values.includes(value) && (!node.open || this.#options.strictEnums))
      this.#report("enum", path, this.#notOneOf(value, node.values));
  }

  #notOneOf(value: unknown, values: string[]): string {
    const shown =
      values.length > 20
        ? `${values.slice(0, 20).join(", ")}, … (${values.length} values)`
        : values.join(", ");
    const near = typeof value === "string" ? nearest(value, values) : undefined;
    const hint = near === undefined ? "" : ` (did you mean ${quote(near)}?)`;
    return `${quote(String(value))} is not one of ${shown}${hint}`;
  }

  #union(value: unknown, of: number[], path: string): void {
    const members = of.map((number) => typeAt(this.#definition, number));
    for (const member of members) {
      const attempt = new Checker(this.#definition, this.#names, this.#options);
      attempt.value(value, member, path);
      if (attempt.findings.length === 0) return;
    }
    this.#wrongType(`one of ${[...new Set(members.map((m) => m.kind))].join(", ")}`, value, path);
  }

  #array(value: unknown, node: TypeNode & { kind: "array" }, path: string): void {
    if (!Array.isArray(value)) {
      this.#wrongType("a list", value, path);
      return;
    }
    this.#length(value.length, "elements", node, "the list", path);
    const items = typeAt(this.#definition, node.items);
    value.forEach((item: unknown, i) => {
      this.value(item, items, `${path}[${i}]`);
    });
  }

  #discriminated(value: unknown, node: TypeNode & { kind: "discriminated" }, path: string): void {
    if (!isRecord(value)) {
      this.#wrongType("an object", value, path);
      return;
    }
    const which = value[node.discriminator];
    const at = memberPath(path, node.discriminator);
    if (isAbsent(which)) {
      if (!this.#options.isUpdate) this.#report("required", at, "required property is missing");
      return;
    }
    if (this.#options.isOpaque?.(which)) return;
    const element =
      typeof which === "string" && Object.hasOwn(node.elements, which) ? node.elements[which] : undefined;
    if (element === undefined) this.#report("enum", at, this.#notOneOf(which, Object.keys(node.elements)));
    else this.value(value, typeAt(this.#definition, element), path);
  }

  object(value: unknown, node: ObjectNode, path: string, isResource = false): void {
    if (this.#names === "pulumi" && node.keysAsList) {
      this.#keyList(value, path);
      return;
    }
    if (!isRecord(value)) {
      this.#wrongType("an object", value, path);
      return;
    }
    const table = this.#table(node, isResource);
    const given = new Set<string | undefined>();
    for (const [key, member] of Object.entries(value)) {
      if (isAbsent(member) || (this.#names === "pulumi" && key.startsWith("__"))) continue;
      const at = memberPath(path, key);
      const property = table.get(key);
      if (property && !(property.outputOnly && this.#names === "pulumi")) {
        given.add(property.path.length > 1 ? property.path[0] : undefined);
        if (property.flags & READ_ONLY) this.#report("read-only", at, "property is read-only");
        else this.value(member, typeAt(this.#definition, property.type), at);
      } else if (node.additional !== undefined && !(this.#names === "pulumi" && node.closed))
        this.value(member, typeAt(this.#definition, node.additional), at);
      else this.#unknown(key, at, node, table);
    }
    if (!this.#options.isUpdate) this.#required(value, node, table, given, path, isResource);
  }

  /** `userAssignedIdentities` and the like: azure-native sends the list's strings as the keys of an object. */
  #keyList(value: unknown, path: string): void {
    if (!Array.isArray(value)) {
      this.#wrongType("a list of strings", value, path);
      return;
    }
    value.forEach((item: unknown, i) => {
      if (typeof item !== "string" && !this.#options.isOpaque?.(item))
        this.#wrongType("a string", item, `${path}[${i}]`);
    });
  }

  #table(node: ObjectNode, isResource: boolean): Map<string, Property> {
    if (this.#names === "pulumi") return propertiesOf(this.#definition, node, isResource);
    const table = new Map<string, Property>();
    for (const [name, [type, flags]] of Object.entries(node.properties)) {
      // A client may send back the id, name and type that it was answered.
      const envelope = isResource && (name === "id" || name === "name" || name === "type");
      if (!(isResource && name === "apiVersion"))
        table.set(name, { path: [name], type, flags: envelope ? 0 : flags });
    }
    return table;
  }

  #unknown(key: string, at: string, node: ObjectNode, table: Map<string, Property>): void {
    if (this.#names === "pulumi" && node.flatten?.includes(key)) {
      this.#report("unknown", at, `azure-native flattens ${quote(key)}: its members belong one level up`);
      return;
    }
    const writable = [...table].filter(([, p]) => !(p.flags & READ_ONLY) && !p.outputOnly).map(([n]) => n);
    const near = nearest(key, writable);
    this.#report(
      "unknown",
      at,
      `unknown property${near === undefined ? "" : ` (did you mean ${quote(near)}?)`}`,
    );
  }

  #required(
    value: Record<string, unknown>,
    node: ObjectNode,
    table: Map<string, Property>,
    given: Set<string | undefined>,
    path: string,
    isResource: boolean,
  ): void {
    for (const [name, property] of table) {
      const wanted = property.flags & REQUIRED && !(property.flags & READ_ONLY) && !property.outputOnly;
      if (!wanted || !isAbsent(value[name])) continue;
      // The provider fills the location in, from its configuration or the resource group.
      if (isResource && this.#names === "pulumi" && name === "location") continue;
      const container = property.path.length > 1 ? property.path[0] : undefined;
      // What is required in a flattened container is required when the container is sent.
      const isSent =
        container === undefined ||
        isResource ||
        given.has(container) ||
        Boolean((node.properties[container]?.[1] ?? 0) & REQUIRED);
      if (isSent) this.#report("required", memberPath(path, name), "required property is missing");
    }
  }
}

/** Checks the body of a PUT or, with `isUpdate`, of a PATCH, against the published type. */
export function checkBody(definition: Definition, body: unknown, options: CheckOptions = {}): Finding[] {
  const checker = new Checker(definition, "arm", options);
  checker.object(body, bodyOf(definition), "", true);
  return checker.findings;
}

/** Checks azure-native's inputs of a resource, path parameters left out (`checkName` is for those). */
export function checkInputs(
  definition: Definition,
  inputs: Record<string, unknown>,
  options: CheckOptions = {},
): Finding[] {
  const type = Object.entries(definition.pathParameters).find(([, role]) => role === "type")?.[0];
  const concrete = ofRecordType(definition, type === undefined ? undefined : inputs[type]);
  const isPath = (name: string) => Object.hasOwn(definition.pathParameters, name);
  const body = Object.fromEntries(Object.entries(inputs).filter(([name]) => !isPath(name)));
  const checker = new Checker(concrete, "pulumi", options);
  checker.object(body, bodyOf(concrete), "", true);
  return checker.findings;
}

/** Checks a resource's own name; the path of a finding is `name`. */
export function checkName(definition: Definition, name: string, options: CheckOptions = {}): Finding[] {
  const [type] = bodyOf(definition).properties["name"] ?? [];
  if (type === undefined) return [];
  const checker = new Checker(definition, "arm", options);
  checker.value(name, typeAt(definition, type), "name");
  return checker.findings;
}

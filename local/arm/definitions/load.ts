import { readFileSync } from "node:fs";

/** What Microsoft publishes of a resource type for Bicep, in the form that `generate.mjs` writes. */

export const REQUIRED = 1;
export const READ_ONLY = 2;
export const WRITE_ONLY = 4;

/** How azure-native shows an ARM object; paths are names in ARM, joined with `/` in `armOnly`. */
export interface Shape {
  /** Containers whose members azure-native has one level up. */
  flatten?: string[];
  /** azure-native's name → path in ARM. */
  rename?: Record<string, string[]>;
  /** No inputs of azure-native. */
  armOnly?: string[];
  /** Inputs of azure-native that this API version does not have. */
  sdkOnly?: string[];
  /** `id`, `name`, `type` where azure-native takes them as inputs. */
  envelope?: string[];
  /** ARM has an object, azure-native takes a list of its keys. */
  keysAsList?: boolean;
  /** ARM takes any name, azure-native does not. */
  closed?: boolean;
}

export interface ObjectNode extends Shape {
  kind: "object";
  name: string;
  /** Name → number of the type and flags. */
  properties: Record<string, [type: number, flags: number]>;
  additional?: number;
}

export type TypeNode =
  | { kind: "any" }
  | { kind: "null" }
  | { kind: "boolean" }
  | { kind: "number" }
  | { kind: "integer"; minValue?: number; maxValue?: number }
  | { kind: "string"; minLength?: number; maxLength?: number; pattern?: string; sensitive?: boolean }
  | { kind: "enum"; values: string[]; open?: boolean }
  | { kind: "union"; of: number[] }
  | { kind: "array"; items: number; minLength?: number; maxLength?: number }
  | { kind: "discriminated"; name: string; discriminator: string; elements: Record<string, number> }
  | ObjectNode;

/** A resource type in one API version. */
export interface Definition {
  /** `Microsoft.Network/virtualNetworks`; a record set of any type ends in `{recordType}`. */
  armType: string;
  apiVersion: string;
  /** Pulumi inputs that are no part of the body: `name`, `scope`, `type` (of a record set) or a parent's ARM type. */
  pathParameters: Record<string, string>;
  /** Record type → ARM type, where the last segment of the type is an input. */
  armTypes?: Record<string, string>;
  types: TypeNode[];
  /** Number of the resource's object. */
  body: number;
  /** Bits: tenant 1, management group 2, subscription 4, resource group 8, any resource 16. */
  writableScopes: number;
}

interface TokenEntry {
  armType: string;
  apiVersion: string;
  file: string;
  pathParameters: Record<string, string>;
  armTypes?: Record<string, string>;
}

interface TypeFile {
  resources: Record<string, { body: number; writableScopes: number }>;
  types: TypeNode[];
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./types/${name}`, import.meta.url), "utf8"));

let index: Record<string, TokenEntry> | undefined;
const files = new Map<string, TypeFile>();
const byToken = new Map<string, Definition>();

/** What the generator made, and what was added to it by hand. */
function entries(): Record<string, TokenEntry> {
  index ??= Object.assign({}, ...["index.json", "added.json"].map(readTokens)) as Record<string, TokenEntry>;
  return index;
}

const readTokens = (file: string): Record<string, TokenEntry> =>
  (read(file) as { tokens: Record<string, TokenEntry> }).tokens;

function typeFile(name: string): TypeFile {
  let file = files.get(name);
  if (!file) files.set(name, (file = read(name) as TypeFile));
  return file;
}

function define(entry: TokenEntry, armType: string): Definition {
  const file = typeFile(entry.file);
  const concrete = entry.armTypes ? (Object.values(entry.armTypes)[0] ?? armType) : armType;
  const resource = file.resources[armType] ?? file.resources[concrete];
  if (!resource) throw new Error(`${entry.file} lacks ${armType}`);
  const { apiVersion, pathParameters, armTypes } = entry;
  return {
    armType,
    apiVersion,
    pathParameters,
    types: file.types,
    ...resource,
    ...(armTypes && { armTypes }),
  };
}

/** Tokens of all Pulumi resource types with a definition, `azure-native:network:VirtualNetwork`. */
export function tokens(): string[] {
  return Object.keys(entries());
}

/** The default API version's definition; a token with that very version (`network/v20240501:Subnet`) is the same. */
export function definitionOfToken(token: string): Definition | undefined {
  const versioned = /^(azure-native:\w+)\/v(\w+):(\w+)$/.exec(token);
  const plain = versioned ? `${versioned[1]}:${versioned[3]}` : token;
  const entry = Object.hasOwn(entries(), plain) ? entries()[plain] : undefined;
  if (!entry || (versioned && entry.apiVersion.replaceAll("-", "") !== versioned[2])) return undefined;
  let definition = byToken.get(plain);
  if (!definition) byToken.set(plain, (definition = define(entry, entry.armType)));
  return definition;
}

let byArmType: Map<string, { entry: TokenEntry; armType: string }> | undefined;

/** By ARM type (without case), also of a single record type (`Microsoft.Network/dnsZones/A`); any version if none is given. */
export function definitionOf(armType: string, apiVersion?: string): Definition | undefined {
  if (!byArmType) {
    byArmType = new Map();
    for (const entry of Object.values(entries()))
      for (const type of entry.armTypes ? Object.values(entry.armTypes) : [entry.armType])
        if (!byArmType.has(type.toLowerCase())) byArmType.set(type.toLowerCase(), { entry, armType: type });
  }
  const found = byArmType.get(armType.toLowerCase());
  if (!found || (apiVersion !== undefined && found.entry.apiVersion !== apiVersion)) return undefined;
  return define(found.entry, found.armType);
}

/** The definition for a record type of a record set; any other definition as it is. */
export function ofRecordType(definition: Definition, recordType: unknown): Definition {
  const armType = typeof recordType === "string" ? definition.armTypes?.[recordType] : undefined;
  return (armType ? definitionOf(armType, definition.apiVersion) : undefined) ?? definition;
}

/** A type by its number. */
export function typeAt(definition: Definition, number: number): TypeNode {
  const node = definition.types[number];
  if (!node) throw new Error(`${definition.armType} has no type ${number}`);
  return node;
}

/** The resource's own object. */
export function bodyOf(definition: Definition): ObjectNode {
  const node = typeAt(definition, definition.body);
  if (node.kind !== "object") throw new Error(`${definition.armType} is no object`);
  return node;
}

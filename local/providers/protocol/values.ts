import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import type { Struct, Value } from "google-protobuf/google/protobuf/struct_pb.js";

/** The key by which the engine tells a special object apart, and the signatures under it. */
export const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** Strings that stand for a value not known before the update: one for each kind of value. */
const unknownStrings: ReadonlySet<string> = new Set([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** A value not known yet; it keeps the string it came as, so that it goes back unchanged. */
export class Unknown {
  readonly sentinel: string;
  constructor(sentinel = "04da6b54-80e4-46f7-96ec-b56ff0331ba9") {
    this.sentinel = sentinel;
  }
}

/** A value the engine encrypts in the state and hides in its output. */
export class Secret {
  readonly value: PropertyValue;
  constructor(value: PropertyValue) {
    this.value = value;
  }
}

/** An output value: known or not, secret or not, with the resources it depends on. */
export class Output {
  /** Absent while unknown. */
  readonly value: PropertyValue | undefined;
  readonly secret: boolean;
  readonly dependencies: readonly string[];
  constructor(value: PropertyValue | undefined, secret = false, dependencies: readonly string[] = []) {
    this.value = value;
    this.secret = secret;
    this.dependencies = dependencies;
  }
}

/** Assets, archives and resource references stay the objects they are on the wire. */
export type PropertyValue =
  null | boolean | number | string | Unknown | Secret | Output | PropertyValue[] | PropertyMap;
export interface PropertyMap {
  [key: string]: PropertyValue;
}

/** A value with every secret and output opened; an unknown stays one. */
export type PlainValue = null | boolean | number | string | Unknown | PlainValue[] | PlainMap;
export interface PlainMap {
  [key: string]: PlainValue;
}

export function isMap(value: unknown): value is PropertyMap {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The message as plain values; an absent message is an empty map. */
export function unmarshalStruct(struct: Struct | undefined): PropertyMap {
  const map: PropertyMap = {};
  struct?.getFieldsMap().forEach((value: Value, key: string) => {
    map[key] = unmarshalValue(value);
  });
  return map;
}

/** Plain values as a message; `undefined` entries are left out, `null` is kept. */
export function marshalStruct(map: { readonly [key: string]: PropertyValue | undefined }): Struct {
  const struct = new structProto.Struct();
  const fields = struct.getFieldsMap();
  for (const [key, value] of Object.entries(map)) {
    if (value !== undefined) fields.set(key, marshalValue(value));
  }
  return struct;
}

function unmarshalValue(value: Value): PropertyValue {
  switch (value.getKindCase()) {
    case structProto.Value.KindCase.STRING_VALUE: {
      const text = value.getStringValue();
      return unknownStrings.has(text) ? new Unknown(text) : text;
    }
    case structProto.Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case structProto.Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case structProto.Value.KindCase.LIST_VALUE:
      return (value.getListValue()?.getValuesList() ?? []).map(unmarshalValue);
    case structProto.Value.KindCase.STRUCT_VALUE:
      return fromSignature(unmarshalStruct(value.getStructValue()));
    case structProto.Value.KindCase.NULL_VALUE:
    case structProto.Value.KindCase.KIND_NOT_SET:
      return null;
  }
}

function fromSignature(map: PropertyMap): PropertyValue {
  const signature = Object.hasOwn(map, signatureKey) ? map[signatureKey] : undefined;
  if (signature === secretSignature) return new Secret(map["value"] ?? null);
  if (signature === outputSignature) {
    const urns = Array.isArray(map["dependencies"]) ? map["dependencies"] : [];
    return new Output(
      map["value"],
      map["secret"] === true,
      urns.filter((urn) => typeof urn === "string"),
    );
  }
  return map;
}

function marshalValue(value: PropertyValue): Value {
  const message = new structProto.Value();
  if (value === null) return message.setNullValue(structProto.NullValue.NULL_VALUE);
  if (typeof value === "string") return message.setStringValue(value);
  if (typeof value === "number") return message.setNumberValue(value);
  if (typeof value === "boolean") return message.setBoolValue(value);
  if (value instanceof Unknown) return message.setStringValue(value.sentinel);
  if (Array.isArray(value)) {
    const list = new structProto.ListValue();
    list.setValuesList(value.map(marshalValue));
    return message.setListValue(list);
  }
  return message.setStructValue(marshalStruct(toSignature(value)));
}

function toSignature(value: Secret | Output | PropertyMap): { [key: string]: PropertyValue | undefined } {
  if (value instanceof Secret) return { [signatureKey]: secretSignature, value: value.value };
  if (!(value instanceof Output)) return value;
  return {
    [signatureKey]: outputSignature,
    value: value.value,
    secret: value.secret || undefined,
    dependencies: value.dependencies.length > 0 ? [...value.dependencies] : undefined,
  };
}

/** Opens secrets and outputs all the way down; an output without a value becomes an unknown. */
export function plain(value: PropertyMap): PlainMap;
export function plain(value: PropertyValue): PlainValue;
export function plain(value: PropertyValue): PlainValue {
  if (value instanceof Secret) return plain(value.value);
  if (value instanceof Output) return value.value === undefined ? new Unknown() : plain(value.value);
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

export function hasUnknown(value: PropertyValue | undefined): boolean {
  if (value instanceof Unknown) return true;
  if (value instanceof Secret) return hasUnknown(value.value);
  if (value instanceof Output) return value.value === undefined || hasUnknown(value.value);
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isMap(value) && Object.values(value).some(hasUnknown);
}

export function hasSecret(value: PropertyValue | undefined): boolean {
  if (value instanceof Secret) return true;
  if (value instanceof Output) return value.secret || hasSecret(value.value);
  if (Array.isArray(value)) return value.some(hasSecret);
  return isMap(value) && Object.values(value).some(hasSecret);
}

/**
 * Marks the parts of `value` as secret that are secret in `pattern`, so that what a server echoes of a secret
 * input stays one. A list is compared by position; where it has changed its length it becomes secret as a whole.
 */
export function markSecrets(value: PropertyValue, pattern: PropertyValue | undefined): PropertyValue {
  if (value instanceof Secret || pattern === undefined || !hasSecret(pattern)) return value;
  if (pattern instanceof Output && !pattern.secret) return markSecrets(value, pattern.value);
  if (Array.isArray(value) && Array.isArray(pattern) && value.length === pattern.length) {
    return value.map((item, index) => markSecrets(item, pattern[index]));
  }
  if (!isMap(value) || !isMap(pattern)) return new Secret(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      markSecrets(item, Object.hasOwn(pattern, key) ? pattern[key] : undefined),
    ]),
  );
}

import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import { describe, expect, it } from "vitest";
import {
  hasSecret,
  hasUnknown,
  markSecrets,
  marshalStruct,
  Output,
  plain,
  Secret,
  Unknown,
  unmarshalStruct,
  type PropertyMap,
} from "../../../../local/providers/protocol/values.ts";

const secretOf = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});
const outputOf = (fields: object) => ({
  "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4",
  ...fields,
});
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const unknownObject = "dd056dcd-154b-4c76-9bd3-c8f88648b5ff";
const asset = {
  "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
  hash: "00",
  path: "/file",
};

/** From the wire and back. */
function roundTrip(wire: object): unknown {
  const message = structProto.Struct.fromJavaScript(wire as never);
  const bytes = marshalStruct(unmarshalStruct(message)).serializeBinary();
  return structProto.Struct.deserializeBinary(bytes).toJavaScript();
}

describe("property values", () => {
  it.each([
    ["nulls, also in lists", { a: null, b: [null, { c: null }] }],
    ["empty lists, maps and texts", { a: [], b: {}, c: "" }],
    ["false and zero", { a: false, b: 0, c: [0, false] }],
    ["a secret inside a list inside a secret", { a: secretOf([1, secretOf({ b: secretOf(null) })]) }],
    ["unknowns of every kind as they came", { a: unknown, b: [unknownObject] }],
    ["an output with dependencies", { a: outputOf({ value: "x", secret: true, dependencies: ["urn:1"] }) }],
    ["an output without a value", { a: outputOf({ dependencies: ["urn:1", "urn:2"] }) }],
    ["assets", { a: asset, b: [asset] }],
  ])("keep %s", (_what, wire) => {
    expect(roundTrip(wire)).toEqual(wire);
  });

  it("are told apart by their signatures", () => {
    const message = structProto.Struct.fromJavaScript({
      a: secretOf("s"),
      b: unknown,
      c: outputOf({ value: 1 }),
    });
    const { a, b, c } = unmarshalStruct(message);
    expect(a).toEqual(new Secret("s"));
    expect(b).toBeInstanceOf(Unknown);
    expect(c).toEqual(new Output(1));
  });

  it("leave out what is undefined", () => {
    expect(marshalStruct({ a: undefined, b: 1 }).toJavaScript()).toEqual({ b: 1 });
  });

  it("open to plain values, with an unknown for an output without one", () => {
    const value: PropertyMap = {
      a: new Secret({ b: new Secret([new Output("x", true)]) }),
      c: new Output(undefined),
    };
    expect(plain(value)).toEqual({ a: { b: ["x"] }, c: new Unknown() });
  });

  it.each([
    ["in a secret", { a: new Secret([new Unknown()]) }, true],
    ["in an output", { a: [new Output(undefined)] }, true],
    ["nowhere", { a: new Secret("x"), b: [new Output(null)] }, false],
  ])("know of an unknown %s", (_where, value, expected) => {
    expect(hasUnknown(value)).toBe(expected);
  });

  it.each([
    ["a secret", { a: [{ b: new Secret(1) }] }, true],
    ["a secret output", { a: new Output("x", true) }, true],
    ["a plain output", { a: new Output("x") }, false],
  ])("know of %s", (_what, value, expected) => {
    expect(hasSecret(value)).toBe(expected);
  });

  it("take over secrets from inputs to what a server echoes", () => {
    const inputs: PropertyMap = {
      user: "u",
      password: new Secret("p"),
      nested: { keys: [new Secret(1), 2] },
    };
    const echoed: PropertyMap = { user: "u", password: "p", nested: { keys: [1, 2] }, added: true };
    expect(markSecrets(echoed, inputs)).toEqual({
      user: "u",
      password: new Secret("p"),
      nested: { keys: [new Secret(1), 2] },
      added: true,
    });
  });

  it("make a list secret as a whole where a secret element cannot be told any more", () => {
    expect(markSecrets([1, 2, 3], [new Secret(1)])).toEqual(new Secret([1, 2, 3]));
  });
});

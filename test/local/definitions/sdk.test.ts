import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { definitionOfToken, propertyNames, tokens } from "../../../local/arm/definitions/index.ts";

// The SDK's constructors name every input and output of a resource.
const sdk = dirname(createRequire(import.meta.url).resolve("@pulumi/azure-native/package.json"));

function namesInSdk(token: string): { inputs: string[]; outputs: string[] } {
  const [, module = "", type = ""] = token.split(":");
  const file = readdirSync(join(sdk, module)).find((f) => f.toLowerCase() === `${type.toLowerCase()}.js`);
  const code = readFileSync(join(sdk, module, file ?? ""), "utf8");
  const [created = "", looked = ""] = code.slice(code.indexOf("if (!opts.id)")).split("else {");
  const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((m) => m[1] ?? "");
  return {
    inputs: all(created, /resourceInputs\["(\w+)"\] = (?!undefined \/\*out)/g),
    outputs: all(looked, /resourceInputs\["(\w+)"\] = undefined/g),
  };
}

describe("the definition of", () => {
  it.each(tokens())("%s has the SDK's inputs and outputs", (token) => {
    const definition = definitionOfToken(token);
    if (!definition) throw new Error(`no definition of ${token}`);
    const names = propertyNames(definition);
    const wanted = namesInSdk(token);
    expect(wanted.inputs.filter((n) => !names.inputs.includes(n))).toEqual([]);
    // The SDK of a zone group declares no `type`; ARM answers none there either.
    const isZoneGroup = token.endsWith(":PrivateDnsZoneGroup");
    expect(names.outputs.filter((n) => !(isZoneGroup && n === "type"))).toEqual(wanted.outputs.sort());
  });
});

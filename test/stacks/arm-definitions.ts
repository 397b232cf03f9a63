/** Microsoft's type definitions as a check of declared resources, where they lie beside the project. */
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Declared } from "./program-mocks.ts";

const CHECKER = fileURLToPath(new URL("../../../shared/arm/arm-check.mjs", import.meta.url));

interface Checker {
  loadDefinitions: () => unknown;
  checkStack: (
    exported: unknown,
    definitions: unknown,
    options: { strictEnums: boolean },
  ) => { checked: number; violations: Violation[]; withoutDefinition: { type: string; count: number }[] };
}
export interface Violation {
  urn: string;
  path: string;
  kind: string;
  message: string;
}

export const hasDefinitions = existsSync(CHECKER);

/** Checks the resources as an exported stack would hold them. */
export async function checkDeclared(declared: Declared[], { strictEnums = false } = {}) {
  const { checkStack, loadDefinitions } = (await import(pathToFileURL(CHECKER).href)) as Checker;
  const resources = declared.map(({ type, name, inputs }) => ({
    urn: `urn:pulumi:acme::tierlift::${type}::${name}`,
    type,
    custom: true,
    id: name,
    inputs,
    outputs: {},
  }));
  return checkStack({ version: 3, deployment: { resources } }, loadDefinitions(), { strictEnums });
}

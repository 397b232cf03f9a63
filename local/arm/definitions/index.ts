/** Microsoft's published ARM types for the resources of Tierlift's stacks, and azure-native's view of them. */
export type { Definition } from "./load.ts";
export { definitionOf, definitionOfToken, tokens } from "./load.ts";
export type { CheckOptions, Finding, FindingKind } from "./check.ts";
export { checkBody, checkInputs, checkName } from "./check.ts";
export { propertyNames, toArmBody, toInputs, toOutputs } from "./translate.ts";
export { parseResourceId, resourceId } from "./ids.ts";

/** Microsoft's published ARM types for the resources of Tierlift's stacks, and azure-native's view of them. */
export type { Definition, ObjectNode, TypeNode } from "./load.ts";
export {
  bodyOf,
  definitionOf,
  definitionOfToken,
  ofRecordType,
  READ_ONLY,
  tokens,
  typeAt,
  WRITE_ONLY,
} from "./load.ts";
export type { Property } from "./names.ts";
export { propertiesOf } from "./names.ts";
export type { CheckOptions, Finding, FindingKind } from "./check.ts";
export { checkBody, checkInputs, checkName } from "./check.ts";
export { outputsToInputs, propertyNames, toArmBody, toInputs, toOutputs } from "./translate.ts";
export { parseResourceId, resourceId } from "./ids.ts";

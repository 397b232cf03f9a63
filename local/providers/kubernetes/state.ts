import { hasSecret, isMap, plain, Secret, type PlainMap, type PropertyMap } from "../protocol/values.ts";
import { isObject, type KubeObject } from "./object.ts";

/** What the state holds of an object, as the official provider lays it out. */
export interface Checkpoint {
  readonly inputs: KubeObject;
  readonly live: KubeObject;
  readonly apiVersion: string;
  readonly fieldManager: string;
}

/** The live object with the inputs and the provider's own facts beside it; what was secret in `source` is secret. */
export function checkpoint(parts: Checkpoint, source: PropertyMap): PropertyMap {
  return {
    ...withSecrets(parts.live, source),
    __inputs: withSecrets(parts.inputs, source),
    __initialApiVersion: parts.apiVersion,
    __fieldManager: parts.fieldManager,
  };
}

/** Reads a state; without one every part is empty. */
export function parseCheckpoint(state: PropertyMap): Checkpoint {
  const { __inputs, __initialApiVersion, __fieldManager, ...live } = plain(state);
  return {
    inputs: isObject(__inputs) ? __inputs : {},
    live,
    apiVersion: typeof __initialApiVersion === "string" ? __initialApiVersion : "",
    fieldManager: typeof __fieldManager === "string" ? __fieldManager : "",
  };
}

/**
 * `object` with secrets where `source` has them, and with every Secret's data secret. Below a list there is no
 * telling which element became which, so a list with a secret in it is secret as a whole.
 */
export function withSecrets(object: PlainMap, source: PropertyMap | undefined): PropertyMap {
  const result: PropertyMap = { ...object };
  const isSecretKind = object["kind"] === "Secret";
  for (const [key, value] of Object.entries(object)) {
    if (isSecretKind && (key === "data" || key === "stringData")) {
      result[key] = new Secret(value);
    } else if (source && Object.hasOwn(source, key)) {
      const from = source[key];
      if (isObject(value) && isMap(from)) result[key] = withSecrets(value, from);
      else if (hasSecret(from)) result[key] = new Secret(value);
    }
  }
  return result;
}

import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import type * as pb from "@pulumi/pulumi/proto/provider_pb.js";
import type * as p from "./provider.ts";
import { marshalStruct, unmarshalStruct } from "./values.ts";

/** Requests and responses between their messages and plain values: one pair of functions for each call. */

export function checkRequest(message: pb.CheckRequest): p.CheckRequest {
  const autonaming = message.getAutonaming();
  return {
    ...resource(message),
    olds: unmarshalStruct(message.getOlds()),
    news: unmarshalStruct(message.getNews()),
    randomSeed: message.getRandomseed_asU8(),
    ...(autonaming && {
      autonaming: {
        proposedName: autonaming.getProposedName(),
        mode: autonamingModes[autonaming.getMode()] ?? "propose",
      },
    }),
  };
}

const autonamingModes = ["propose", "enforce", "disable"] as const;

export function checkResponse(result: p.CheckResult): pb.CheckResponse {
  const message = new providerProto.CheckResponse();
  message.setInputs(marshalStruct(result.inputs));
  message.setFailuresList((result.failures ?? []).map(checkFailure));
  return message;
}

function checkFailure(failure: p.CheckFailure): pb.CheckFailure {
  const message = new providerProto.CheckFailure();
  message.setProperty(failure.property);
  message.setReason(failure.reason);
  return message;
}

export function diffRequest(message: pb.DiffRequest): p.DiffRequest {
  return {
    ...resource(message),
    id: message.getId(),
    olds: unmarshalStruct(message.getOlds()),
    oldInputs: unmarshalStruct(message.getOldInputs()),
    news: unmarshalStruct(message.getNews()),
    ignoreChanges: message.getIgnorechangesList(),
  };
}

export function diffResponse(result: p.DiffResult): pb.DiffResponse {
  const message = new providerProto.DiffResponse();
  const { DIFF_NONE, DIFF_SOME, DIFF_UNKNOWN } = providerProto.DiffResponse.DiffChanges;
  message.setChanges({ none: DIFF_NONE, some: DIFF_SOME, unknown: DIFF_UNKNOWN }[result.changes]);
  message.setReplacesList([...(result.replaces ?? [])]);
  message.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  message.setDiffsList([...(result.diffs ?? [])]);
  message.setStablesList([...(result.stables ?? [])]);
  message.setHasdetaileddiff(result.detailedDiff !== undefined);
  for (const [path, { kind, inputDiff }] of Object.entries(result.detailedDiff ?? {})) {
    const difference = new providerProto.PropertyDiff();
    difference.setKind(diffKinds[kind]);
    difference.setInputdiff(inputDiff ?? false);
    message.getDetaileddiffMap().set(path, difference);
  }
  return message;
}

const { Kind } = providerProto.PropertyDiff;
const diffKinds = {
  add: Kind.ADD,
  "add-replace": Kind.ADD_REPLACE,
  delete: Kind.DELETE,
  "delete-replace": Kind.DELETE_REPLACE,
  update: Kind.UPDATE,
  "update-replace": Kind.UPDATE_REPLACE,
} satisfies Record<p.DiffKind, number>;

export function configureRequest(message: pb.ConfigureRequest): p.ConfigureRequest {
  const variables: Record<string, string> = {};
  message.getVariablesMap().forEach((value, key) => (variables[key] = value));
  return {
    id: message.getId() ?? "",
    urn: message.getUrn() ?? "",
    args: unmarshalStruct(message.getArgs()),
    variables,
  };
}

export function configureResponse(result: p.ConfigureResult): pb.ConfigureResponse {
  const message = new providerProto.ConfigureResponse();
  message.setAcceptsecrets(result.acceptSecrets ?? false);
  message.setAcceptresources(result.acceptResources ?? false);
  message.setAcceptoutputs(result.acceptOutputs ?? false);
  message.setSupportspreview(result.supportsPreview ?? false);
  message.setSupportsAutonamingConfiguration(result.supportsAutonamingConfiguration ?? false);
  return message;
}

export function invokeRequest(message: pb.InvokeRequest): p.InvokeRequest {
  return { token: message.getTok(), args: unmarshalStruct(message.getArgs()) };
}

export function invokeResponse(result: p.InvokeResult): pb.InvokeResponse {
  const message = new providerProto.InvokeResponse();
  if (result.result) message.setReturn(marshalStruct(result.result));
  message.setFailuresList((result.failures ?? []).map(checkFailure));
  return message;
}

export function createRequest(message: pb.CreateRequest): p.CreateRequest {
  return {
    ...resource(message),
    properties: unmarshalStruct(message.getProperties()),
    timeoutSeconds: message.getTimeout(),
    preview: message.getPreview(),
  };
}

export function createResponse(result: p.CreateResult): pb.CreateResponse {
  const message = new providerProto.CreateResponse();
  message.setId(result.id);
  message.setProperties(marshalStruct(result.properties));
  return message;
}

export function readRequest(message: pb.ReadRequest): p.ReadRequest {
  return {
    ...resource(message),
    id: message.getId(),
    properties: unmarshalStruct(message.getProperties()),
    inputs: unmarshalStruct(message.getInputs()),
    timeoutSeconds: message.getTimeout(),
  };
}

export function readResponse(result: p.ReadResult): pb.ReadResponse {
  const message = new providerProto.ReadResponse();
  message.setId(result.id);
  if (result.id === "") return message;
  message.setProperties(marshalStruct(result.properties));
  message.setInputs(marshalStruct(result.inputs));
  return message;
}

export function updateRequest(message: pb.UpdateRequest): p.UpdateRequest {
  return {
    ...resource(message),
    id: message.getId(),
    olds: unmarshalStruct(message.getOlds()),
    oldInputs: unmarshalStruct(message.getOldInputs()),
    news: unmarshalStruct(message.getNews()),
    timeoutSeconds: message.getTimeout(),
    ignoreChanges: message.getIgnorechangesList(),
    preview: message.getPreview(),
  };
}

export function updateResponse(result: p.UpdateResult): pb.UpdateResponse {
  const message = new providerProto.UpdateResponse();
  message.setProperties(marshalStruct(result.properties));
  return message;
}

export function deleteRequest(message: pb.DeleteRequest): p.DeleteRequest {
  return {
    ...resource(message),
    id: message.getId(),
    properties: unmarshalStruct(message.getProperties()),
    oldInputs: unmarshalStruct(message.getOldInputs()),
    timeoutSeconds: message.getTimeout(),
  };
}

/** Older engines send only the URN, `urn:pulumi:<stack>::<project>::<parents$type>::<name>`. */
function resource(message: { getUrn(): string; getName(): string; getType(): string }) {
  const urn = message.getUrn();
  const [, , types = "", ...name] = urn.split("::");
  return {
    urn,
    name: message.getName() || name.join("::"),
    type: message.getType() || (types.split("$").at(-1) ?? ""),
  };
}

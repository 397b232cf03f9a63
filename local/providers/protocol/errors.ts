import { Metadata, status } from "@grpc/grpc-js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import { marshalStruct, type PropertyMap } from "./values.ts";

export { status };

/** An error with a gRPC status of its own; any other error reaches the engine as `UNKNOWN` with its message. */
export class ProviderError extends Error {
  readonly code: status;
  constructor(message: string, code: status = status.UNKNOWN, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProviderError";
    this.code = code;
  }
}

/**
 * The resource was created or changed, and then did not become ready. The engine keeps `id`, `properties` and
 * `inputs` as the resource's new state and shows each of `reasons`.
 */
export class InitFailedError extends Error {
  readonly id: string;
  readonly properties: PropertyMap;
  readonly inputs: PropertyMap;
  readonly reasons: readonly string[];
  constructor(
    message: string,
    state: { id: string; properties: PropertyMap; inputs: PropertyMap; reasons: readonly string[] },
  ) {
    super(message);
    this.name = "InitFailedError";
    this.id = state.id;
    this.properties = state.properties;
    this.inputs = state.inputs;
    this.reasons = state.reasons;
  }
}

export interface GrpcFailure {
  code: status;
  details: string;
  metadata?: Metadata;
}

/** What a failed call answers. */
export function toGrpcFailure(error: unknown): GrpcFailure {
  if (error instanceof InitFailedError) {
    return { code: status.UNKNOWN, details: error.message, metadata: initFailedMetadata(error) };
  }
  if (error instanceof ProviderError) return { code: error.code, details: error.message };
  return { code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) };
}

function initFailedMetadata(error: InitFailedError): Metadata {
  const detail = new providerProto.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(marshalStruct(error.properties));
  detail.setInputs(marshalStruct(error.inputs));
  detail.setReasonsList([...error.reasons]);
  const any = new anyProto.Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const rpcStatus = new statusProto.Status();
  rpcStatus.setCode(status.UNKNOWN);
  rpcStatus.setMessage(error.message);
  rpcStatus.addDetails(any);
  const metadata = new Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(rpcStatus.serializeBinary()));
  return metadata;
}

/** A provider plugin run as the engine runs it, called over gRPC with requests and answers as plain JSON. */
import { credentials, type ServiceError } from "@grpc/grpc-js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonMap = { [key: string]: Json };

export interface Failure {
  /** The gRPC status code. */
  code: number;
  message: string;
  /** What is left of a resource that was written and did not become ready. */
  initFailed?: { id: string; properties: JsonMap; inputs: JsonMap; reasons: string[] };
}

export interface Plugin {
  readonly process: ChildProcess;
  /** Calls a method, such as `Create`. Struct fields are plain JSON; fields with default values are left out. */
  call(method: string, request: JsonMap): Promise<{ response?: JsonMap; failure?: Failure }>;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");
const callMs = 120_000;

/** Starts `local/providers/<name>/pulumi-resource-<name>`; `engine` is the address it may log to. */
export async function startPlugin(name: string, engine = "127.0.0.1:1"): Promise<Plugin> {
  const file = join(root, "local", "providers", name, `pulumi-resource-${name}`);
  const child = spawn(file, [engine], { stdio: ["pipe", "pipe", "inherit"], cwd: "/" });
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  const client = new providerGrpc.ResourceProviderClient(
    `127.0.0.1:${chunk.toString().trim()}`,
    credentials.createInsecure(),
    { "grpc.max_receive_message_length": -1 },
  );
  return {
    process: child,
    ...connect(client),
    async stop() {
      client.close();
      if (child.exitCode === null) {
        child.stdin.end();
        await once(child, "exit");
      }
    },
  };
}

/** Calls a provider's server that already runs. */
export function connect(client: Client): Pick<Plugin, "call"> {
  return { call: (method, request) => invoke(client, method, request) };
}

type Client = InstanceType<typeof providerGrpc.ResourceProviderClient>;
type Unary = (
  request: unknown,
  options: { deadline: number },
  callback: (error: ServiceError | null, response: unknown) => void,
) => void;

function invoke(client: Client, method: string, request: JsonMap): ReturnType<Plugin["call"]> {
  const name = method.charAt(0).toLowerCase() + method.slice(1);
  const unary = (client as unknown as Record<string, Unary>)[name]!.bind(client);
  return new Promise((resolve) => {
    unary(toMessage(method, request), { deadline: Date.now() + callMs }, (error, response) => {
      resolve(error ? { failure: toFailure(error) } : { response: fromMessage(method, response) });
    });
  });
}

const structFields = new Set(["olds", "news", "oldInputs", "properties", "inputs", "args"]);

function toMessage(method: string, request: JsonMap): unknown {
  const types = providerProto as unknown as Record<
    string,
    new () => Record<string, (value: unknown) => void>
  >;
  const Type =
    {
      Handshake: types["ProviderHandshakeRequest"],
      CheckConfig: types["CheckRequest"],
      DiffConfig: types["DiffRequest"],
    }[method] ?? types[`${method}Request`];
  if (!Type) return new emptyProto.Empty(); // Cancel and GetPluginInfo ask nothing.
  const message = new Type();
  for (const [key, value] of Object.entries(request)) {
    const setter = setters[key] ?? `set${key.charAt(0).toUpperCase()}${key.slice(1)}`;
    if (structFields.has(key)) message[setter]!(structProto.Struct.fromJavaScript(value as JsonMap));
    else message[setter]?.(value);
  }
  return message;
}

/** Where the generated name is not the field's. */
const setters: Record<string, string> = {
  randomSeed: "setRandomseed",
  ignoreChanges: "setIgnorechangesList",
  acceptSecrets: "setAcceptsecrets",
  acceptResources: "setAcceptresources",
};

interface StructMessage {
  toJavaScript(): JsonMap;
}

function fromMessage(method: string, response: unknown): JsonMap {
  const message = response as {
    toObject(): Record<string, unknown>;
    getInputs?(): StructMessage | undefined;
    getProperties?(): StructMessage | undefined;
    getDetaileddiffMap?(): {
      forEach(visit: (value: { getKind(): number; getInputdiff(): boolean }, key: string) => void): void;
    };
  };
  const answer: JsonMap = {};
  for (const [key, value] of Object.entries(message.toObject())) {
    const name = names[key] ?? key;
    if (structFields.has(key) || name === "detailedDiff") continue;
    const isDefault =
      value === "" || value === false || value === 0 || (Array.isArray(value) && value.length === 0);
    if (!isDefault && value !== undefined) answer[name] = value as Json;
  }
  const inputs = message.getInputs?.()?.toJavaScript();
  const properties = message.getProperties?.()?.toJavaScript();
  if (inputs) answer["inputs"] = inputs;
  if (properties) answer["properties"] = properties;
  if (method.startsWith("Diff")) {
    answer["changes"] = changes[Number(answer["changes"] ?? 0)] ?? "";
    const detailed: JsonMap = {};
    message.getDetaileddiffMap?.().forEach((value, key) => {
      const kind = kinds[value.getKind()] ?? "";
      detailed[key] = { ...(kind !== "ADD" && { kind }), ...(value.getInputdiff() && { inputDiff: true }) };
    });
    if (Object.keys(detailed).length > 0) answer["detailedDiff"] = detailed;
  }
  return answer;
}

const changes = ["DIFF_UNKNOWN", "DIFF_NONE", "DIFF_SOME"];
const kinds = ["ADD", "ADD_REPLACE", "DELETE", "DELETE_REPLACE", "UPDATE", "UPDATE_REPLACE"];
/** From the generated names to the fields'. */
const names: Record<string, string> = {
  acceptsecrets: "acceptSecrets",
  acceptresources: "acceptResources",
  acceptoutputs: "acceptOutputs",
  supportspreview: "supportsPreview",
  failuresList: "failures",
  replacesList: "replaces",
  stablesList: "stables",
  diffsList: "diffs",
  deletebeforereplace: "deleteBeforeReplace",
  hasdetaileddiff: "hasDetailedDiff",
  detaileddiffMap: "detailedDiff",
};

function toFailure(error: ServiceError): Failure {
  const failure: Failure = { code: error.code, message: error.details };
  const [encoded] = error.metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(encoded)) return failure;
  const status = statusProto.Status.deserializeBinary(encoded);
  const detail = status
    .getDetailsList()[0]
    ?.unpack(
      (bytes) => providerProto.ErrorResourceInitFailed.deserializeBinary(bytes),
      "pulumirpc.ErrorResourceInitFailed",
    );
  if (detail) {
    failure.initFailed = {
      id: detail.getId(),
      properties: asMap(detail.getProperties()?.toJavaScript()),
      inputs: asMap(detail.getInputs()?.toJavaScript()),
      reasons: detail.getReasonsList(),
    };
  }
  return failure;
}

function asMap(value: unknown): JsonMap {
  return (value ?? {}) as JsonMap;
}

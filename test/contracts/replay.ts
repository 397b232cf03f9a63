/** Sends recorded calls to running plugins, with what those answered before in place of what was recorded. */
import { isDeepStrictEqual } from "node:util";
import type { Failure, Json, JsonMap, Plugin } from "../support/plugin.ts";

/** A line of a trace. */
export interface RecordedCall {
  method: string;
  request: JsonMap;
  response: JsonMap | null;
  errors?: string[];
}

export interface Answer {
  response?: JsonMap;
  failure?: Failure;
}

interface State {
  id: string;
  properties: JsonMap;
  inputs: JsonMap;
}

export interface Replay {
  /** Sends `call` and answers what the plugin says. */
  send(call: RecordedCall): Promise<Answer>;
}

export function methodOf(call: RecordedCall): string {
  return call.method.split("/").at(-1) ?? "";
}

export function createReplay(plugins: { kubernetes: Plugin; command: Plugin }, kubeconfig: string): Replay {
  /** Our states by URN and recorded id. */
  const states = new Map<string, State>();
  /** Names and ids that are made up, from the recorded to ours. */
  const renamed = new Map<string, string>([["<kubeconfig>", kubeconfig]]);
  let lastType = "";

  const key = (request: JsonMap, id: Json | undefined) => `${text(request["urn"])} ${text(id)}`;

  function translate(value: Json): Json {
    if (typeof value === "string") return renamed.get(value) ?? value;
    if (Array.isArray(value)) return value.map(translate);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, translate(item)]));
  }

  function requestOf(call: RecordedCall): JsonMap {
    const request = translate(call.request) as JsonMap;
    const method = methodOf(call);
    if (!["Diff", "Update", "Delete", "Read"].includes(method)) return request;
    const state = states.get(key(call.request, call.request["id"]));
    if (!state) throw new Error(`no state for ${key(call.request, call.request["id"])}`);
    request["id"] = state.id;
    if (method === "Diff" || method === "Update") {
      request["olds"] = state.properties;
      request["oldInputs"] = state.inputs;
    } else {
      request["properties"] = state.properties;
      request[method === "Read" ? "inputs" : "oldInputs"] = state.inputs;
    }
    return request;
  }

  function learn(call: RecordedCall, request: JsonMap, { response, failure }: Answer): void {
    const method = methodOf(call);
    const recordedId = call.request["id"] ?? call.response?.["id"];
    const stateKey = key(call.request, recordedId);
    if (method === "Check") rename(call.response?.["inputs"], response?.["inputs"]);
    if (method === "Delete" && response) states.delete(stateKey);
    if (call.request["preview"] === true) return;
    if (failure?.initFailed && (method === "Create" || method === "Update")) {
      states.set(stateKey, { ...failure.initFailed });
    } else if (response && ["Create", "Update", "Read"].includes(method)) {
      const inputs = { Create: request["properties"], Update: request["news"], Read: response["inputs"] }[
        method
      ];
      const id = text(response["id"] ?? request["id"]);
      states.set(stateKey, { id, properties: response["properties"] as JsonMap, inputs: inputs as JsonMap });
      if (typeof recordedId === "string") renamed.set(recordedId, id);
    }
  }

  /** A name the program did not give. */
  function rename(recorded: Json | undefined, ours: Json | undefined): void {
    const nameOf = (inputs: Json | undefined) =>
      ((inputs as JsonMap)["metadata"] as JsonMap | undefined)?.["name"];
    const [from, to] = [nameOf(recorded), nameOf(ours)];
    if (typeof from === "string" && typeof to === "string" && from !== to) renamed.set(from, to);
  }

  return {
    async send(call) {
      const method = methodOf(call);
      const type = text(call.request["type"]) || pluginFolder(call) || lastType;
      lastType = type;
      const plugin = type.includes("command") ? plugins.command : plugins.kubernetes;
      const request = requestOf(call);
      const answer = await plugin.call(method, request);
      learn(call, request, answer);
      return answer.response ? { response: hide(answer.response, kubeconfig) as JsonMap } : answer;
    },
  };
}

/** As the recordings have it, and so that no test's output shows a key. */
function hide(value: Json, secret: string): Json {
  if (typeof value === "string") return value === secret ? "<kubeconfig>" : value;
  if (Array.isArray(value)) return value.map((item) => hide(item, secret));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, hide(item, secret)]));
}

/** The handshake says only from which folder the plugin comes; what follows it is for the same plugin. */
function pluginFolder({ request }: RecordedCall): string {
  return text(request["programDirectory"]);
}

export function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** A place where two answers are not the same. */
export interface Difference {
  path: string;
  recorded: Json | undefined;
  ours: Json | undefined;
}

export function compareJson(recorded: Json | undefined, ours: Json | undefined, path = ""): Difference[] {
  if (isDeepStrictEqual(recorded, ours)) return [];
  if (Array.isArray(recorded) && Array.isArray(ours) && recorded.length === ours.length) {
    return recorded.flatMap((item, index) => compareJson(item, ours[index], `${path}[${index}]`));
  }
  if (isMap(recorded) && isMap(ours)) {
    const keys = new Set([...Object.keys(recorded), ...Object.keys(ours)]);
    return [...keys].flatMap((key) =>
      compareJson(recorded[key], ours[key], path === "" ? key : `${path}.${key}`),
    );
  }
  return [{ path, recorded, ours }];
}

function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { Definition } from "../../arm/definitions/index.ts";
import { definitionOfToken, parseResourceId, toInputs, toOutputs } from "../../arm/definitions/index.ts";
import { InitFailedError, ProviderError, status as grpc } from "../protocol/errors.ts";
import type { CallContext, CreateRequest, Provider, ReadRequest } from "../protocol/provider.ts";
import type { DeleteRequest, UpdateRequest } from "../protocol/provider.ts";
import type { PlainMap, PropertyMap, PropertyValue } from "../protocol/values.ts";
import { markSecrets, plain } from "../protocol/values.ts";
import { checkResource } from "./check.ts";
import { readRetryDelays, readSettings } from "./config.ts";
import { diffResource } from "./diff.ts";
import { createSend } from "./http.ts";
import type { Instance, InstanceOptions } from "./instance.ts";
import { createInstance } from "./instance.ts";
import { invoke } from "./invoke.ts";
import type { Target } from "./operations.ts";
import { AcceptedFailure, create, get, idOf, update } from "./operations.ts";
import { previewOutputs } from "./preview.ts";
import { refreshInputs, withoutForeignSubResources } from "./refresh.ts";
import { recoverSecret, removeResource } from "./special.ts";

/** The release of the official plugin whose types and defaults these are. */
export const version = "3.28.0";

/** What an operation may take when the program sets no timeout, as in the official plugin. */
const defaultTimeoutSeconds = 120 * 60;
/** For the look at what a failed or cancelled write left behind. */
const afterFailureMs = 15_000;

const stableOutputs = ["name", "location"];

type ProviderOptions = Partial<InstanceOptions> & { environment?: NodeJS.ProcessEnv };

interface Operation {
  type: string;
  timeoutSeconds: number;
}

class AzureNative implements Provider {
  readonly version = version;
  readonly #options: ProviderOptions;
  #instance: Instance | undefined;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  #definition(type: string): Definition {
    const definition = definitionOfToken(type);
    if (definition) return definition;
    throw new ProviderError(
      `resource type ${type} is not known to the local target's azure-native plugin`,
      grpc.NOT_FOUND,
    );
  }

  #configured(): Instance {
    if (!this.#instance) throw new ProviderError("the provider is not configured", grpc.FAILED_PRECONDITION);
    return this.#instance;
  }

  #target(operation: Operation, id: string, inputs: PlainMap, context: CallContext): Target {
    const definition = this.#definition(operation.type);
    const apiVersion = inputs["azureApiVersion"];
    const seconds = operation.timeoutSeconds || defaultTimeoutSeconds;
    return {
      instance: this.#configured(),
      definition,
      token: operation.type,
      id,
      apiVersion: typeof apiVersion === "string" ? apiVersion : definition.apiVersion,
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(seconds * 1000)]),
      status: (state) => context.status(state),
    };
  }

  readonly checkConfig: Provider["checkConfig"] = (request) => Promise.resolve({ inputs: request.news });

  /** A changed subscription or tenant replaces nothing: the engine only sees that something changed. */
  readonly diffConfig: Provider["diffConfig"] = () => Promise.resolve({ changes: "unknown" });

  readonly configure: Provider["configure"] = (request) => {
    const { environment = process.env, send = createSend(environment), ...options } = this.#options;
    const settings = readSettings(plain(request.args), environment);
    if (!settings.subscriptionId)
      throw new ProviderError("the provider's subscriptionId is not set", grpc.INVALID_ARGUMENT);
    const retryDelaysMs = readRetryDelays(environment);
    this.#instance = createInstance(settings, { send, ...(retryDelaysMs && { retryDelaysMs }), ...options });
    return Promise.resolve({
      acceptSecrets: true,
      supportsPreview: true,
      supportsAutonamingConfiguration: true,
    });
  };

  readonly invoke: Provider["invoke"] = async (request, context) => {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(defaultTimeoutSeconds * 1000)]);
    const result = await invoke(this.#configured(), request.token, plain(request.args), signal);
    return { result: result as PropertyMap };
  };

  readonly check: Provider["check"] = (request, context) => {
    const instance = this.#configured();
    return checkResource(this.#definition(request.type), request, {
      configured: instance.settings.location,
      ofGroup: (name) => instance.groupLocation(name, context.signal),
    });
  };

  readonly diff: Provider["diff"] = (request) =>
    Promise.resolve(diffResource(this.#definition(request.type), request));

  readonly create: Provider["create"] = async (request: CreateRequest, context) => {
    const definition = this.#definition(request.type);
    if (request.preview) return { id: "", properties: previewOutputs(definition, request.properties) };
    const inputs = plain(request.properties);
    const target = this.#target(request, idOf(this.#configured(), definition, inputs), inputs, context);
    return this.#write(target, request.properties, context, async () => {
      await recoverSecret(target);
      return create(target, inputs);
    });
  };

  readonly update: Provider["update"] = async (request: UpdateRequest, context) => {
    const definition = this.#definition(request.type);
    if (request.preview) {
      const known = stableOutputs.filter((name) => request.olds[name] !== undefined);
      const stable = known.map((name): [string, PropertyValue] => [name, request.olds[name] ?? null]);
      return { properties: previewOutputs(definition, request.news, Object.fromEntries(stable)) };
    }
    const inputs = plain(request.news);
    const target = this.#target(request, request.id, inputs, context);
    return this.#write(target, request.news, context, () => update(target, inputs, plain(request.olds)));
  };

  /** A write, its state with the inputs' secrets, and after a failure what it left behind. */
  async #write(
    target: Target,
    inputs: PropertyMap,
    context: CallContext,
    run: () => Promise<Record<string, unknown>>,
  ): Promise<{ id: string; properties: PropertyMap }> {
    try {
      const body = await run();
      return stateOf(target, body, inputs);
    } catch (error) {
      const message = explain(error, context);
      if (!(error instanceof AcceptedFailure))
        throw new ProviderError(message, grpc.UNKNOWN, { cause: error });
      const left = await this.#leftBehind(target);
      const state = left ? stateOf(target, left, inputs) : { id: target.id, properties: inputs };
      throw new InitFailedError(message, { ...state, inputs, reasons: [message] });
    }
  }

  #leftBehind(target: Target): Promise<Record<string, unknown> | undefined> {
    return get({ ...target, signal: AbortSignal.timeout(afterFailureMs) }).catch(() => undefined);
  }

  readonly read: Provider["read"] = async (request: ReadRequest, context) => {
    const definition = this.#definition(request.type);
    const inputs = plain(request.inputs);
    const target = this.#target(request, request.id, inputs, context);
    const body = await get(target).catch((error: unknown) => {
      throw new ProviderError(explain(error, context), grpc.UNKNOWN, { cause: error });
    });
    if (!body) return { id: "", properties: {}, inputs: {} };
    const isImport = Object.keys(inputs).length === 0;
    if (isImport) return importState(target, body);
    const oldOutputs = plain(request.properties);
    const outputs = toOutputs(definition, body) as PlainMap;
    const shown = withoutForeignSubResources(request.type, outputs, inputs);
    const newInputs = refreshInputs(definition, inputs, oldOutputs, shown);
    return {
      id: request.id,
      properties: secretAs(shown, request.inputs, request.properties),
      inputs: secretAs(newInputs, request.inputs),
    };
  };

  readonly delete: Provider["delete"] = async (request: DeleteRequest, context) => {
    const target = this.#target(request, request.id, plain(request.oldInputs), context);
    try {
      await removeResource(target);
    } catch (error) {
      throw new ProviderError(explain(error, context), grpc.UNKNOWN, { cause: error });
    }
  };
}

/** Values in the places of the secrets of `patterns` are secrets. */
function secretAs(values: PlainMap, ...patterns: PropertyMap[]): PropertyMap {
  return patterns.reduce<PropertyMap>(
    (marked, pattern) => markSecrets(marked, pattern) as PropertyMap,
    values,
  );
}

function stateOf(
  target: Target,
  body: Record<string, unknown>,
  inputs: PropertyMap,
): { id: string; properties: PropertyMap } {
  const outputs = toOutputs(target.definition, body) as PlainMap;
  const shown = withoutForeignSubResources(target.token, outputs, plain(inputs));
  // Ids are kept as ARM writes them, whatever the case of its segments.
  const id = typeof body["id"] === "string" ? body["id"] : target.id;
  return { id, properties: secretAs(shown, inputs) };
}

function importState(
  target: Target,
  body: Record<string, unknown>,
): { id: string; properties: PropertyMap; inputs: PropertyMap } {
  const { definition, id } = target;
  const parameters = parseResourceId(definition, id);
  if (!parameters)
    throw new ProviderError(`'${id}' is not the id of a ${definition.armType}`, grpc.INVALID_ARGUMENT);
  return {
    id,
    properties: toOutputs(definition, body) as PropertyMap,
    inputs: { ...toInputs(definition, body), ...parameters } as PropertyMap,
  };
}

/** What the operator reads; an abort is told by who asked for it. */
function explain(error: unknown, context: CallContext): string {
  const cause = error instanceof AcceptedFailure ? error.cause : error;
  const name = (cause as { name?: string } | undefined)?.name;
  if (name === "AbortError" || name === "TimeoutError")
    return context.cancelled.aborted ? "the operation was cancelled" : "operation timed out";
  return cause instanceof Error ? cause.message : String(cause);
}

/** The azure-native provider of one plugin process. */
export function createAzureNativeProvider(options: ProviderOptions = {}): Provider {
  return new AzureNative(options);
}

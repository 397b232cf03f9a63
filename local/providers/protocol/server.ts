import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import type { PluginAttach } from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import * as calls from "./calls.ts";
import { createEngineLog, type EngineLog } from "./engine-log.ts";
import { ProviderError, status, toGrpcFailure } from "./errors.ts";
import type { CallContext, Provider } from "./provider.ts";

export interface ProviderServer {
  readonly port: number;
  /** Ends running calls, the provider and the server. */
  close(): Promise<void>;
}

/** How long entries for the engine's log and running calls may still take when the server closes. */
const closeMs = 2_000;

/** Serves `provider` on a free port of 127.0.0.1. Log lines go to the engine at `engineAddress`, if there is one. */
export async function startProviderServer(
  provider: Provider,
  engineAddress?: string,
): Promise<ProviderServer> {
  const session = new Session(provider, engineAddress);
  return serveSessions(
    () => session,
    () => session.close(),
  );
}

/**
 * Serves a provider of its own to every connection: an engine that attaches to a running server opens one for each
 * provider resource of its stack, and tells of itself by `Attach`.
 */
export async function startAttachableServer(create: () => Provider): Promise<ProviderServer> {
  const sessions = new Map<string, Session>();
  const sessionOf = (peer: string): Session => {
    const session = sessions.get(peer) ?? new Session(create(), undefined);
    sessions.set(peer, session);
    return session;
  };
  const close = () => Promise.all([...sessions.values()].map((session) => session.close()));
  return serveSessions(sessionOf, close);
}

async function serveSessions(
  sessionOf: (peer: string) => Session,
  close: () => Promise<unknown>,
): Promise<ProviderServer> {
  // The engine's own limit is 400 MB; a state with many rendered files passes grpc-js's 4 MB easily.
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  server.addService(providerGrpc.ResourceProviderService, createHandlers(sessionOf));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    async close() {
      await close();
      server.forceShutdown();
    },
  };
}

class Session {
  readonly provider: Provider;
  readonly cancel = new AbortController();
  #log: EngineLog | undefined;

  constructor(provider: Provider, engineAddress: string | undefined) {
    this.provider = provider;
    if (engineAddress) this.#log = createEngineLog(engineAddress);
  }

  attach(engineAddress: string): void {
    this.#log?.close();
    this.#log = createEngineLog(engineAddress);
  }

  context(urn: string, cancelled: AbortSignal, timeoutSeconds: number): CallContext {
    const signal =
      timeoutSeconds > 0
        ? AbortSignal.any([cancelled, AbortSignal.timeout(timeoutSeconds * 1000)])
        : cancelled;
    return {
      signal,
      cancelled,
      log: (severity, message) => this.#log?.log({ urn, severity, message, ephemeral: false }),
      status: (message) => this.#log?.log({ urn, severity: "info", message, ephemeral: true }),
    };
  }

  /** Lines a call has logged reach the engine before its answer: afterwards nobody shows them. */
  async flush(): Promise<void> {
    await this.#log?.flush();
  }

  async close(): Promise<void> {
    this.cancel.abort();
    this.provider.close?.();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, closeMs)));
    await Promise.race([this.flush(), limit]);
    clearTimeout(timer);
    this.#log?.close();
  }
}

type Handler<Message, Answer> = (
  call: ServerUnaryCall<Message, Answer>,
  callback: sendUnaryData<Answer>,
) => void;

type Method<Request, Result> = (request: Request, context: CallContext) => Promise<Result>;

function createHandlers(sessionOf: (peer: string) => Session) {
  function serve<Message, Request, Result, Answer>(
    name: string,
    parse: (message: Message) => Request,
    methodOf: (session: Session) => Method<Request, Result> | undefined,
    answer: (result: Result) => Answer,
  ): Handler<Message, Answer> {
    return (call, callback) => {
      const session = sessionOf(call.getPeer());
      const run = async () => {
        const method = methodOf(session);
        if (!method) throw new ProviderError(`${name} is not implemented`, status.UNIMPLEMENTED);
        const request = parse(call.request);
        const ended = new AbortController();
        call.on("cancelled", () => ended.abort());
        const cancelled = AbortSignal.any([session.cancel.signal, ended.signal]);
        const { urn = "", timeoutSeconds = 0 } = (request ?? {}) as { urn?: string; timeoutSeconds?: number };
        const result = await method.call(
          session.provider,
          request,
          session.context(urn, cancelled, timeoutSeconds),
        );
        return answer(result);
      };
      run().then(
        (message) => void session.flush().then(() => callback(null, message)),
        (error: unknown) => void session.flush().then(() => callback(toGrpcFailure(error))),
      );
    };
  }

  const empty = () => new emptyProto.Empty();
  const notServed = (name: string) =>
    serve(
      name,
      (message: unknown) => message,
      () => undefined,
      empty,
    );
  return {
    // Without a handshake the engine asks each provider's Configure for its features, as the official plugins have it.
    handshake: notServed("Handshake"),
    getPluginInfo: serve(
      "GetPluginInfo",
      ignore,
      ({ provider: { version } }) =>
        () =>
          Promise.resolve(version),
      pluginInfo,
    ),
    attach: serve(
      "Attach",
      (message: PluginAttach) => message.getAddress(),
      (session) => (address) => Promise.resolve(session.attach(address)),
      empty,
    ),
    cancel: serve("Cancel", ignore, (session) => () => Promise.resolve(session.cancel.abort()), empty),
    getSchema: serve(
      "GetSchema",
      ignore,
      ({ provider }) =>
        () =>
          Promise.resolve(provider.schema?.() ?? "{}"),
      schemaResponse,
    ),
    checkConfig: serve(
      "CheckConfig",
      calls.checkRequest,
      ({ provider }) => provider.checkConfig,
      calls.checkResponse,
    ),
    diffConfig: serve(
      "DiffConfig",
      calls.diffRequest,
      ({ provider }) => provider.diffConfig,
      calls.diffResponse,
    ),
    configure: serve(
      "Configure",
      calls.configureRequest,
      ({ provider }) => provider.configure,
      calls.configureResponse,
    ),
    invoke: serve("Invoke", calls.invokeRequest, ({ provider }) => provider.invoke, calls.invokeResponse),
    check: serve("Check", calls.checkRequest, ({ provider }) => provider.check, calls.checkResponse),
    diff: serve("Diff", calls.diffRequest, ({ provider }) => provider.diff, calls.diffResponse),
    create: serve("Create", calls.createRequest, ({ provider }) => provider.create, calls.createResponse),
    read: serve("Read", calls.readRequest, ({ provider }) => provider.read, calls.readResponse),
    update: serve("Update", calls.updateRequest, ({ provider }) => provider.update, calls.updateResponse),
    delete: serve("Delete", calls.deleteRequest, ({ provider }) => provider.delete, empty),
    parameterize: notServed("Parameterize"),
    construct: notServed("Construct"),
    call: notServed("Call"),
    getMapping: notServed("GetMapping"),
    getMappings: notServed("GetMappings"),
  };
}

function ignore(): void {
  // The message says nothing.
}

function pluginInfo(version: string) {
  const message = new pluginProto.PluginInfo();
  message.setVersion(version);
  return message;
}

function schemaResponse(schema: string) {
  const message = new providerProto.GetSchemaResponse();
  message.setSchema(schema);
  return message;
}

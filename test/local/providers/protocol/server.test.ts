import {
  credentials,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { afterEach, describe, expect, it } from "vitest";
import { InitFailedError, ProviderError } from "../../../../local/providers/protocol/errors.ts";
import type { Provider } from "../../../../local/providers/protocol/provider.ts";
import { startProviderServer } from "../../../../local/providers/protocol/server.ts";
import { Secret } from "../../../../local/providers/protocol/values.ts";
import { connect, type Plugin } from "../../../support/plugin.ts";

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const urn = "urn:pulumi:s::p::test:a$test:index:Thing::name::with::colons";

async function serve(methods: Partial<Provider>, engine?: string): Promise<Pick<Plugin, "call">> {
  const provider: Provider = {
    version: "1.0.0",
    configure: () => Promise.resolve({}),
    check: ({ news }) => Promise.resolve({ inputs: news }),
    diff: () => Promise.resolve({ changes: "none" }),
    create: ({ properties }) => Promise.resolve({ id: "id", properties }),
    ...methods,
  };
  const server = await startProviderServer(provider, engine);
  const client = new providerGrpc.ResourceProviderClient(
    `127.0.0.1:${server.port}`,
    credentials.createInsecure(),
  );
  ends.push(
    () => server.close(),
    () => client.close(),
  );
  return connect(client);
}

describe("a provider's server", () => {
  it("answers a method it does not have as unimplemented", async () => {
    const { call } = await serve({});
    const { failure } = await call("Read", { urn, id: "x", properties: {}, inputs: {} });
    expect(failure).toEqual({ code: status.UNIMPLEMENTED, message: "Read is not implemented" });
  });

  it("gives a method the name and type of an older engine's URN", async () => {
    const { call } = await serve({
      create: ({ name, type }) => Promise.resolve({ id: `${type} ${name}`, properties: {} }),
    });
    const { response } = await call("Create", { urn, properties: {} });
    expect(response?.["id"]).toBe("test:index:Thing name::with::colons");
  });

  it("answers an error with its status and text", async () => {
    const { call } = await serve({
      create: () => Promise.reject(new ProviderError("no such thing", status.NOT_FOUND)),
    });
    const { failure } = await call("Create", { urn, properties: {} });
    expect(failure).toEqual({ code: status.NOT_FOUND, message: "no such thing" });
  });

  it("answers what is left of a resource that did not become ready, secrets marked", async () => {
    const { call } = await serve({
      create: () =>
        Promise.reject(
          new InitFailedError("not ready", {
            id: "left",
            properties: { key: new Secret("s"), none: null },
            inputs: { a: 1 },
            reasons: ["one", "two"],
          }),
        ),
    });
    const { failure } = await call("Create", { urn, properties: {} });
    expect(failure).toEqual({
      code: status.UNKNOWN,
      message: "not ready",
      initFailed: {
        id: "left",
        properties: {
          key: {
            "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
            value: "s",
          },
          none: null,
        },
        inputs: { a: 1 },
        reasons: ["one", "two"],
      },
    });
  });

  it("answers a detailed diff with paths, kinds and replacements", async () => {
    const { call } = await serve({
      diff: () =>
        Promise.resolve({
          changes: "some",
          replaces: ["a"],
          deleteBeforeReplace: true,
          detailedDiff: {
            a: { kind: "update-replace" },
            b: { kind: "delete", inputDiff: true },
            c: { kind: "add" },
          },
        }),
    });
    const { response } = await call("Diff", { urn, id: "x", olds: {}, news: {}, oldInputs: {} });
    expect(response).toEqual({
      changes: "DIFF_SOME",
      replaces: ["a"],
      deleteBeforeReplace: true,
      hasDetailedDiff: true,
      detailedDiff: { a: { kind: "UPDATE_REPLACE" }, b: { kind: "DELETE", inputDiff: true }, c: {} },
    });
  });

  it("answers a resource that is gone with an empty id", async () => {
    const { call } = await serve({ read: () => Promise.resolve({ id: "", properties: {}, inputs: {} }) });
    const { response } = await call("Read", { urn, id: "x", properties: {}, inputs: {} });
    expect(response).toEqual({});
  });

  it("aborts running calls on Cancel", async () => {
    const started = deferred();
    const { call } = await serve({
      create: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("stopped")));
          started.resolve();
        }),
    });
    const running = call("Create", { urn, properties: {} });
    await started.promise;
    await call("Cancel", {});
    expect((await running).failure?.message).toBe("stopped");
  });

  it("aborts a call when its timeout is over, and says so to `signal` only", async () => {
    const { call } = await serve({
      create: (_request, { signal, cancelled }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error(`cancelled: ${cancelled.aborted}`)));
        }),
    });
    const { failure } = await call("Create", { urn, properties: {}, timeout: 0.05 });
    expect(failure?.message).toBe("cancelled: false");
  });

  it("brings log lines to the engine in order and before the answer", async () => {
    const engine = await startEngine();
    const { call } = await serve(
      {
        create: (_request, context) => {
          context.status("working");
          for (const message of ["one", "two", "three"]) context.log("warning", message);
          return Promise.resolve({ id: "x", properties: {} });
        },
      },
      engine.address,
    );
    await call("Create", { urn, properties: {} });
    expect(engine.lines).toEqual([
      { urn, message: "working", severity: 1, ephemeral: true },
      { urn, message: "one", severity: 2, ephemeral: false },
      { urn, message: "two", severity: 2, ephemeral: false },
      { urn, message: "three", severity: 2, ephemeral: false },
    ]);
  });

  it("answers also when the engine it logs to is gone", async () => {
    const { call } = await serve(
      {
        create: (_request, context) => {
          context.log("info", "to nobody");
          return Promise.resolve({ id: "x", properties: {} });
        },
      },
      "127.0.0.1:1",
    );
    expect((await call("Create", { urn, properties: {} })).response?.["id"]).toBe("x");
  });
});

/** The engine's side of the log. */
async function startEngine() {
  const lines: object[] = [];
  const server = new Server();
  server.addService(engineGrpc.EngineService, {
    log({ request }: ServerUnaryCall<LogRequest, unknown>, callback: sendUnaryData<unknown>) {
      const { urn, message, severity, ephemeral } = request.toObject();
      lines.push({ urn, message, severity, ephemeral });
      callback(null, new emptyProto.Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  ends.push(() => server.forceShutdown());
  return { lines, address: `127.0.0.1:${port}` };
}

function deferred() {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

import { credentials, Metadata } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import type { Severity } from "./provider.ts";

const deadlineMs = 10_000;

export interface EngineLog {
  log(entry: { urn: string; severity: Severity; message: string; ephemeral: boolean }): void;
  /** Resolves when every entry sent so far is answered or given up. */
  flush(): Promise<void>;
  close(): void;
}

/** Sends lines to the engine at `address` (`host:port`). A line that cannot be sent is dropped: it decides nothing. */
export function createEngineLog(address: string): EngineLog {
  const client = new engineGrpc.EngineClient(address, credentials.createInsecure());
  // One after the other: concurrent calls may arrive in any order, and lines of output must not.
  let last = Promise.resolve();
  return {
    log(entry) {
      const request = new engineProto.LogRequest();
      request.setUrn(entry.urn);
      request.setSeverity(severities[entry.severity]);
      request.setMessage(entry.message);
      request.setEphemeral(entry.ephemeral);
      last = last.then(() => send(client, request));
    },
    flush: () => last,
    close: () => client.close(),
  };
}

const severities = {
  debug: engineProto.LogSeverity.DEBUG,
  info: engineProto.LogSeverity.INFO,
  warning: engineProto.LogSeverity.WARNING,
  error: engineProto.LogSeverity.ERROR,
} satisfies Record<Severity, number>;

function send(
  client: InstanceType<typeof engineGrpc.EngineClient>,
  request: InstanceType<typeof engineProto.LogRequest>,
): Promise<void> {
  return new Promise((resolve) => {
    client.log(request, new Metadata(), { deadline: Date.now() + deadlineMs }, () => resolve());
  });
}

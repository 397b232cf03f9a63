/** The local ARM over HTTPS. `startArm` is all that the process, and a test, needs of this folder. */
import { mkdirSync } from "node:fs";
import { createServer } from "node:https";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import { claimPorts } from "../ports.ts";
import type { Authority } from "../pki/authority.ts";
import type { Backend } from "./backend.ts";
import type { Cloud } from "./cloud.ts";
import { dispatch } from "./dispatch.ts";
import type { Dispatched } from "./dispatch.ts";
import { readJsonFile, writeFileDurably } from "./durable.ts";
import { Directory } from "./identity/directory.ts";
import type { Tokens } from "./identity/tokens.ts";
import { createTokens } from "./identity/tokens.ts";
import { Operations } from "./operations.ts";
import type { OperationRecord } from "./operations.ts";
import type { Plan } from "./plan.ts";
import { queryValue } from "./http.ts";
import { Plans } from "./plans/plans.ts";
import { finishPut, markFailed, queueKey, removeTree, restoreServers } from "./provisioning.ts";
import { createRequestLog } from "./request-log.ts";
import type { RequestLine } from "./request-log.ts";
import { seedCloud } from "./seed.ts";
import { ResourceStore } from "./store.ts";
import { VaultSecrets } from "./vaults/secrets.ts";

export interface ArmOptions {
  /** `TIERLIFT_HOME`; `cloud/` and `logs/` below it are used. */
  home: string;
  authority: Authority;
  /** Servers behind resource types. */
  backends?: readonly Backend[];
  /** A server parameter that nobody has set, from the PostgreSQL server itself. */
  unsetConfiguration?: Cloud["unsetConfiguration"];
  /** Where the operator's plans are kept; by default in a file below `cloud/`. */
  plans?: Plans;
  /** Asked instead of the plans that the operator gives. */
  plan?: Plan;
  log?: Cloud["log"];
}

export interface RunningArm {
  /** `https://127.0.0.1:PORT`. */
  url: string;
  cloud: Cloud;
  operatorTokenFile: string;
  /** The platform's client secret, in a file. */
  platformSecretFile: string;
  platformVaultUrl: string;
  close(): Promise<void>;
}

/** Bodies of ARM are small; a PUT of a large rule group is some 100 kB. */
const largestBodyBytes = 4 * 1024 * 1024;
const stopWithinMs = 10_000;

/**
 * Starts the local ARM on what its folder holds: the servers behind stored resources come back and interrupted
 * operations go on before it listens. The port of the last start is used again when it is free, since ids of vaults
 * and operations hold it.
 */
export async function startArm(options: ArmOptions): Promise<RunningArm> {
  const folder = join(options.home, "cloud");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const port = await choosePort(join(folder, "arm", "port.json"));
  const url = `https://127.0.0.1:${port}`;
  const cloud = createCloud(options, folder, () => url);
  const tokens = await createTokens(join(folder, "arm"));
  const seed = seedCloud(cloud, folder);
  const log = createRequestLog(join(options.home, "logs", "arm-requests.jsonl"));
  await restoreServers(cloud);
  resumeOperations(cloud);
  const pair = await options.authority.issue({
    commonName: "Tierlift local ARM",
    hosts: ["127.0.0.1", "localhost"],
    usages: ["server"],
  });
  const server = createServer(
    { cert: pair.certificate, key: pair.key, minVersion: "TLSv1.2" },
    (request, response) => {
      void serve(cloud, tokens, log, request, response);
    },
  );
  await listen(server, port);
  return {
    url,
    cloud,
    operatorTokenFile: tokens.operatorTokenFile,
    ...seed,
    close: async () => {
      await closeServer(server);
      await cloud.operations.stop(stopWithinMs);
      cloud.plans.close();
      log.close();
    },
  };
}

async function choosePort(file: string): Promise<number> {
  const before = readJsonFile<{ port: number }>(file)?.port;
  const [port] = await claimPorts(1, before === undefined ? [] : [before]);
  if (port === undefined) throw new Error("no free port on 127.0.0.1");
  if (port !== before) writeFileDurably(file, JSON.stringify({ port }));
  return port;
}

/** The plans of an installation, for who asks them beside the resource manager. */
export const openPlans = (home: string): Plans => new Plans(join(home, "cloud", "arm", "plans.json"));

function createCloud(options: ArmOptions, folder: string, origin: () => string): Cloud {
  const log = options.log ?? ((message, error) => console.error(message, error ?? ""));
  const plans = options.plans ?? openPlans(options.home);
  const plan: Plan = options.plan ?? ((event) => plans.step(event));
  const cloud: Cloud = {
    store: new ResourceStore(join(folder, "arm")),
    directory: new Directory(join(folder, "directory.json")),
    secrets: new VaultSecrets(join(folder, "arm", "vaults")),
    operations: new Operations({
      folder: join(folder, "arm", "operations"),
      plan,
      onFailure: (record, error) => {
        log(`operation ${record.kind} of ${record.resourceId} failed`, error);
        markFailed(cloud, record);
      },
    }),
    backends: new Map((options.backends ?? []).map((backend) => [backend.type.toLowerCase(), backend])),
    plan,
    plans,
    ...(options.unsetConfiguration === undefined ? {} : { unsetConfiguration: options.unsetConfiguration }),
    origin,
    log,
  };
  return cloud;
}

/** Goes on with what a stop or a crash interrupted. */
function resumeOperations(cloud: Cloud): void {
  for (const record of cloud.operations.unfinished()) {
    const resource = cloud.store.get(record.resourceId);
    const key = resource === undefined ? record.id : queueKey(resource);
    void cloud.operations.run(record, key, (one) => resume(cloud, one));
  }
}

async function resume(cloud: Cloud, record: OperationRecord): Promise<void> {
  if (cloud.store.get(record.resourceId)?.operationId !== record.id) return;
  await (record.kind === "delete"
    ? removeTree(cloud, record.resourceId)
    : finishPut(cloud, record.resourceId));
}

async function serve(
  cloud: Cloud,
  tokens: Tokens,
  log: ReturnType<typeof createRequestLog>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const started = performance.now();
  const method = request.method ?? "GET";
  // Joined as text: clients that append an id to their endpoint ask for `//subscriptions/…`, which is no host's name.
  const url = new URL(`${cloud.origin()}${request.url ?? "/"}`);
  const text = await readText(request).catch(() => undefined);
  if (text === undefined) {
    response.writeHead(413).end();
    return;
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, [value].flat()[0]]),
  );
  const answer = await dispatch(cloud, tokens, { method, url, headers, text });
  log.write(describeAnswer(method, url, answer, Math.round(performance.now() - started)));
  if (answer.isLost) {
    response.destroy();
    return;
  }
  const body = answer.body === undefined ? undefined : JSON.stringify(answer.body);
  const isBare = body === undefined || answer.status === 204;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(isBare ? {} : { "content-type": "application/json; charset=utf-8" }),
    ...(isBare && answer.status !== 204 ? { "content-length": "0" } : {}),
  });
  response.end(isBare || method === "HEAD" ? undefined : body);
}

function describeAnswer(method: string, url: URL, answer: Dispatched, ms: number): RequestLine {
  const { status, principal, code, event, outcome, correlationId } = answer;
  const apiVersion = queryValue(url.searchParams, "api-version");
  const resourceId = outcome?.resourceId ?? event?.resourceId;
  return {
    time: new Date().toISOString(),
    method,
    path: url.pathname,
    status,
    ms,
    correlationId,
    ...(principal && { principal }),
    ...(code && { code }),
    ...(apiVersion && { apiVersion }),
    ...(event && { call: event.call }),
    ...(event?.type && { type: event.type }),
    ...(resourceId && { resourceId }),
    ...(outcome && { change: outcome.change }),
    ...(outcome?.operationId && { operationId: outcome.operationId }),
    ...(answer.isLost && { isLost: true as const }),
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > largestBodyBytes) throw new Error("the body is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1" }, resolve);
  });

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The two namespaces of a move, each as its own identity, with deadlines and one signal that ends all calls. */
import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { TokenCredential } from "@azure/identity";
import { Admin, GenericError, kGetApi, MultipleErrors, Producer } from "@platformatic/kafka";
import type { Base, BaseOptions, Connection } from "@platformatic/kafka";
import { discoverCloud } from "../../azure/cloud.ts";
import type { Cloud } from "../../azure/cloud.ts";
import { credentialOf } from "../credential.ts";
import { DataError } from "../errors.ts";
import type { Place } from "../errors.ts";
import type { Progress } from "../progress.ts";
import type { KafkaRequest } from "../request.ts";
import { createOwnership } from "./records.ts";
import type { KafkaRecord } from "./records.ts";
import type { KafkaNamespace, KafkaSettings } from "./request.ts";

/** Longest single call, with its repetitions: a batch, a page of records, a list. */
const CALL_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** What a polite end may take: the client waits for ever for a connection that its broker took with it. */
const CLOSE_TIMEOUT_MS = 2_000;
const TRIES = 5;
const TRY_AGAIN_MS = 300;

/** One side of a move. */
export interface Side {
  name: "source" | "target";
  admin: Admin;
  /** Opened by the first use. */
  producer(): Producer<Buffer, Buffer, Buffer, Buffer>;
  /** What the producer and others like it are made with. */
  options: BaseOptions;
}

export interface KafkaContext {
  tenant: KafkaRequest["tenant"];
  settings: KafkaSettings;
  source: Side;
  /** Throws `BAD_REQUEST` when the document names no namespace of the tenant's own. */
  target(): Side;
  /** Whether a record of a common topic is the tenant's. */
  isOwn: (record: KafkaRecord) => boolean;
  signal: AbortSignal;
  progress: Progress;
}

/** Runs `work` with both sides open; whatever it ends with, all connections are closed. */
export async function withClusters<T>(
  request: KafkaRequest,
  options: Pick<KafkaContext, "signal" | "progress">,
  work: (context: KafkaContext) => Promise<T>,
): Promise<T> {
  const { context, close } = await openClusters(request, options);
  try {
    return await work(context);
  } finally {
    await close();
  }
}

/** For who keeps both sides open over several steps. */
export async function openClusters(
  request: KafkaRequest,
  { signal, progress }: Pick<KafkaContext, "signal" | "progress">,
): Promise<{ context: KafkaContext; close: () => Promise<void> }> {
  const { tenant, kafka: settings } = request;
  const cloud = await call({ signal }, {}, () => discoverCloud(settings.metadataHost));
  const opened: Opened[] = [];
  const open = (name: Side["name"], namespace: KafkaNamespace): Side => {
    const one = openSide(name, namespace, cloud);
    opened.push(one);
    return one.side;
  };
  const source = open("source", settings.source);
  const target = settings.target && open("target", settings.target);
  const context: KafkaContext = {
    tenant,
    settings,
    source,
    target() {
      if (target) return target;
      throw new DataError(
        "BAD_REQUEST",
        "kafka.target is missing: this verb needs the tenant's own namespace",
      );
    },
    isOwn: createOwnership(tenant.id),
    signal,
    progress,
  };
  const close = async () => {
    await Promise.all(opened.map(({ close: closeOne }) => closeOne()));
  };
  return { context, close };
}

interface Opened {
  side: Side;
  close: () => Promise<unknown>;
}

function openSide(name: Side["name"], namespace: KafkaNamespace, cloud: Cloud): Opened {
  const { bootstrapServers, namespace: account, login } = namespace;
  const [host = "", port] = bootstrapServers.split(":");
  const credential = credentialOf(login, cloud);
  const scope = `https://${account.toLowerCase()}.servicebus.windows.net/.default`;
  const options: BaseOptions = {
    clientId: "tierlift-mover",
    bootstrapBrokers: [{ host, port: Number(port) }],
    tls: {},
    // An address has no name to ask for.
    ...(isIP(host) ? {} : { tlsServerName: true }),
    sasl: {
      mechanism: "OAUTHBEARER",
      token: () => tokenOf(credential, scope),
    },
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retries: TRIES,
    retryDelay: TRY_AGAIN_MS,
  };
  let producer: Producer<Buffer, Buffer, Buffer, Buffer> | undefined;
  const admin = new Admin(options);
  return {
    side: {
      name,
      options,
      admin,
      producer: () => (producer ??= new Producer({ ...options, idempotent: true, retries: TRIES })),
    },
    close: () => Promise.all([closeClient(() => admin.close()), closeClient(() => producer?.close(true))]),
  };
}

/** Waits for the end of a client, but not for ever; never rejects. */
export async function closeClient(close: () => void | Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = delay(CLOSE_TIMEOUT_MS, undefined, { signal: over.signal, ref: false });
  try {
    await Promise.race([Promise.resolve(close()), late]);
  } catch {
    // What is ended needs no reason.
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}

async function tokenOf(credential: TokenCredential, scope: string): Promise<string> {
  const found = await credential.getToken(scope);
  if (found) return found.token;
  throw new DataError("BROKER", "the machine has no identity to sign in with");
}

/** Runs one call of the client; says where it failed, with what the broker or the network said. */
export async function call<T>(
  { signal }: Pick<KafkaContext, "signal">,
  place: Place,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS);
  const ended = AbortSignal.any([signal, deadline]);
  let onEnd: () => void = () => undefined;
  const end = new Promise<never>((_, reject) => {
    onEnd = () => reject(new Error("ended"));
    ended.addEventListener("abort", onEnd, { once: true });
  });
  try {
    return await Promise.race([work(), end]);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DataError) throw error;
    const problem = deadline.aborted ? `no answer within ${CALL_TIMEOUT_MS / 1000} s` : describe(error);
    throw new DataError("BROKER", problem, place, { cause: error });
  } finally {
    ended.removeEventListener("abort", onEnd);
  }
}

/** One request of the protocol that the client has no method for, to one broker, repeated while it may succeed. */
export async function ask<T>(side: Side, name: string, node: Broker, ...args: unknown[]): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      const [connection, api] = await Promise.all([connect(side.admin, node), findApi(side.admin, name)]);
      return (await api(connection, ...args)) as T;
    } catch (error) {
      if (tries === TRIES || !mayBeRepeated(error)) throw error;
      await delay(TRY_AGAIN_MS * tries);
    }
  }
}

export interface Broker {
  host: string;
  port: number;
}

type Api = (connection: Connection, ...args: unknown[]) => Promise<unknown>;

function connect(client: Base, broker: Broker): Promise<Connection> {
  return Promise.resolve<Connection>(client.connections.get(broker));
}

/** In the newest version that both know. */
function findApi(client: Base, name: string): Promise<Api> {
  return new Promise((resolve, reject) => {
    client[kGetApi](name, (error, api) => {
      if (error) reject(error);
      else resolve((api as unknown as { async: Api }).async);
    });
  });
}

function mayBeRepeated(error: unknown): boolean {
  return error instanceof Error && isGeneric(error) && error.findBy("canRetry", false) === null;
}

/** One of the client's own errors, or several of them: both look for a property in what caused them. */
function isGeneric(error: Error): error is GenericError {
  return GenericError.isGenericError(error);
}

/** Whether a call failed because the broker answered with this error of the protocol. */
export function isAnswer(error: unknown, apiId: string): boolean {
  const cause = error instanceof DataError ? error.cause : error;
  return cause instanceof Error && isGeneric(cause) && cause.findBy("apiId", apiId) !== null;
}

/** What went wrong first: who sums up several failures says only that there were some. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  const first: unknown = error instanceof MultipleErrors ? error.errors.at(-1) : undefined;
  if (first instanceof Error) return describe(first);
  const cause = error.cause instanceof Error ? `: ${describe(error.cause)}` : "";
  return `${(error.message || error.name).split("\n", 1)[0]!.replace(/\.$/, "")}${cause}`;
}

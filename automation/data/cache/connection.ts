/** The two servers of a move: pipelines with deadlines, TLS, and one signal that ends all calls. */
import { setTimeout as delay } from "node:timers/promises";
import { createClient, ErrorReply, RESP_TYPES } from "@redis/client";
import { DataError, describeFailure } from "../errors.ts";
import type { Progress } from "../progress.ts";
import type { CacheRequest } from "../request.ts";
import { createPace } from "./pace.ts";
import type { Pace } from "./pace.ts";
import { planKeyPrefix } from "./request.ts";
import type { CacheServer } from "./request.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECT_TRIES = 4;
/** Longest single call or pipeline. */
const CALL_TIMEOUT_MS = 30_000;

export type Word = string | Buffer;
/** Strings of bytes are buffers; what an answer is depends on the command. */
export type Answer = Buffer | string | number | null | Answer[];

/** One side of a move. */
export interface Side {
  name: "source" | "target";
  /** Rejects with `CACHE`, also when the server refuses the command. */
  send(words: Word[]): Promise<Answer>;
  /** All commands in one go; a command that is refused answers with the reason, and the others stand. */
  pipeline(commands: Word[][]): Promise<(Answer | ErrorReply)[]>;
}

export interface CacheContext {
  source: Side;
  /** Throws `BAD_REQUEST` when the document names no cache of the tenant's own. */
  target: () => Side;
  prefix: Buffer;
  /** In keys of the shared server. */
  pace: Pace;
  /** Milliseconds of `performance.now()` at which to stop. */
  untilMs: number;
  signal: AbortSignal;
  progress: Progress;
}

export type ContextOptions = Pick<CacheContext, "signal" | "progress">;

/** Connects to the servers that the document names and disconnects when `work` has ended. */
export async function withCaches<T>(
  request: CacheRequest,
  { signal, progress }: ContextOptions,
  work: (context: CacheContext) => Promise<T>,
): Promise<T> {
  const { source, target, keysPerSecond, maxSeconds } = request.cache;
  const untilMs = performance.now() + maxSeconds * 1000;
  const open: Connection[] = [];
  const connect = async (server: CacheServer, name: Side["name"]) => {
    const connection = await connectWithRetry(server, name, signal);
    open.push(connection);
    return connection.side;
  };
  try {
    const sourceSide = await connect(source, "source");
    const targetSide = target && (await connect(target, "target"));
    return await work({
      source: sourceSide,
      target() {
        if (targetSide) return targetSide;
        throw new DataError("BAD_REQUEST", "cache.target is missing: this verb needs the tenant's own cache");
      },
      prefix: Buffer.from(planKeyPrefix(request)),
      pace: createPace(keysPerSecond, signal),
      untilMs,
      signal,
      progress,
    });
  } finally {
    for (const { close } of open) close();
  }
}

interface Connection {
  side: Side;
  close: () => void;
}

async function connectWithRetry(
  server: CacheServer,
  name: Side["name"],
  signal: AbortSignal,
): Promise<Connection> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await connect(server, name, signal);
    } catch (error) {
      // A wrong key stays wrong.
      if (error instanceof ErrorReply || attempt === CONNECT_TRIES) throw failed(name, error);
      await delay(200 * 2 ** attempt, undefined, { signal });
    }
  }
}

async function connect(
  { host, port, password }: CacheServer,
  name: Side["name"],
  signal: AbortSignal,
): Promise<Connection> {
  const plain = createClient({
    RESP: 2,
    password,
    socket: { host, port, tls: true, connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
    disableClientInfo: true,
  });
  const close = (): void => {
    signal.removeEventListener("abort", close);
    if (plain.isOpen) plain.destroy();
  };
  // Without a listener a connection that breaks between two calls would end the process.
  plain.on("error", () => undefined);
  signal.addEventListener("abort", close, { once: true });
  try {
    await inTime(plain.connect(), close);
  } catch (error) {
    close();
    throw error;
  }
  const client = plain.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await inTime(work(), close);
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof ErrorReply ? error : failed(name, error);
    }
  };
  const send = (words: Word[]) => attempt(() => client.sendCommand<Answer>(words));
  return {
    close,
    side: {
      name,
      send: (words) =>
        send(words).catch((error: unknown) => {
          throw error instanceof ErrorReply ? failed(name, error) : error;
        }),
      async pipeline(commands) {
        const together = client.multi();
        for (const words of commands) together.sendCommand(words);
        try {
          return (await attempt(() => together.execAsPipeline())) as unknown as Answer[];
        } catch (error) {
          if (!(error instanceof ErrorReply)) throw error;
          // The client tells the first refusal and forgets the answers. All commands here may be repeated.
          return await Promise.all(commands.map((words) => send(words).catch(asRefusal)));
        }
      },
    },
  };
}

function asRefusal(error: unknown): ErrorReply {
  if (error instanceof ErrorReply) return error;
  throw error;
}

/** Closes the connection when there is no answer in time, which ends the call. */
async function inTime<T>(work: Promise<T>, close: () => void): Promise<T> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    close();
  }, CALL_TIMEOUT_MS);
  try {
    return await work;
  } catch (error) {
    if (late) throw new Error(`no answer within ${CALL_TIMEOUT_MS / 1000} s`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

const failed = (side: Side["name"], error: unknown): DataError =>
  new DataError("CACHE", describeFailure(error), { side }, { cause: error });

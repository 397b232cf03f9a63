/** Runs the data command as a process of its own: its input by the standard input, its report by the standard output. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { tierliftError } from "./errors.ts";
import { createSerial } from "./serial.ts";
import type { ConsumerOffsets } from "../stacks/spec.ts";
import type { BlobsVerb, CacheVerb, DataReport, DataVerb, KafkaVerb, Ports } from "./ports.ts";
import type { SignIn, Stores } from "./store-logins.ts";

/** Longer ones are bounded by their phase, and a cutover bounds the freeze in it by itself. */
const MAX_SECONDS = {
  // A cutover's, which asks for less.
  copy: 120,
  "catch-up": 3600,
  verify: 3600,
  cutover: 7200,
  reverse: 3600,
  return: 7200,
  reopen: 30,
  "end-reverse": 120,
  "reverse-finish": 120,
  unfreeze: 30,
  detach: 120,
  late: 3600,
  "late-back": 3600,
  finish: 120,
  inspect: 3600,
} as const satisfies Record<DataVerb | BlobsVerb | CacheVerb | KafkaVerb, number>;
const KEPT_LINES = 20;

export interface DataCommandOptions {
  /** Program and its first arguments, for example `["node", "--import", "…", "…/main.ts"]`. */
  command: string[];
  /** The whole environment of the process. */
  environment: Record<string, string>;
  /** The stores with the logins that reach them, for standard input only. */
  signIn: SignIn;
  /** Where a tenant's consumer groups begin in its own event namespace; by default as the data command has it. */
  consumerOffsets?: ConsumerOffsets;
  onProgress?: (verb: string, line: string) => void;
}

type Store = "postgres" | "blobs" | "cache" | "kafka";
type Verb = keyof typeof MAX_SECONDS;

export type DataRunner = Required<Pick<Ports, "runData" | "runBlobs" | "runCache" | "runKafka">>;

/** Rejects with DATA_COMMAND_FAILED and the command's last lines; it writes no secret there. */
export function createDataRunner({
  command,
  environment,
  signIn,
  consumerOffsets,
  onProgress,
}: DataCommandOptions): DataRunner {
  const [program = "", ...first] = command;
  const inTurn = createSerial();
  const run = (store: Store, verb: Verb, document: unknown, signal: AbortSignal): Promise<DataReport> =>
    new Promise<DataReport>((resolve, reject) => {
      const deadline = AbortSignal.timeout(MAX_SECONDS[verb] * 1000);
      const child = spawn(program, [...first, store, verb], {
        env: environment,
        stdio: ["pipe", "pipe", "pipe"],
        signal: AbortSignal.any([signal, deadline]),
        killSignal: "SIGTERM",
      });
      const lines: string[] = [];
      let output = "";
      createInterface({ input: child.stderr }).on("line", (line) => {
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
        onProgress?.(verb, line);
      });
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      child.stdin.on("error", () => undefined); // a child that is gone says why by its exit
      child.stdin.end(JSON.stringify(document));
      let failure: Error | undefined;
      child.once("error", (error) => (failure = error));
      child.once("close", (code, endedBy) => {
        if (code === 0 && failure === undefined) {
          resolve(JSON.parse(output) as DataReport);
          return;
        }
        const ended = deadline.aborted
          ? `it took longer than ${MAX_SECONDS[verb]} s`
          : `it ended with ${endedBy ?? code}`;
        const problem = [ended, ...lines.slice(-3)].join(": ");
        reject(tierliftError("DATA_COMMAND_FAILED", { verb, problem }, { cause: failure }));
      });
    });
  const start = async (
    store: Store,
    verb: Verb,
    input: { tenant: { id: string } } & Stores,
    signal: AbortSignal,
  ): Promise<DataReport> => {
    const once = async () => {
      const stores = await signIn(input, signal);
      return run(store, verb, { ...input, ...withOffsets(stores, consumerOffsets) }, signal);
    };
    // Verbs claim the tenant's databases: a second one would end the first. An inspection only reads.
    return verb === "inspect" ? once() : inTurn(`${store} ${input.tenant.id}`, once);
  };
  return {
    runData: (verb, input, signal) => start("postgres", verb, input, signal),
    runBlobs: (verb, input, signal) => start("blobs", verb, input, signal),
    runCache: (verb, input, signal) => start("cache", verb, input, signal),
    runKafka: (verb, input, signal) => start("kafka", verb, input, signal),
  };
}

function withOffsets(stores: Record<string, unknown>, offsets: ConsumerOffsets | undefined) {
  const { kafka } = stores;
  if (offsets === undefined || typeof kafka !== "object") return stores;
  return { ...stores, kafka: { ...kafka, offsets } };
}

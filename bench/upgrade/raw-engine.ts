/** The process with the bare engine, from the bench's side. */
import type { ChildProcess } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { CommandError } from "../../commands/command-line.ts";
import type { Home } from "../../commands/home.ts";
import { partsEnvironment } from "../../commands/parts-environment.ts";
import type { Supervisor } from "../../commands/supervise.ts";
import type { CloudConnection } from "../../local/connection.ts";
import type { Parts } from "../../setup/parts.ts";
import type { RawAnswer, RawOrder } from "./raw-protocol.ts";
import type { RawTime } from "./raw-stack.ts";

/** Longer than any stack takes here; a command that hangs is told instead of waited for. */
const ANSWER_WITHIN_MS = 240_000;

export type RawEngine = (order: RawOrder) => Promise<RawTime>;

/** Beside an installation that runs. */
export async function startRawEngine(
  supervisor: Supervisor,
  { home, parts, env }: { home: Home; parts: Parts; env: NodeJS.ProcessEnv },
  signal: AbortSignal,
): Promise<RawEngine> {
  const file = path.join(home.cloud, "connection.json");
  const { caFile } = JSON.parse(await readFile(file, "utf8")) as CloudConnection;
  const { engine, bundles } = parts;
  const child = await supervisor.start(
    {
      name: "the bench's bare engine",
      entry: path.join(import.meta.dirname, "raw.ts"),
      env: {
        ...env,
        ...partsEnvironment({ engine, bundles }),
        NODE_EXTRA_CA_CERTS: caFile,
        SSL_CERT_FILE: caFile,
      },
      logFile: path.join(home.logs, "bench-engine.log"),
      ready: async (started) => void (await answerOf(started, signal)),
      readyWithinMs: 60_000,
      stopWithinMs: 120_000,
    },
    signal,
  );
  return async (order) => {
    const answering = answerOf(child, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]));
    child.send(order);
    const answer = await answering;
    if (answer.type === "done") return answer;
    throw new CommandError(
      `the bare engine's ${order.kind}: ${answer.type === "failed" ? answer.problem : "no answer"}`,
    );
  };
}

function answerOf(child: ChildProcess, signal: AbortSignal): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new CommandError("the bare engine's process ended or did not answer in time"));
    child.once("exit", ended);
    signal.addEventListener("abort", ended, { once: true });
    child.once("message", (answer: RawAnswer) => {
      child.off("exit", ended);
      signal.removeEventListener("abort", ended);
      resolve(answer);
    });
  });
}

/** The engine's border from the service's side: a process for each stack at work, one operation per stack at a time. */
import type { ChildProcess } from "node:child_process";
import type { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ProgramRequest } from "../../stacks/spec.ts";
import { TierliftError } from "../errors.ts";
import { exportStack, runCommand } from "./command.ts";
import type { CommandContext } from "./command.ts";
import type { ChangeSet, EngineProgress, OperationOptions, StackEngine, UpdateOptions } from "./engine.ts";
import type { EngineFailure } from "./failure.ts";
import { endRecordedProcess, forgetProcess, recordProcess, signalGroup } from "./process-record.ts";
import type { EngineOperation, FromEngine, ToEngine, WorkspaceSettings } from "./protocol.ts";
import { pendingTargets, resourcesOf, subtreeOf } from "./state.ts";
import { createWorkers } from "./workers.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const TYPESCRIPT_LOADER = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** The programs of this project; tests put others in their place. */
export const PROGRAM_MODULE = new URL("../../stacks/program.ts", import.meta.url).href;

/** Engines live for seconds: collecting garbage at four times the usual heap saves time and costs some 100 MB. */
const SHORT_LIVED = { GOGC: "400" };
/**
 * A resource whose inputs are those in the state has no difference, so its plugin is not asked: a call saved for each
 * of the hundreds that a phase leaves alone. What changed outside is a refresh's matter in either mode.
 */
const UNCHANGED_IS_SAME = { PULUMI_ENABLE_LEGACY_DIFF: "true" };
/** In MB, since a program makes many small objects and few that last; and a way to collect the old ones. */
const HEAP = ["--max-semi-space-size=32", "--expose-gc"];

export interface StackEngineOptions {
  workspace: WorkspaceSettings;
  /** The whole environment of engine processes: what is not named here does not reach programs and plugins. */
  environment: Record<string, string>;
  /** A built engine process, which needs no loader; by default the source is run. */
  childModule?: string;
  /** How long an interrupted engine may take to end in good order before it is killed. */
  graceMs?: number;
  /** How long a stack's process waits for its next operation. */
  idleMs?: number;
}

/** Which stack a program belongs to: a tenant's is named by its slug. */
export const stackOf = ({ spec }: ProgramRequest): string =>
  spec.kind === "platform" ? "platform" : spec.tenant.slug;

/** The engine over the Automation API. Rejects with a TierliftError whose text is for the operator. */
export function createStackEngine(options: StackEngineOptions): StackEngine {
  const { workspace, childModule, graceMs = 30_000, idleMs = 30_000 } = options;
  const environment = {
    ...SHORT_LIVED,
    ...UNCHANGED_IS_SAME,
    ...options.environment,
    PULUMI_BACKEND_URL: workspace.backendUrl,
  };
  const queues = new Map<string, Promise<unknown>>();
  const workers = createWorkers({
    module: childModule ?? CHILD,
    fork: {
      env: environment,
      execArgv: [...HEAP, ...(childModule === undefined ? ["--import", TYPESCRIPT_LOADER] : [])],
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // A group of its own: an interrupt at the terminal reaches the service, which stops the engine in good order.
      detached: true,
    },
    idleMs,
    graceMs,
  });
  const workDirOf = (stack: string) => join(workspace.workRoot, stack);

  /** Runs `work` after all that was asked of the stack before. */
  function inTurn<T>(stack: string, work: () => Promise<T>): Promise<T> {
    const turn = (queues.get(stack) ?? Promise.resolve()).then(work, work);
    const settled = turn.then(noResult, noResult).then(() => {
      if (queues.get(stack) === settled) queues.delete(stack);
    });
    queues.set(stack, settled);
    return turn;
  }

  async function operate(
    operation: EngineOperation,
    { onProgress, signal, timeoutMs }: OperationOptions,
    asked: Pick<Listeners, "onChanges" | "beforeSwitch"> = {},
  ): Promise<{ changes?: ChangeSet; deleted?: number }> {
    signal?.throwIfAborted();
    const workDir = workDirOf(operation.stack);
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    const child = workers.take(operation.stack, workDir);
    if (child.pid !== undefined) recordProcess(workDir, child.pid, operation.kind);
    const interrupt = (): void => {
      if (child.connected) child.send({ type: "abort" } satisfies ToEngine);
      force ??= setTimeout(() => child.pid !== undefined && signalGroup(child.pid, "SIGKILL"), graceMs);
    };
    let force: NodeJS.Timeout | undefined;
    let timedOut = false;
    const timeout = setTimeout(() => {
      timedOut = true;
      interrupt();
    }, timeoutMs);
    signal?.addEventListener("abort", interrupt, { once: true });
    let isInOrder = false;
    try {
      const result = await converse(child, operation, workspace, { onProgress, ...asked });
      isInOrder = force === undefined;
      return result;
    } catch (error) {
      if (timedOut)
        throw new TierliftError(
          "ENGINE_TIMEOUT",
          { stack: operation.stack, seconds: timeoutMs / 1000 },
          { cause: error },
        );
      throw error;
    } finally {
      clearTimeout(timeout);
      clearTimeout(force);
      signal?.removeEventListener("abort", interrupt);
      if (isInOrder) workers.keep(operation.stack, child);
      else await workers.end(child);
      forgetProcess(workDir);
    }
  }

  async function contextOf(stack: string): Promise<CommandContext> {
    const workDir = workDirOf(stack);
    await ensureProject(workDir, workspace);
    return {
      engineRoot: workspace.engineRoot,
      workDir,
      environment: { ...environment, PULUMI_HOME: workspace.pulumiHome },
    };
  }
  const command = async (stack: string, args: string[]) => runCommand(await contextOf(stack), stack, args);
  const exported = async (stack: string) => exportStack(await contextOf(stack), stack);

  return {
    preview: (request, operationOptions) =>
      inTurn(stackOf(request), async () => {
        const { changes } = await operate(
          { kind: "preview", stack: stackOf(request), request },
          operationOptions,
        );
        return changes as ChangeSet;
      }),

    update: (request, { approve, beforeSwitch, ...operationOptions }) =>
      inTurn(stackOf(request), async () => {
        const asksBeforeSwitch = beforeSwitch !== undefined;
        const operation = { kind: "update", stack: stackOf(request), request, asksBeforeSwitch } as const;
        const { changes } = await operate(operation, operationOptions, { onChanges: approve, beforeSwitch });
        return changes as ChangeSet;
      }),

    destroy: (stack, targets, operationOptions) =>
      inTurn(stack, async () => {
        const state = await exported(stack);
        if (state === null) return { deleted: 0 };
        const resources = resourcesOf(state);
        const chosen =
          targets === "all"
            ? resources.map(({ urn }) => urn)
            : subtreeOf(resources, targets.components, targets.keep);
        if (chosen.length === 0 && targets !== "all") return { deleted: 0 };
        operationOptions.onProgress?.({ kind: "planned", resources: chosen.length });
        const operation = { kind: "destroy", stack, targets: targets === "all" ? targets : chosen } as const;
        const { deleted = 0 } = await operate(operation, operationOptions);
        return { deleted };
      }),

    remove: (stack) =>
      inTurn(stack, async () => {
        if ((await exported(stack)) !== null) await command(stack, ["stack", "rm", "--yes"]);
        await workers.dismiss(stack);
        await rm(workDirOf(stack), { recursive: true, force: true });
      }),

    resources: async (stack) => {
      const state = await exported(stack);
      return state === null ? [] : resourcesOf(state);
    },

    outputs: async (stack) =>
      JSON.parse(await command(stack, ["stack", "output", "--json", "--show-secrets"])) as Record<
        string,
        unknown
      >,

    recover: (stack, _request, operationOptions) =>
      inTurn(stack, async () => {
        const workDir = workDirOf(stack);
        if (!existsSync(workDir)) return;
        const wasCutOff = await endRecordedProcess(workDir, graceMs);
        const state = wasCutOff ? await exported(stack) : null;
        if (state === null) return forgetProcess(workDir);
        // Its owner is known to be dead, so the lock it may have left is nobody's.
        await command(stack, ["cancel", "--yes"]);
        const targets = pendingTargets(state);
        if (targets.length > 0) await operate({ kind: "refresh", stack, targets }, operationOptions);
        forgetProcess(workDir);
      }),

    close: () => workers.close(),
  };
}

interface Listeners {
  onProgress: ((event: EngineProgress) => void) | undefined;
  onChanges?: ((changes: ChangeSet) => void) | undefined;
  beforeSwitch?: UpdateOptions["beforeSwitch"];
}

/** Sends the operation and hears the process out; rejects when it fails or ends without a last word. */
function converse(
  child: ChildProcess,
  operation: EngineOperation,
  workspace: WorkspaceSettings,
  listeners: Listeners,
) {
  const over = new AbortController();
  let switching: Promise<void> | undefined;
  const listen = <Args extends unknown[]>(
    emitter: EventEmitter | null,
    event: string,
    listener: (...args: Args) => void,
  ): void => {
    const heard = listener as (...args: unknown[]) => void;
    emitter?.on(event, heard);
    over.signal.addEventListener("abort", () => emitter?.off(event, heard));
  };
  const conversation = new Promise<{ changes?: ChangeSet; deleted?: number }>((resolve, reject) => {
    let refusal: unknown;
    let errors = "";
    listen(child.stderr, "data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
    child.stdout?.resume();
    listen(child, "message", (message: FromEngine) => {
      switch (message.type) {
        case "progress":
          listeners.onProgress?.(message.progress);
          return;
        case "changes":
          try {
            listeners.onChanges?.(message.changes);
          } catch (error) {
            refusal = error;
          }
          child.send({ type: "verdict", approved: refusal === undefined } satisfies ToEngine);
          return;
        case "before switch":
          switching = Promise.resolve(listeners.beforeSwitch?.(over.signal))
            .catch((error: unknown) => (refusal = error))
            .then(() => {
              if (!child.connected) return;
              child.send({ type: "switch", allowed: refusal === undefined } satisfies ToEngine);
            });
          return;
        case "failed":
          return reject(refusal instanceof Error ? refusal : errorOf(operation.stack, message.failure));
        case "done":
          return resolve(message);
      }
    });
    listen(child, "error", reject);
    listen(child, "exit", (code: number | null, signal: NodeJS.Signals | null) =>
      reject(
        new TierliftError("ENGINE_FAILED", {
          stack: operation.stack,
          detail: `its process ended with ${signal ?? code}: ${errors.trim()}`,
        }),
      ),
    );
    child.send({ type: "run", operation, workspace } satisfies ToEngine);
  });
  return conversation.finally(() => {
    over.abort();
    return switching;
  });
}

const errorOf = (stack: string, { code, message }: EngineFailure) =>
  new TierliftError(code, { stack, detail: message });

async function ensureProject(workDir: string, { backendUrl }: WorkspaceSettings): Promise<void> {
  const file = join(workDir, "Pulumi.yaml");
  if (existsSync(file)) return;
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  await writeFile(
    file,
    JSON.stringify({ name: "tierlift", runtime: "nodejs", backend: { url: backendUrl } }),
  );
}

const noResult = (): void => undefined;

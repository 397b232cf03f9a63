/**
 * A process that runs one stack's operations, one at a time. Inline programs share process-wide handlers for stray
 * rejections, so each stack has a process of its own; requests come over the channel, never on the command line.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, Stack } from "@pulumi/pulumi/automation/index.js";
import type { EngineEvent, PulumiFn } from "@pulumi/pulumi/automation/index.js";
import type { ProgramHooks, ProgramRequest } from "../../stacks/spec.ts";
import { createChangeSet } from "./change-set.ts";
import { exportStack } from "./command.ts";
import type { ChangeSet } from "./engine.ts";
import { failureOf } from "./failure.ts";
import "./lean-sdk.ts";
import { startPluginHost } from "./plugin-host.ts";
import type { PluginHost } from "./plugin-host.ts";
import { released, releasePrograms } from "./released.ts";
import { progressOf } from "./progress.ts";
import type { EngineOperation, FromEngine, ToEngine, WorkspaceSettings } from "./protocol.ts";
import { digestOf } from "./state.ts";

const PROJECT = "tierlift";
/**
 * The engine writes the whole state after each deletion: half of the time of a destroy. After a crash in the middle
 * the state names resources that are gone, and deleting those again succeeds; at an interruption it is written.
 */
const SAVED_AT_THE_END = { PULUMI_SKIP_CHECKPOINTS: "true" };
/** The operation that runs now. */
let running: { abort: AbortController; verdict: Word; switching: Word } | null = null;
/** What is kept from one operation to the next. */
let opened: Stack | null = null;
let plugins: PluginHost | null = null;

process.on("message", (message: ToEngine) => {
  if (message.type === "run") void run(message.operation, message.workspace);
  else if (message.type === "verdict") running?.verdict.give(message.approved);
  else if (message.type === "switch") running?.switching.give(message.allowed);
  else interrupt();
});
process.on("SIGINT", leave);
process.on("SIGTERM", leave);
// The service is gone or has no more work: stop the engine in good order, so that the state is whole for its successor.
process.on("disconnect", leave);

function leave(): void {
  if (running === null) process.exit(0);
  interrupt();
}

function interrupt(): void {
  running?.abort.abort();
  running?.verdict.give(false);
  running?.switching.give(false);
}

async function run(operation: EngineOperation, settings: WorkspaceSettings): Promise<void> {
  const abort = new AbortController();
  const verdict = createWord();
  const switching = createWord();
  running = { abort, verdict, switching };
  const events: EngineEvent[] = [];
  const onEvent = (event: EngineEvent) => {
    // Only what is read again: the others hold whole states of resources.
    if (event.diagnosticEvent) events.push(event);
    const progress = progressOf(event);
    if (progress) tell({ type: "progress", progress });
  };
  let last: FromEngine;
  try {
    const stack = await openStack(operation, settings);
    const { workDir } = stack.workspace;
    const { signal } = abort;
    const context = { onEvent, events, workDir, engineRoot: settings.engineRoot, signal, verdict };
    last = await withPlugins(stack, settings, () => perform(operation, stack, context));
  } catch (error) {
    last = { type: "failed", failure: failureOf(error, events, abort.signal.aborted) };
  }
  running = null;
  releasePrograms();
  tell(last);
  if (!process.connected) process.exit(0);
}

async function withPlugins<T>(stack: Stack, settings: WorkspaceSettings, work: () => Promise<T>): Promise<T> {
  if (settings.pluginHost === undefined) return work();
  plugins ??= startPluginHost(settings.pluginHost);
  const attached = await plugins.open();
  try {
    return await withEnvironment(stack, attached, work);
  } finally {
    plugins.close();
  }
}

/** Runs `work` with more in the environment of the engine's commands. */
async function withEnvironment<T>(
  { workspace }: Stack,
  more: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  const before = workspace.envVars;
  workspace.envVars = { ...before, ...more };
  try {
    return await work();
  } finally {
    workspace.envVars = before;
  }
}

interface Running {
  onEvent: (event: EngineEvent) => void;
  events: EngineEvent[];
  workDir: string;
  engineRoot: string;
  signal: AbortSignal;
  verdict: Word;
}

async function perform(operation: EngineOperation, stack: Stack, running: Running): Promise<FromEngine> {
  const { onEvent, signal, verdict } = running;
  const common = { onEvent, signal, color: "never" as const, suppressProgress: true };
  switch (operation.kind) {
    case "preview":
      return { type: "done", changes: await preview(stack, running) };
    case "update": {
      const plan = join(running.workDir, "plan.json");
      try {
        const changes = await preview(stack, running, plan);
        tell({ type: "progress", progress: { kind: "planned", resources: changes.operations.length } });
        tell({ type: "changes", changes });
        if (!(await verdict.given)) return refused(signal);
        running.events.length = 0;
        await stack.up({ ...common, plan });
        return { type: "done", changes };
      } finally {
        await rm(plan, { force: true });
      }
    }
    case "destroy": {
      let deleted = 0;
      await withEnvironment(stack, SAVED_AT_THE_END, () =>
        stack.destroy({
          ...common,
          onEvent: (event) => {
            if (event.resOutputsEvent?.metadata.op === "delete") deleted += 1;
            onEvent(event);
          },
          ...(operation.targets === "all" ? {} : { target: operation.targets }),
        }),
      );
      return { type: "done", deleted };
    }
    case "refresh":
      await stack.refresh({ ...common, target: operation.targets, clearPendingCreates: true });
      return { type: "done" };
  }
}

function refused({ aborted }: AbortSignal): FromEngine {
  return aborted
    ? {
        type: "failed",
        failure: {
          code: "ENGINE_INTERRUPTED",
          message: "the operation was interrupted before its first change",
        },
      }
    : {
        type: "failed",
        failure: { code: "CHANGES_REFUSED", message: "the change set was refused; nothing was touched" },
      };
}

async function preview(stack: Stack, running: Running, plan?: string): Promise<ChangeSet> {
  // Not the SDK's own export: that one asks for secrets in clear.
  const context = { engineRoot: running.engineRoot, workDir: running.workDir, environment: process.env };
  const state = await exportStack(context, stack.name);
  const events: EngineEvent[] = [];
  await stack.preview({
    onEvent: (event) => {
      if (event.resourcePreEvent) events.push(event);
      if (event.diagnosticEvent) running.events.push(event);
    },
    signal: running.signal,
    color: "never",
    suppressProgress: true,
    ...(plan === undefined ? {} : { plan }),
  });
  if (running.signal.aborted) throw new Error("interrupted");
  return createChangeSet(stack.name, events, state === null ? "" : digestOf(state), new Date());
}

async function openStack(operation: EngineOperation, settings: WorkspaceSettings): Promise<Stack> {
  const workDir = join(settings.workRoot, operation.stack);
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  const program = "request" in operation ? await loadProgram(operation, settings) : noProgram;
  if (opened !== null) {
    opened.workspace.program = program;
    return opened;
  }
  const workspace = await LocalWorkspace.create({
    workDir,
    program,
    pulumiHome: settings.pulumiHome,
    secretsProvider: settings.secretsProvider,
    pulumiCommand: await PulumiCommand.get({ root: settings.engineRoot }),
    projectSettings: {
      name: PROJECT,
      runtime: "nodejs",
      backend: { url: settings.backendUrl },
      ...(settings.plugins.length === 0 ? {} : { plugins: { providers: settings.plugins } }),
    },
  });
  const stack = await ("request" in operation
    ? Stack.createOrSelect(operation.stack, workspace)
    : Stack.select(operation.stack, workspace));
  opened = withoutSummary(stack);
  return opened;
}

/**
 * After each operation the SDK asks the engine for the outputs, with secrets in clear, and for the history: three
 * more processes whose answers nobody reads.
 */
function withoutSummary(stack: Stack): Stack {
  return Object.assign(stack, { outputs: () => Promise.resolve({}), info: () => Promise.resolve(undefined) });
}

type WithProgram = Extract<EngineOperation, { request: ProgramRequest }>;

async function loadProgram(operation: WithProgram, { programModule }: WorkspaceSettings): Promise<PulumiFn> {
  // Loaded here only: the providers' SDKs are large, and a destroy does without them.
  const { createProgram } = (await import(programModule)) as {
    createProgram: (request: ProgramRequest, hooks: ProgramHooks) => PulumiFn;
  };
  const asks = operation.kind === "update" && operation.asksBeforeSwitch;
  return released(createProgram(operation.request, asks ? { beforeSwitch } : {}));
}

/**
 * Called off, the operation is interrupted, and this never resolves: the SDK waits for a resource whose inputs failed as
 * long as for one whose inputs never come.
 */
async function beforeSwitch(): Promise<void> {
  const asking = running;
  tell({ type: "before switch" });
  if (await asking?.switching.given) return;
  asking?.abort.abort();
  await new Promise(() => undefined);
}

const noProgram: PulumiFn = () => Promise.reject(new Error("this operation runs without a program"));

/** Yes or no from the service, for which something here waits. */
interface Word {
  given: Promise<boolean>;
  give: (yes: boolean) => void;
}

function createWord(): Word {
  let give!: (yes: boolean) => void;
  const given = new Promise<boolean>((resolve) => (give = resolve));
  return { given, give };
}

/** A service that is gone hears nothing; without the callback that would be an error of the program that runs. */
function tell(message: FromEngine): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

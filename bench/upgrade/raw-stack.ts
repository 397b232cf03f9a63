/** The engine's own commands on one stack, as the Automation API has them, with nothing around them. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { LocalWorkspace, PulumiCommand, Stack } from "@pulumi/pulumi/automation/index.js";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { stackOf } from "../../automation/engine/stack-engine.ts";
import type { StackEngineOptions } from "../../automation/engine/stack-engine.ts";
import type { ProgramRequest } from "../../stacks/spec.ts";
import type { RawOrder } from "./raw-protocol.ts";

export interface RawTime {
  /** From the opening of the stack to the end of the command; the program and its SDKs are loaded before. */
  milliseconds: number;
  /** Resources that were, or would be, created. */
  resources: number;
}

/** Runs one command; what `up` made is destroyed again, outside the time. */
export async function runRaw(
  kind: RawOrder["kind"],
  request: ProgramRequest,
  engine: StackEngineOptions,
  signal: AbortSignal,
): Promise<RawTime> {
  const programs = await loadPrograms(engine);
  const startedAt = performance.now();
  const stack = await openStack(request, programs.createProgram(request), engine);
  const options = { suppressProgress: true, signal };
  if (kind === "preview") {
    const { changeSummary } = await stack.preview(options);
    return { milliseconds: performance.now() - startedAt, resources: changeSummary.create ?? 0 };
  }
  try {
    const { summary } = await stack.up(options);
    return {
      milliseconds: performance.now() - startedAt,
      resources: summary.resourceChanges?.create ?? 0,
    };
  } finally {
    await stack.destroy({ suppressProgress: true, remove: true });
  }
}

/** Outside the time: run from source, they take far longer than the bundle that the service loads. */
const loadPrograms = ({ workspace }: StackEngineOptions) =>
  import(workspace.programModule) as Promise<{ createProgram: (request: ProgramRequest) => PulumiFn }>;

async function openStack(
  request: ProgramRequest,
  program: PulumiFn,
  { workspace, environment }: StackEngineOptions,
): Promise<Stack> {
  // Not the service's folders: two that select in one would disturb each other.
  const workDir = path.join(workspace.workRoot, "..", "bench", stackOf(request));
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  // The SDK's type knows no plugins; the engine does.
  const projectSettings = {
    name: "tierlift",
    runtime: "nodejs" as const,
    backend: { url: workspace.backendUrl },
    plugins: { providers: workspace.plugins },
  };
  const local = await LocalWorkspace.create({
    workDir,
    program,
    pulumiHome: workspace.pulumiHome,
    secretsProvider: workspace.secretsProvider,
    envVars: environment,
    pulumiCommand: await PulumiCommand.get({ root: workspace.engineRoot }),
    projectSettings,
  });
  return Stack.createOrSelect(stackOf(request), local);
}

/** Commands of the engine that only read or edit a stack's state: they take no program and no provider. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { TierliftError } from "../errors.ts";
import type { ExportedStack } from "./state.ts";

const TIMEOUT_MS = 60_000;
/** States of large stacks go through a pipe whole. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

export interface CommandContext {
  engineRoot: string;
  /** A folder with a project file; the engine writes the selected stack's settings there. */
  workDir: string;
  /** The whole environment of the process. */
  environment: NodeJS.ProcessEnv;
}

/** Runs `pulumi <args> --stack <stack>` and returns what it printed; rejects with STACK_NOT_FOUND or ENGINE_FAILED. */
export async function runCommand(context: CommandContext, stack: string, args: string[]): Promise<string> {
  try {
    const binary = join(context.engineRoot, "bin", "pulumi");
    const { stdout } = await promisify(execFile)(binary, [...args, "--stack", stack, "--non-interactive"], {
      cwd: context.workDir,
      env: context.environment,
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    const detail = (stderr ?? String(error)).trim();
    const code = detail.includes("no stack named") ? "STACK_NOT_FOUND" : "ENGINE_FAILED";
    throw new TierliftError(code, { stack, detail }, { cause: error });
  }
}

/** The stack's state with its secrets encrypted, or null when there is no such stack. */
export async function exportStack(context: CommandContext, stack: string): Promise<ExportedStack | null> {
  try {
    return JSON.parse(await runCommand(context, stack, ["stack", "export"])) as ExportedStack;
  } catch (error) {
    if (error instanceof TierliftError && error.code === "STACK_NOT_FOUND") return null;
    throw error;
  }
}

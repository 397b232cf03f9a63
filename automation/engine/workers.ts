/**
 * Engine processes. A stack's process stays for a while after an operation, with its programs loaded and its plugins
 * running, so that the next phase begins where it would otherwise start four processes. It never serves another stack:
 * what a program left behind in it reaches nobody else.
 */
import { fork } from "node:child_process";
import type { ChildProcess, ForkOptions } from "node:child_process";
import { signalGroup } from "./process-record.ts";

export interface WorkersOptions {
  module: string;
  fork: ForkOptions;
  /** How long a process waits for its stack's next operation. */
  idleMs: number;
  /** How long one may take to end in good order before it is killed. */
  graceMs: number;
}

export interface Workers {
  /** The stack's waiting process, or a new one. */
  take(stack: string, workDir: string): ChildProcess;
  /** Has a process in good order wait for its stack's next operation. */
  keep(stack: string, child: ChildProcess): void;
  /** Ends a process and whatever is left in its group. */
  end(child: ChildProcess): Promise<void>;
  /** Ends the stack's waiting process, if there is one. */
  dismiss(stack: string): Promise<void>;
  close(): Promise<void>;
}

export function createWorkers({ module, fork: forkOptions, idleMs, graceMs }: WorkersOptions): Workers {
  const all = new Set<ChildProcess>();
  const waiting = new Map<string, { child: ChildProcess; timer: NodeJS.Timeout }>();

  function unhook(stack: string): ChildProcess | undefined {
    const present = waiting.get(stack);
    clearTimeout(present?.timer);
    waiting.delete(stack);
    return present?.child;
  }

  async function end(child: ChildProcess): Promise<void> {
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null) {
      const force = setTimeout(() => kill(child), graceMs);
      await new Promise((resolve) => child.once("exit", resolve));
      clearTimeout(force);
    }
    // The leader may have gone before what it started.
    kill(child);
    all.delete(child);
  }

  return {
    take(stack, workDir) {
      const present = unhook(stack);
      if (present?.connected === true) return present;
      const child = fork(module, { ...forkOptions, cwd: workDir });
      all.add(child);
      child.once("error", () => all.delete(child));
      return child;
    },
    keep(stack, child) {
      const timer = setTimeout(() => {
        unhook(stack);
        void end(child);
      }, idleMs);
      waiting.set(stack, { child, timer });
    },
    end,
    async dismiss(stack) {
      const child = unhook(stack);
      if (child !== undefined) await end(child);
    },
    async close() {
      for (const stack of [...waiting.keys()]) unhook(stack);
      await Promise.all([...all].map(end));
    },
  };
}

function kill({ pid }: ChildProcess): void {
  if (pid !== undefined) signalGroup(pid, "SIGKILL");
}

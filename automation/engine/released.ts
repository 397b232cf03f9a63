/**
 * Programs whose resources are given up when their operation is over. The SDK keeps the last program's settings, and with
 * them the stack's own resource and all that it declared, until the next one begins: without this a process that waits
 * for work would hold them.
 */
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { getStackResource } from "@pulumi/pulumi/runtime/stack.js";

/** The member is left out of the SDK's types. */
interface Root {
  __childResources?: Set<unknown>;
}

const roots = new Set<Root>();

/** The program, remembered until `releasePrograms`. */
export function released(program: PulumiFn): PulumiFn {
  return () => {
    const root = getStackResource();
    if (root !== undefined) roots.add(root as Root);
    return program();
  };
}

/**
 * To be called when no program runs. What they leave is collected at once: left alone, a heap grows to many times what
 * is alive before anything old is looked at, and processes that wait for work would hold it.
 */
export function releasePrograms(): void {
  for (const { __childResources: children } of roots) children?.clear();
  roots.clear();
  globalThis.gc?.();
}

/**
 * What the SDK does for those who debug it or run several programs at once, turned off: in a program of hundreds of
 * resources it is half of an engine process's CPU time. Imported for its effect, before a program runs.
 */
import sdkLog from "@pulumi/pulumi/log/index.js";
import { Resource } from "@pulumi/pulumi/resource.js";
import debuggable from "@pulumi/pulumi/runtime/debuggable.js";

// A message to the engine about every step of every resource, whether or not anybody asked for it, with outputs in
// clear, secret ones too, in the event log's temporary file.
sdkLog.debug = () => Promise.resolve();

// A formatted stack trace for every promise, kept to name those that are still open when the process ends. This
// process ends with its service, not with a program.
Object.assign(debuggable, { debuggablePromise: (promise: Promise<unknown>) => promise });

// Where in the program a resource was declared, whole call stacks: a sixth of a tenant's state, which the engine writes
// anew at each step. The positions are those of a bundle, so they tell nobody anything.
Object.assign(Resource, { stackTrace: () => [] });

/**
 * Holds the running program's settings. The SDK's own holder follows each promise to tell programs apart that run at
 * the same time, a quarter of a program's CPU time; a process of ours runs one after another.
 */
class OneAtATime {
  #current: unknown;

  run<A extends unknown[], R>(store: unknown, work: (...args: A) => R, ...args: A): R {
    this.#current = store;
    return work(...args);
  }

  getStore(): unknown {
    return this.#current;
  }
}

Object.assign(globalThis, { asyncLocalStorage: new OneAtATime() });

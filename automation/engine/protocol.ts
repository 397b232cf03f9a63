/** What the service and an engine process say to each other over the channel between them. */
import type { ProgramRequest } from "../../stacks/spec.ts";
import type { ChangeSet, EngineProgress } from "./engine.ts";
import type { EngineFailure } from "./failure.ts";

/** How an engine process finds its engine, its backend and its plugins; the same for every stack. */
export interface WorkspaceSettings {
  /** Folder with `bin/pulumi`. */
  engineRoot: string;
  pulumiHome: string;
  backendUrl: string;
  /** For example `passphrase` or `azurekeyvault://…`. */
  secretsProvider: string;
  /** Below it each stack has a folder of its own: concurrent selects in one folder can corrupt it. */
  workRoot: string;
  /** Plugins that are not the official ones: name and folder with `pulumi-resource-<name>`. */
  plugins: { name: string; path: string }[];
  /** Command line of a process that serves some of these plugins to engines that attach to them; see `plugin-host.ts`. */
  pluginHost?: string[];
  /** Address of the module whose `createProgram` makes the programs. */
  programModule: string;
}

export type EngineOperation =
  | { kind: "preview"; stack: string; request: ProgramRequest }
  /** `asksBeforeSwitch`: the records wait for the service's word. */
  | { kind: "update"; stack: string; request: ProgramRequest; asksBeforeSwitch: boolean }
  | { kind: "destroy"; stack: string; targets: string[] | "all" }
  /** Of these resources only: what else Azure filled in since must not become what the program is said to have asked for. */
  | { kind: "refresh"; stack: string; targets: string[] };

export type ToEngine =
  | { type: "run"; operation: EngineOperation; workspace: WorkspaceSettings }
  | { type: "verdict"; approved: boolean }
  | { type: "switch"; allowed: boolean }
  | { type: "abort" };

export type FromEngine =
  | { type: "progress"; progress: EngineProgress }
  | { type: "changes"; changes: ChangeSet }
  /** All but the records stands. */
  | { type: "before switch" }
  | { type: "done"; changes?: ChangeSet; deleted?: number }
  | { type: "failed"; failure: EngineFailure };

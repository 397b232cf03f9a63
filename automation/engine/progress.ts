/** The engine's events as progress of an operation. Pure. */
import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";
import { parseUrn } from "./change-set.ts";
import type { EngineProgress, OperationKind } from "./engine.ts";
import { STACK_TYPE } from "./state.ts";

const KIND_OF_STEP: Record<string, OperationKind | undefined> = {
  create: "create",
  "create-replacement": "replace",
  update: "update",
  delete: "delete",
  "delete-replaced": "delete",
  read: "read",
};

/** The severities that are shown; the engine calls a program's standard error `info#err`. */
const SEVERITIES = { info: "info", "info#err": "info", warning: "warning", error: "error" } as const;

/** What an event tells of the operation's progress, or null when it tells nothing. */
export function progressOf(event: EngineEvent): EngineProgress | null {
  if (event.resourcePreEvent) return resourceProgress(event.resourcePreEvent.metadata, "started");
  if (event.resOutputsEvent) return resourceProgress(event.resOutputsEvent.metadata, "done");
  if (event.resOpFailedEvent) return resourceProgress(event.resOpFailedEvent.metadata, "failed");
  const diagnostic = event.diagnosticEvent;
  // Debug messages come with every event log, although the SDK's type does not say so; they quote resources' outputs,
  // secret ones in clear.
  if (!diagnostic || !(diagnostic.severity in SEVERITIES)) return null;
  const message = plainText(diagnostic.message);
  if (message === "") return null;
  return {
    kind: "log",
    severity: SEVERITIES[diagnostic.severity],
    message,
    ...(diagnostic.urn ? { urn: diagnostic.urn } : {}),
  };
}

function resourceProgress(
  step: StepEventMetadata,
  state: "started" | "done" | "failed",
): EngineProgress | null {
  const operation = KIND_OF_STEP[step.op];
  if (operation === undefined) return null;
  const { type, name } = parseUrn(step.urn);
  // The stack itself is no resource of anybody's: plans do not count it either.
  if (type === STACK_TYPE) return null;
  return { kind: "resource", urn: step.urn, type, name, operation, state };
}

/** Without the engine's colour directives (`<{%reset%}>`) and escape sequences. */
export function plainText(message: string): string {
  // eslint-disable-next-line no-control-regex -- terminals' colour sequences begin with the escape character
  return message.replace(/<\{%[^%]*%\}>|\u001b\[[0-9;]*m/g, "").trim();
}

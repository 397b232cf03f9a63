/** Pulumi's errors translated once, at the border: by class first, by text last. */
import { CommandError, ConcurrentUpdateError, StackNotFoundError } from "@pulumi/pulumi/automation/index.js";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { parseUrn } from "./change-set.ts";
import { plainText } from "./progress.ts";
import { isLasting } from "./refusals.ts";

export interface EngineFailure {
  code:
    | "ENGINE_LOCKED"
    | "ENGINE_INTERRUPTED"
    | "CHANGES_REFUSED"
    | "RESOURCE_FAILED"
    | "RESOURCE_REFUSED"
    | "STACK_NOT_FOUND"
    | "ENGINE_FAILED";
  /** For the operator: which resource, and what its provider said. */
  message: string;
}

const SHOWN_ERRORS = 5;
const PLAN_VIOLATION = "violates plan: properties changed: ";

/** What went wrong in an operation, from what was thrown and from what the engine reported on the way. */
export function failureOf(error: unknown, events: EngineEvent[], aborted: boolean): EngineFailure {
  if (aborted)
    return { code: "ENGINE_INTERRUPTED", message: "the operation was interrupted before it ended" };
  if (error instanceof ConcurrentUpdateError) {
    return {
      code: "ENGINE_LOCKED",
      message: `the stack is locked by another operation: ${lastLines(error.message)}`,
    };
  }
  if (error instanceof StackNotFoundError)
    return { code: "STACK_NOT_FOUND", message: lastLines(error.message) };
  const reported = reportedErrors(events);
  if (reported.length > 0) {
    // First what a person has to look at.
    const shown = [...reported.filter(isLasting), ...reported.filter((one) => !isLasting(one))];
    const code = reported.some(isLasting) ? "RESOURCE_REFUSED" : "RESOURCE_FAILED";
    return { code, message: shown.slice(0, SHOWN_ERRORS).join("; ") };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { code: "ENGINE_FAILED", message: error instanceof CommandError ? lastLines(text) : text };
}

function reportedErrors(events: EngineEvent[]): string[] {
  const texts = events.flatMap(({ diagnosticEvent }) => {
    if (diagnosticEvent?.severity !== "error") return [];
    const message = withoutValues(plainText(diagnosticEvent.message).replace(/^error: /, ""));
    if (message === "" || message === "update failed" || message === "preview failed") return [];
    if (!diagnosticEvent.urn) return [message];
    const { type, name } = parseUrn(diagnosticEvent.urn);
    return [type === "pulumi:pulumi:Stack" ? message : `${type} ${name}: ${message}`];
  });
  return [...new Set(texts)];
}

/** Of a change that was not planned the engine prints the old and the new values, secret ones too: names stay. */
function withoutValues(message: string): string {
  const [start = "", changes] = message.split(PLAN_VIOLATION);
  if (changes === undefined) return message;
  const names = [...changes.matchAll(/(?:^|, )[-+~=]{2}([A-Za-z_][\w.-]*)\[/g)].map(([, name]) => name);
  return `${start}${PLAN_VIOLATION}${names.join(", ")}`;
}

function lastLines(text: string): string {
  const lines = plainText(text)
    .split("\n")
    .map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .slice(-6)
    .join(" ");
}

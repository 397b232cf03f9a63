import { setTimeout as delay } from "node:timers/promises";
import type { ArmAnswer, ArmClient, ArmErrorBody, ArmRequest } from "./arm.ts";
import { ArmFailure, assertStatus, bodyObject, describeError, retryAfterMs } from "./arm.ts";

/** Long-running operations, by the rules of Microsoft's client (azcore) for Go. */

export interface Polling {
  client: ArmClient;
  /** The first request and its answer. */
  request: ArmRequest;
  answer: ArmAnswer;
  apiVersion: string;
  signal: AbortSignal;
  /** Told a state that is no end, when it is another than before. */
  onState?: (state: string) => void;
  /** Waits between polls where the answers do not say, milliseconds. */
  intervalMs?: number;
}

const defaultIntervalMs = { DELETE: 30_000, other: 10_000 };
const endStates = new Set(["succeeded", "failed", "canceled"]);

/** `status` of an operation's body, or `properties.provisioningState` of a resource's. */
function stateOf(body: Record<string, unknown>): string | undefined {
  if (typeof body["status"] === "string") return body["status"];
  return provisioningState(body);
}

export function provisioningState(body: Record<string, unknown>): string | undefined {
  const { provisioningState } = (body["properties"] ?? {}) as { provisioningState?: unknown };
  return typeof provisioningState === "string" ? provisioningState : undefined;
}

const hasEnded = (state: string): boolean => endStates.has(state.toLowerCase());

function assertSucceeded(state: string, body: Record<string, unknown>): void {
  if (state.toLowerCase() === "succeeded") return;
  const error = (body["error"] ?? {}) as ArmErrorBody;
  throw new ArmFailure(0, error.code ?? "", `the operation ended as ${state}: ${describeError(error)}`);
}

/** Whether an answer says that work goes on: 202, a header to poll, or a state that is no end. */
export function isRunning(answer: ArmAnswer): boolean {
  if (answer.status === 202) return true;
  if (answer.status !== 200 && answer.status !== 201) return false;
  const { headers } = answer;
  if (headers["azure-asyncoperation"] ?? headers["operation-location"] ?? headers["location"]) return true;
  const state = provisioningState(bodyObject(answer));
  return state !== undefined && !hasEnded(state);
}

type Style = (poll: Poll) => Promise<boolean>;
interface Poll {
  ask: (path: string) => Promise<ArmAnswer>;
  report: (state: string) => void;
  /** Told the answer whose headers say when to ask again. */
  last: (answer: ArmAnswer) => void;
}

const pollable = [200, 201, 202, 204];

/** `Azure-AsyncOperation` and `Operation-Location`: a body with `status`. */
const operationStyle =
  (url: string): Style =>
  async ({ ask, report, last }) => {
    const answer = await ask(url);
    assertStatus(answer, { method: "GET", path: url }, pollable);
    last(answer);
    const body = bodyObject(answer);
    const state = stateOf(body) ?? (answer.status === 202 ? "InProgress" : "Succeeded");
    report(state);
    if (!hasEnded(state)) return false;
    assertSucceeded(state, body);
    return true;
  };

/** `Location`: 202 while it runs; a provisioningState in the body wins; the header may change. */
function locationStyle(first: string): Style {
  let url = first;
  return async ({ ask, report, last }) => {
    const answer = await ask(url);
    last(answer);
    assertStatus(answer, { method: "GET", path: url }, pollable);
    url = answer.headers["location"] ?? url;
    const body = bodyObject(answer);
    const state = provisioningState(body) ?? (answer.status === 202 ? "InProgress" : "Succeeded");
    report(state);
    if (!hasEnded(state)) return false;
    assertSucceeded(state, body);
    return true;
  };
}

/** The resource itself, until its state is an end; a 200 without a state is one. */
const bodyStyle =
  (path: string, isDelete: boolean): Style =>
  async ({ ask, report, last }) => {
    const answer = await ask(path);
    if (isDelete && answer.status === 404) return true;
    last(answer);
    assertStatus(answer, { method: "GET", path }, pollable);
    const body = bodyObject(answer);
    const state = provisioningState(body) ?? "Succeeded";
    report(state);
    if (!hasEnded(state)) return false;
    assertSucceeded(state, body);
    return true;
  };

/** A relative Location is seen in the wild (user-assigned identities) and repaired; other headers are not. */
function absolute(location: string, request: ArmRequest): string {
  return location.startsWith("/") && request.path.startsWith("https://")
    ? new URL(location, request.path).href
    : location;
}

function styleOf(request: ArmRequest, answer: ArmAnswer): Style {
  const { headers } = answer;
  const operation = headers["azure-asyncoperation"] ?? headers["operation-location"];
  if (operation !== undefined) return operationStyle(operation);
  const location = headers["location"];
  if (location !== undefined) return locationStyle(absolute(location, request));
  const isDelete = request.method === "DELETE";
  if (answer.status === 202 && (isDelete || request.method === "POST"))
    throw new Error(`${request.method} ${request.path}: 202 without a header to poll`);
  return bodyStyle(request.path, isDelete);
}

/**
 * Waits until the operation that `answer` started has ended. Rejects with an `ArmFailure` where it failed or was
 * cancelled. The first poll is immediate unless the answer has Retry-After.
 */
export async function waitForEnd(polling: Polling): Promise<void> {
  const { client, request, answer, apiVersion, signal, onState } = polling;
  const style = styleOf(request, answer);
  const intervalMs =
    polling.intervalMs ?? (request.method === "DELETE" ? defaultIntervalMs.DELETE : defaultIntervalMs.other);
  let waitMs = retryAfterMs(answer.headers) ?? 0;
  let told: string | undefined;
  const report = (state: string) => {
    if (!hasEnded(state) && state !== told) onState?.((told = state));
  };
  for (;;) {
    if (waitMs > 0) await delay(waitMs, undefined, { signal });
    let latest: ArmAnswer | undefined;
    const done = await style({
      ask: (path) => client.send({ method: "GET", path, query: { "api-version": apiVersion } }, signal),
      report,
      last: (one) => (latest = one),
    });
    if (done) return;
    waitMs = (latest && retryAfterMs(latest.headers)) ?? intervalMs;
  }
}

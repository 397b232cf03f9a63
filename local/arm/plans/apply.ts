/** Requests and changes worked off as the plan says: late, refused, or with their answer lost. */
import { setTimeout as delay } from "node:timers/promises";
import type { Cloud } from "../cloud.ts";
import { ArmError } from "../errors.ts";
import type { ArmAnswer } from "../http.ts";
import type { LostAnswer, PlannedError, PlannedEvent } from "../plan.ts";
import type { RequestEvent } from "./event.ts";

/** Thrown where the connection is closed without an answer, after the work was done. */
export class AnswerLost extends Error {
  readonly answer: ArmAnswer;

  constructor(answer: ArmAnswer) {
    super("a plan loses this answer");
    this.name = "AnswerLost";
    this.answer = answer;
  }
}

/** Throws what the plan lets the request fail with, and `AnswerLost`. */
export async function asPlanned(
  cloud: Cloud,
  event: RequestEvent,
  work: () => Promise<ArmAnswer>,
): Promise<ArmAnswer> {
  const step = cloud.plan(event);
  await waitFor(cloud, step?.delayMs);
  if (step?.error !== undefined) throw plannedError(step.error);
  const answer = await work();
  const lost = step?.afterwards?.();
  return lost === undefined ? answer : lose(cloud, event, answer, lost);
}

/**
 * A change that is done when it is answered. It waits after the work, not before: what the change was checked against
 * must not move in between.
 */
export async function changeAsPlanned(
  cloud: Cloud,
  change: Omit<Extract<PlannedEvent, { at: "operation" }>, "at">,
  work: () => Promise<ArmAnswer>,
): Promise<ArmAnswer> {
  const step = cloud.plan({ at: "operation", ...change });
  if (step?.error !== undefined) {
    await waitFor(cloud, step.delayMs);
    throw plannedError(step.error);
  }
  const answer = await work();
  await waitFor(cloud, step?.delayMs);
  return answer;
}

function plannedError(error: PlannedError): ArmError {
  return new ArmError(error.status, error.code, error.message, { headers: error.headers ?? {} });
}

/** A stop of the cloud ends the wait: what was not begun must not begin on files that are closed. */
async function waitFor(cloud: Cloud, ms: number | undefined): Promise<void> {
  if (ms === undefined) return;
  try {
    await delay(ms, undefined, { signal: cloud.operations.stopping });
  } catch (error) {
    throw new ArmError(503, "ServiceUnavailable", "The local cloud is stopping.", { cause: error });
  }
}

async function lose(
  cloud: Cloud,
  event: RequestEvent,
  answer: ArmAnswer,
  { instead, when }: LostAnswer,
): Promise<never> {
  if (when === "done") await cloud.operations.ended(answer.outcome?.operationId);
  if (instead === "nothing") throw new AnswerLost(answer);
  throw new ArmError(
    504,
    "GatewayTimeout",
    `The gateway did not receive a response from '${event.type ?? event.path}' within the specified time period.`,
    { outcome: answer.outcome },
  );
}

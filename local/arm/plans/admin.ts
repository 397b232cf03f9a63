/** `/local/plans` and `/local/durations`: how the local cloud is told to be slow or to fail. For the operator only. */
import { ArmError, badRequest, notFound } from "../errors.ts";
import type { ArmAnswer } from "../http.ts";
import { isRecord } from "../http.ts";
import type { Caller } from "../identity/caller.ts";
import { parseName, parseRule, parseRules } from "./document.ts";
import { azureDurations } from "./durations.ts";
import type { Plans } from "./plans.ts";

interface AdminRequest {
  method: string;
  path: string;
  body: unknown;
  caller: Caller;
}

export const isAdminPath = (path: string): boolean => /^\/local(\/|$)/.test(path);

/** Answers a request below `/local/`. Throws an `ArmError` for what is refused. */
export function answerAdmin(plans: Plans, { method, path, body, caller }: AdminRequest): ArmAnswer {
  if (caller.kind !== "operator") {
    throw new ArmError(403, "AuthorizationFailed", "Only the operator's token is taken here.");
  }
  const [, place, name, ...rest] = path.split("/").filter(Boolean).map(decodeURIComponent);
  if (place === "durations" && name === undefined) {
    if (method !== "GET") throw wrongMethod(method);
    return { status: 200, body: { unit: "seconds", durations: azureDurations() } };
  }
  if (place !== "plans" || rest.length > 0) throw notFound("NotFound", `'${path}' is not offered.`);
  return name === undefined ? answerAll(plans, method, body) : answerOne(plans, method, name, body);
}

function answerAll(plans: Plans, method: string, body: unknown): ArmAnswer {
  if (method === "PUT") plans.replace(parseRules(body));
  else if (method === "DELETE") plans.replace({});
  else if (method !== "GET") throw wrongMethod(method);
  return { status: 200, body: { value: plans.list() } };
}

function answerOne(plans: Plans, method: string, name: string, body: unknown): ArmAnswer {
  const isThere = plans.get(name) !== undefined;
  if (method === "PUT") {
    if (!isRecord(body)) throw badRequest("InvalidPlan", "The plan is not valid: an object is wanted.");
    plans.put(parseName(name), parseRule(body));
    return { status: isThere ? 200 : 201, body: plans.get(name) };
  }
  if (method === "DELETE") return { status: plans.remove(name) ? 200 : 204 };
  if (method !== "GET") throw wrongMethod(method);
  if (!isThere) throw notFound("PlanNotFound", `There is no plan '${name}'.`);
  return { status: 200, body: plans.get(name) };
}

const wrongMethod = (method: string): ArmError =>
  new ArmError(405, "MethodNotAllowed", `The requested resource does not support http method '${method}'.`);

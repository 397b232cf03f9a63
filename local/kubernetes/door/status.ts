/** Refusals as the Kubernetes API words them: a `Status` document. */
import type { PlannedError } from "../../arm/plan.ts";
import type { RequestInfo } from "./request-info.ts";

export interface Refusal {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Reasons by status (k8s.io/apimachinery/pkg/apis/meta/v1, StatusReason). */
const reasons: Record<number, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Gone",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};
/** What a plan that names no code fails with, which is ARM's word. */
const unnamed = "InternalServerError";

export function refusalOf(error: PlannedError, info: RequestInfo): Refusal {
  const retryAfter = error.headers?.["retry-after"];
  const reason = error.code === unnamed ? (reasons[error.status] ?? "") : error.code;
  return refusal(error.status, reason, error.message, info, retryAfter);
}

/** What the API server itself answers when a request has taken too long, after which it may have done its work. */
export const timeoutOf = (info: RequestInfo): Refusal =>
  refusal(
    504,
    "Timeout",
    "Timeout: request did not complete within the allotted timeout: a plan of the local cloud",
    info,
  );

function refusal(
  status: number,
  reason: string,
  message: string,
  { resource, name }: RequestInfo,
  retryAfter?: string,
): Refusal {
  const [kind = "", ...group] = resource.replace(/\/.*/, "").split(".");
  const body = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    details: {
      ...(name !== undefined && { name }),
      ...(group.length > 0 && { group: group.join(".") }),
      kind,
      ...(retryAfter !== undefined && { retryAfterSeconds: Number(retryAfter) }),
    },
    code: status,
  };
  return {
    status,
    headers: {
      "content-type": "application/json",
      ...(retryAfter !== undefined && { "retry-after": retryAfter }),
    },
    body: `${JSON.stringify(body)}\n`,
  };
}

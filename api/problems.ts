/** Errors as RFC 9457 problem documents: a stable code and a sentence that says what to do. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { TierliftError } from "../automation/errors.ts";
import type { ErrorKind } from "../automation/errors.ts";

/** What each kind of error is in HTTP. */
const STATUS_OF_KIND = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  missing: 404,
  conflict: 409,
  unprocessable: 422,
  unavailable: 503,
  timeout: 504,
  upstream: 502,
  internal: 500,
} as const satisfies Record<ErrorKind, ContentfulStatusCode>;

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  instance: string;
  /** The fields at fault, for a request that does not fit its schema. */
  errors?: { field: string; message: string }[];
}

/** A request that does not fit: thrown by the validation, answered 400 with the fields at fault. */
export class InvalidRequest extends Error {
  readonly fields: { field: string; message: string }[];

  constructor(fields: { field: string; message: string }[]) {
    super(fields.map(({ field, message }) => `${field} ${message}`).join("; "));
    this.fields = fields;
  }
}

/** Answers any error; what is not meant for clients is logged whole and answered without its text. */
export function answerProblem(c: Context, error: unknown, log: (error: unknown) => void): Response {
  const problem = problemOf(error, c.req.path, log);
  if (problem.status === 401) c.header("WWW-Authenticate", 'Bearer realm="tierlift"');
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, {
    "Content-Type": "application/problem+json",
  });
}

function problemOf(error: unknown, instance: string, log: (error: unknown) => void): Problem {
  if (error instanceof InvalidRequest) {
    const detail = `Correct the request: ${error.message}.`;
    return {
      ...problem(400, "INVALID_REQUEST", "The request is not valid", detail, instance),
      errors: error.fields,
    };
  }
  if (error instanceof TierliftError) {
    const status = STATUS_OF_KIND[error.kind];
    if (status >= 500) log(error);
    return problem(status, error.code, title(error.code), error.message, instance);
  }
  if (error instanceof HTTPException) {
    return problem(error.status, `HTTP_${error.status}`, "The request was refused", error.message, instance);
  }
  log(error);
  const detail = "An error of the service; its log has the whole of it under this request's id.";
  return problem(500, "INTERNAL", "Internal error", detail, instance);
}

/** `ILLEGAL_TRANSITION` → `Illegal transition`. */
const title = (code: string) => `${code.charAt(0)}${code.slice(1).toLowerCase().replaceAll("_", " ")}`;

function problem(
  status: number,
  code: string,
  shortTitle: string,
  detail: string,
  instance: string,
): Problem {
  return {
    type: `urn:tierlift:problem:${code.toLowerCase()}`,
    title: shortTitle,
    status,
    code,
    detail,
    instance,
  };
}

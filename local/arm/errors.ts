/** An answer of ARM that is an error: status, code and message as ARM's clients see them. */
import type { Outcome } from "./http.ts";

export interface ErrorDetail {
  code: string;
  message: string;
  target?: string;
}

interface ArmErrorOptions {
  target?: string;
  details?: ErrorDetail[];
  headers?: Record<string, string>;
  cause?: unknown;
  /** What was done nevertheless. */
  outcome?: Outcome | undefined;
}

/** Thrown anywhere below the router; the router turns it into `{"error": {code, message, target?, details?}}`. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;
  readonly target: string | undefined;
  readonly details: ErrorDetail[] | undefined;
  readonly headers: Record<string, string>;
  readonly outcome: Outcome | undefined;

  constructor(status: number, code: string, message: string, options: ArmErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ArmError";
    this.status = status;
    this.code = code;
    this.target = options.target;
    this.details = options.details;
    this.headers = options.headers ?? {};
    this.outcome = options.outcome;
  }

  /** The body as ARM sends it. */
  get body(): { error: ErrorDetail & { details?: ErrorDetail[] } } {
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(this.target === undefined ? {} : { target: this.target }),
        ...(this.details === undefined ? {} : { details: this.details }),
      },
    };
  }
}

export const badRequest = (code: string, message: string, target?: string): ArmError =>
  new ArmError(400, code, message, target === undefined ? {} : { target });

export const notFound = (code: string, message: string): ArmError => new ArmError(404, code, message);

export const conflict = (code: string, message: string): ArmError => new ArmError(409, code, message);

export const resourceNotFound = (type: string, name: string, group: string): ArmError =>
  notFound(
    "ResourceNotFound",
    `The Resource '${type}/${name}' under resource group '${group || "<null>"}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );

export const groupNotFound = (group: string): ArmError =>
  notFound("ResourceGroupNotFound", `Resource group '${group}' could not be found.`);

export const subscriptionNotFound = (subscriptionId: string): ArmError =>
  notFound("SubscriptionNotFound", `The subscription '${subscriptionId}' could not be found.`);

/** What can go wrong between a client and the service, and what a command's exit code says of it. */

/** Exit codes; beside them 128 and a signal's number after an interruption (130 after Ctrl-C). */
export const EXIT = {
  done: 0,
  /** The migration failed or was taken back, the tenant's provisioning failed, or the question was answered with no. */
  failed: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
} as const;

/** What a person can put right: told in its own words, without a stack trace. */
export class ClientError extends Error {
  override readonly name: string = "ClientError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** A wrong command line or environment. */
export class UsageError extends ClientError {
  override readonly name = "UsageError";

  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.usage, options);
  }
}

/** Answered by the service, but not with what was asked for: an RFC 9457 problem. */
export class RefusedError extends ClientError {
  override readonly name = "RefusedError";
  readonly status: number;
  readonly code: string;
  /** The problem's sentence: what to do. */
  readonly detail: string;

  constructor(request: string, status: number, { code, detail }: { code: string; detail: string }) {
    super(`${request} was answered ${status}: ${detail}`, status >= 500 ? EXIT.unreachable : EXIT.refused);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/** Not answered: nobody there, or not in time. */
export class UnreachableError extends ClientError {
  override readonly name = "UnreachableError";

  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.unreachable, options);
  }
}

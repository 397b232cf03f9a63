/**
 * Every request as one JSON line: who asked for what, how it ended and what it made. No bodies, no queries but the API
 * version, no headers but the correlation id.
 */
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Call } from "./plan.ts";

export interface RequestLine {
  time: string;
  method: string;
  path: string;
  status: number;
  /** Milliseconds until the answer was ready. */
  ms: number;
  /** Application id of the caller, when it had shown a token. */
  principal?: string;
  /** Error code of a refusal. */
  code?: string;
  apiVersion?: string;
  /** One for all requests of a client's operation where the client says so, else one of its own. */
  correlationId: string;
  /** What the request asks for, and of which resource: for a poll that which the operation works on. */
  call?: Call;
  type?: string;
  resourceId?: string;
  /**
   * Only of a change that was accepted: a resource is made twice when it has two lines with `create` and none with
   * `delete` between them, whatever their status.
   */
  change?: "create" | "update" | "delete";
  operationId?: string;
  /** The client got no answer. */
  isLost?: true;
}

export interface RequestLog {
  write(line: RequestLine): void;
  close(): Promise<void>;
}

/** Appends to a file (mode 0600), made when missing. */
export function createRequestLog(file: string): RequestLog {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const stream = createWriteStream(file, { flags: "a", mode: 0o600 });
  // A full disk must not end the cloud: requests go on, the log has a gap.
  stream.on("error", () => undefined);
  return {
    write: (line) => void stream.write(`${JSON.stringify(line)}\n`),
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}

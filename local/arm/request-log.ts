/** Every request as one JSON line: who asked for what and how it ended. No bodies, no queries, no headers. */
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";

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

/**
 * Every request as one JSON line: who asked for what, how it ended and what it made. No bodies, no queries but the API
 * version, no headers but the correlation id.
 */
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
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
  /** Only of a change that was accepted, whatever the status that was answered then; see `creations`. */
  change?: "create" | "update" | "delete";
  operationId?: string;
  /** The client got no answer. */
  isLost?: true;
}

export interface RequestLog {
  /** The line is in the file when this returns: a killed cloud has told of all that it answered. */
  write(line: RequestLine): void;
  close(): void;
}

/** Appends to a file (mode 0600), made when missing. */
export function createRequestLog(file: string): RequestLog {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const log = openSync(file, "a", 0o600);
  let isOpen = true;
  return {
    write: (line) => {
      // The number of a closed file is soon another file's.
      if (!isOpen) return;
      try {
        writeSync(log, `${JSON.stringify(line)}\n`);
      } catch {
        // A full disk must not end the cloud: requests go on, the log has a gap.
      }
    },
    close: () => {
      if (isOpen) closeSync(log);
      isOpen = false;
    },
  };
}

/** The lines of a log in their order; the last one only if it was written whole. */
export function readRequestLog(file: string): RequestLine[] {
  const whole = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return whole.map((line) => JSON.parse(line) as RequestLine);
}

export interface Creation {
  /** As it was written at its first creation; ids that differ in case are one. */
  resourceId: string;
  type: string;
  /** The lines that made it, one after the other; more than one only where it was deleted in between or made twice. */
  made: RequestLine[];
  /** How many of them made it while it was there. */
  again: number;
}

/**
 * Which resources were made, and how often, by resource id. A deletion is one of everything below the id, too, as a
 * group's is of what is in it. A PUT that found its resource there is an update and not in here: "no resource is made
 * twice" is `creations(readRequestLog(file)).filter(({ again }) => again > 0)` being empty.
 */
export function creations(lines: readonly RequestLine[]): Creation[] {
  const found = new Map<string, Creation & { isThere: boolean }>();
  for (const line of lines) {
    const { change, resourceId, type = "" } = line;
    if (resourceId === undefined) continue;
    const key = resourceId.toLowerCase();
    if (change === "create") {
      const creation = found.get(key) ?? { resourceId, type, made: [], again: 0, isThere: false };
      creation.made.push(line);
      if (creation.isThere) creation.again += 1;
      found.set(key, Object.assign(creation, { isThere: true }));
    } else if (change === "delete") {
      for (const [id, creation] of found) {
        if (id === key || id.startsWith(`${key}/`)) creation.isThere = false;
      }
    }
  }
  return [...found.values()].map(({ isThere: _, ...creation }) => creation);
}

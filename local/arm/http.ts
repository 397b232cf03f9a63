/** What the router takes and gives, free of sockets, so that every part of the API can be called directly. */
import type { Caller } from "./identity/caller.ts";

export interface ArmRequest {
  method: string;
  /** The path as it came, decoded segment by segment only where it is taken apart. */
  path: string;
  query: URLSearchParams;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  /** The parsed JSON, `undefined` without a body. */
  body: unknown;
  /** `https://127.0.0.1:PORT`, without a slash at the end: absolute addresses are made with it. */
  origin: string;
  caller: Caller;
}

/** What an accepted change did, for the request log. */
export interface Outcome {
  change: "create" | "update" | "delete";
  resourceId: string;
  /** Of the operation that goes on in the background. */
  operationId?: string;
}

export interface ArmAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  outcome?: Outcome;
}

/** A query parameter whatever the case of its name, as ARM reads them. */
export function queryValue(query: URLSearchParams, name: string): string | undefined {
  for (const [key, value] of query) if (key.toLowerCase() === name.toLowerCase()) return value;
  return undefined;
}

/** True for a JSON object, false for lists, `null` and everything else. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object at a dotted path, or `undefined` where the path leaves the objects. */
export function valueAt(value: unknown, path: string): unknown {
  let here = value;
  for (const name of path.split(".")) here = isRecord(here) ? here[name] : undefined;
  return here;
}

/** Like `valueAt`, for a string; anything else counts as absent. */
export function stringAt(value: unknown, path: string): string | undefined {
  const found = valueAt(value, path);
  return typeof found === "string" ? found : undefined;
}

/** The object at a dotted path, an empty one when there is none. */
export function recordAt(value: unknown, path: string): Record<string, unknown> {
  const found = valueAt(value, path);
  return isRecord(found) ? found : {};
}

/** The list at a dotted path, an empty one when there is none. */
export function listAt(value: unknown, path: string): unknown[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? (found as unknown[]) : [];
}

/** Objects merged member by member, the later one first; lists and plain values are replaced whole. */
export function merge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = result[name];
    result[name] = isRecord(below) && isRecord(value) ? merge(below, value) : value;
  }
  return result;
}

/** An object without some of its members. */
export function without<T extends object, K extends keyof T>(value: T, ...names: K[]): Omit<T, K> {
  const left = Object.entries(value).filter(([name]) => !(names as PropertyKey[]).includes(name));
  return Object.fromEntries(left) as Omit<T, K>;
}

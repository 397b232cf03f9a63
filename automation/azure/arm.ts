/** Reading from Azure Resource Manager, and deleting, with a deadline on every call. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TokenCredential } from "@azure/identity";
import type { Cloud } from "./cloud.ts";

const CALL_TIMEOUT_MS = 20_000;
const TRIES = 3;
/** Longest pause that an answer's Retry-After is followed for. */
const MAX_PAUSE_MS = 30_000;
/** Until a deletion is looked at for the first time; then twice as long each time. */
const FIRST_POLL_MS = 250;

/** An answer of ARM that is no success: its status and its error's code and message. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface ArmReader {
  /** GETs a path below the resource manager; throws ArmError for anything but a success. */
  get(path: string, apiVersion: string, signal?: AbortSignal): Promise<unknown>;
  /** The items of a list, over all its pages. */
  list(path: string, apiVersion: string, signal?: AbortSignal): Promise<unknown[]>;
}

export interface ArmClient extends ArmReader {
  /** DELETEs and waits until it is gone; what is gone already is as good as deleted. */
  remove(path: string, apiVersion: string, signal: AbortSignal): Promise<void>;
}

/** Asks as the given credential; 429 and 5xx are tried again after the time the answer asks for. */
export function createArmClient(cloud: Cloud, credential: TokenCredential): ArmClient {
  async function call(url: string, signal?: AbortSignal, method: "GET" | "DELETE" = "GET"): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const token = await credential.getToken(cloud.scope, signal ? { abortSignal: signal } : {});
      if (token === null) throw new ArmError(401, "NoToken", "the directory gave no token");
      const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const response = await fetch(url, {
        method,
        headers: { Authorization: `Bearer ${token.token}`, Accept: "application/json" },
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
      if (response.ok) return bodyOf(response);
      const failure = await errorOf(response);
      if (attempt === TRIES || !(failure.status === 429 || failure.status >= 500)) throw failure;
      const pauseMs = Number(response.headers.get("Retry-After") ?? 1) * 1000;
      await sleep(Math.min(Number.isFinite(pauseMs) ? pauseMs : 1000, MAX_PAUSE_MS), undefined, { signal });
    }
  }

  const urlOf = (path: string, apiVersion: string) => {
    const url = new URL(cloud.resourceManager + path);
    url.searchParams.set("api-version", apiVersion);
    return url.href;
  };

  const exists = async (url: string, signal: AbortSignal): Promise<boolean> => {
    try {
      await call(url, signal);
      return true;
    } catch (error) {
      if (error instanceof ArmError && error.status === 404) return false;
      throw error;
    }
  };

  return {
    get: (path, apiVersion, signal) => call(urlOf(path, apiVersion), signal),
    async remove(path, apiVersion, signal) {
      const url = urlOf(path, apiVersion);
      if (!(await exists(url, signal))) return;
      await call(url, signal, "DELETE");
      for (
        let pauseMs = FIRST_POLL_MS;
        await exists(url, signal);
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
      ) {
        await sleep(pauseMs, undefined, { signal });
      }
    },
    list: async (path, apiVersion, signal) => {
      const items: unknown[] = [];
      for (let next: string | undefined = urlOf(path, apiVersion); next !== undefined;) {
        const page = (await call(next, signal)) as { value?: unknown[]; nextLink?: string };
        items.push(...(page.value ?? []));
        next = page.nextLink === "" ? undefined : page.nextLink;
      }
      return items;
    },
  };
}

/** A deletion may be answered without a body. */
async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}

async function errorOf(response: Response): Promise<ArmError> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; message?: string } };
    return new ArmError(response.status, error?.code ?? "Unknown", error?.message ?? response.statusText);
  } catch {
    return new ArmError(response.status, "Unknown", response.statusText);
  }
}

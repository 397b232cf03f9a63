/** Where the service is, and who asks. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { UsageError } from "./errors.ts";

export interface Connection {
  /** Without `/api/v1`. */
  api: string;
  token: string;
}

interface Given {
  api?: string;
  "token-file"?: string;
}

const CHECKOUT = path.resolve(import.meta.dirname, "..");
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** From options, else the environment, else the installation on this machine. Throws UsageError. */
export async function findConnection(given: Given, env: NodeJS.ProcessEnv): Promise<Connection> {
  const api = given.api ?? (env["TIERLIFT_API"] || undefined);
  return {
    api: api === undefined ? await apiOfHome(env) : parseApi(api),
    token: await findToken(given["token-file"], env),
  };
}

/** A token does not go over a network in clear. */
function parseApi(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.includes(url.hostname));
  if (url === undefined || !isSafe || url.username !== "" || url.search !== "")
    throw new UsageError(
      `The service's address ${text} must be https://…, or http://localhost… on this machine.`,
    );
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
}

async function apiOfHome(env: NodeJS.ProcessEnv): Promise<string> {
  const file = path.join(path.resolve(CHECKOUT, env["TIERLIFT_HOME"] || ".tierlift"), "endpoints.json");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new UsageError(
        `No service runs on this machine (there is no ${file}): start one with npm start, or say where it is with --api or TIERLIFT_API.`,
      );
    throw new UsageError(`${file} cannot be read: ${error.message}`);
  });
  return (JSON.parse(text) as { api: string }).api;
}

async function findToken(file: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  const token = file === undefined ? (env["TIERLIFT_TOKEN"] ?? "") : await readTokenFile(file);
  if (token.trim() === "")
    throw new UsageError(
      "There is no token: set TIERLIFT_TOKEN, or name a file with --token-file. For the service on this machine:\n  export TIERLIFT_TOKEN=$(npm run token -- --role PLATFORM_ADMIN)",
    );
  // A header's value: anything else would be told by fetch, token included.
  if (!/^[\x21-\x7e]+$/.test(token.trim()))
    throw new UsageError("The token is not one line of visible ASCII.");
  return token.trim();
}

async function readTokenFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError(`--token-file ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** The tenant that a token belongs to, by its own words: the service decides what it may do. */
export function tenantIdOf(token: string): string | undefined {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
    const { tenant_id: tenantId } = JSON.parse(payload) as { tenant_id?: unknown };
    return typeof tenantId === "string" && tenantId !== "" ? tenantId : undefined;
  } catch {
    return undefined;
  }
}

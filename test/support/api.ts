/** The API over a service with a fake engine, asked without a socket. */
import { pino } from "pino";
import { SignJWT } from "jose";
import { createApp } from "../../api/app.ts";
import { createAuthenticator } from "../../api/auth.ts";
import { createDocument } from "../../api/openapi/document.ts";
import { createContract } from "./api-contract.ts";
import { createWorld } from "./fake-world.ts";
import type { World, WorldOptions } from "./fake-world.ts";

const SECRET = "a secret of at least thirty-two bytes";
const contract = createContract(createDocument());
const AT = "2026-01-01T00:00:00.000Z";

export interface Api {
  world: World;
  /** To be served on a socket, for clients in processes of their own. */
  app: ReturnType<typeof createApp>;
  /** Rejects when the answer is not one that the OpenAPI document tells of. */
  request(
    path: string,
    options?: { method?: string; token?: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Response>;
  post(path: string, token: string | undefined, body?: unknown): Promise<Response>;
  get(path: string, token: string | undefined): Promise<Response>;
}

export const mintToken = (roles: string[], tenantId?: string): Promise<string> =>
  new SignJWT({ roles, ...(tenantId === undefined ? {} : { tenant_id: tenantId }) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("someone")
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));

export function createApi(
  options: WorldOptions & {
    completeWaitMs?: number;
    heartbeatMs?: number;
    /** Told of every line that is logged. */
    onLog?: (line: Record<string, unknown>) => void;
  } = {},
): Api {
  const verify = () => Promise.resolve({ checks: [], passed: true, startedAt: AT, finishedAt: AT });
  const world = createWorld({ ...options, ports: { verify, ...options.ports } });
  const { completeWaitMs, heartbeatMs, onLog } = options;
  const app = createApp({
    tierlift: world.tierlift,
    authenticate: createAuthenticator({ key: { secret: SECRET } }),
    logger: pino(
      { enabled: onLog !== undefined },
      { write: (line) => onLog?.(JSON.parse(line) as Record<string, unknown>) },
    ),
    ...(completeWaitMs === undefined ? {} : { completeWaitMs }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
  });
  const request: Api["request"] = async (path, { method = "GET", token, body, headers = {} } = {}) => {
    const response = await app.request(path, {
      method,
      headers: { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    await contract.check(method, path, response);
    return response;
  };
  return {
    world,
    app,
    request,
    post: (path, token, body) =>
      request(path, { method: "POST", ...(token === undefined ? {} : { token }), body }),
    get: (path, token) => request(path, token === undefined ? {} : { token }),
  };
}

/**
 * A local ARM of a test's own: `const arm = await openArm()`, then `arm.as("sp-tenant").put(path, version, body)`.
 * Against a running local cloud the same calls work with any HTTPS client and a token of its directory.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend } from "../../../../local/arm/backend.ts";
import type { Plan } from "../../../../local/arm/plan.ts";
import type { Plans } from "../../../../local/arm/plans/plans.ts";
import type { RunningArm } from "../../../../local/arm/server.ts";
import { startArm } from "../../../../local/arm/server.ts";
import type { Authority } from "../../../../local/pki/authority.ts";
import { ensureAuthority } from "../../../../local/pki/authority.ts";

export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  body: Record<string, unknown>;
}

export interface ArmClient {
  /** `/subscriptions/{id}` of the principal. */
  subscription: string;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, apiVersion?: string): Promise<Answer>;
  put(path: string, apiVersion: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  patch(path: string, apiVersion: string, body: unknown): Promise<Answer>;
  post(path: string, apiVersion: string, body?: unknown): Promise<Answer>;
  delete(path: string, apiVersion: string): Promise<Answer>;
  /** Follows an answer's polling headers to the end; the last poll. */
  settle(answer: Answer): Promise<Answer>;
  /** PUT and its operation, then GET. Throws unless it succeeded. */
  make(path: string, apiVersion: string, body: unknown): Promise<Record<string, unknown>>;
}

export interface ArmUnderTest {
  home: string;
  authority: Authority;
  running: RunningArm;
  /** A client with a token of a principal of the table, or of the operator. */
  as(principal: string): Promise<ArmClient>;
  /** Stops and starts again on the same files. */
  restart(options?: ArmTestOptions): Promise<void>;
  close(): Promise<void>;
}

export interface ArmTestOptions {
  backends?: Backend[];
  plan?: Plan;
  plans?: Plans;
}

export async function openArm(options: ArmTestOptions = {}): Promise<ArmUnderTest> {
  const home = await mkdtemp(join(tmpdir(), "tierlift-arm-"));
  const authority = await ensureAuthority(join(home, "pki"));
  const start = (given: ArmTestOptions): Promise<RunningArm> =>
    startArm({ home, authority, log: () => undefined, ...given });
  const arm: ArmUnderTest = {
    home,
    authority,
    running: await start(options),
    as: (principal) => createClient(arm, principal),
    restart: async (again = options) => {
      await arm.running.close();
      arm.running = await start(again);
    },
    close: async () => {
      await arm.running.close();
      await rm(home, { recursive: true, force: true });
    },
  };
  return arm;
}

/** One HTTPS request to the server, trusting its authority only. */
export function send(
  arm: ArmUnderTest,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = new URL(path, arm.running.url);
    const sent = request(
      url,
      { method, ca: arm.authority.certificate, headers, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => {
          const text = Buffer.concat(parts).toString("utf8");
          const parsed = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Answer["headers"],
            body: parsed,
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A client credentials login; the whole answer. */
export function login(
  arm: ArmUnderTest,
  tenant: string,
  clientId: string,
  secret: string,
  scope?: string,
): Promise<Answer> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: secret,
    scope: scope ?? "https://management.azure.com/.default",
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return send(arm, "POST", `/${tenant}/oauth2/v2.0/token`, form.toString(), headers);
}

/** A token of a principal for an audience. */
export async function tokenOf(arm: ArmUnderTest, principal: string, scope?: string): Promise<string> {
  if (principal === "operator") return (await readFile(arm.running.operatorTokenFile, "utf8")).trim();
  const { tenantId, clientId, secret } = arm.running.cloud.directory.principal(principal);
  const answer = await login(arm, tenantId, clientId, secret.value, scope);
  return answer.body["access_token"] as string;
}

async function createClient(arm: ArmUnderTest, principal: string): Promise<ArmClient> {
  const token = await tokenOf(arm, principal);
  const owner = principal === "operator" ? "tierlift-platform" : principal;
  const client: ArmClient = {
    subscription: `/subscriptions/${arm.running.cloud.directory.principal(owner).subscriptionId}`,
    send: (method, path, body, headers = {}) =>
      send(arm, method, path, body === undefined ? undefined : JSON.stringify(body), {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      }),
    get: (path, apiVersion = "2024-03-01") => client.send("GET", versioned(path, apiVersion)),
    put: (path, apiVersion, body, headers) => client.send("PUT", versioned(path, apiVersion), body, headers),
    patch: (path, apiVersion, body) => client.send("PATCH", versioned(path, apiVersion), body),
    post: (path, apiVersion, body) => client.send("POST", versioned(path, apiVersion), body),
    delete: (path, apiVersion) => client.send("DELETE", versioned(path, apiVersion)),
    settle: (answer) => settle(client, arm.running.url, answer),
    make: async (path, apiVersion, body) => {
      const answer = await client.put(path, apiVersion, body);
      const last = await client.settle(answer);
      if (answer.status > 202 || last.body["error"] !== undefined) {
        throw new Error(`PUT ${path}: ${answer.status} ${JSON.stringify(last.body)}`);
      }
      return (await client.get(path, apiVersion)).body;
    },
  };
  return client;
}

const versioned = (path: string, apiVersion: string): string =>
  apiVersion === "" ? path : `${path}${path.includes("?") ? "&" : "?"}api-version=${apiVersion}`;

async function settle(client: ArmClient, origin: string, answer: Answer): Promise<Answer> {
  const asynchronous = answer.headers["azure-asyncoperation"];
  const url = asynchronous ?? answer.headers["location"];
  if (url === undefined) return answer;
  for (;;) {
    const poll = await client.send("GET", url.replace(origin, ""));
    const isRunning = asynchronous === undefined ? poll.status === 202 : poll.body["status"] === "InProgress";
    if (!isRunning) return poll;
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureAuthority } from "../../../../local/pki/authority.ts";

/** A resource manager that stores what it is sent, for the plugin's own tests; it checks nothing. */

export interface Seen {
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
}

export interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface FakeArm {
  /** `127.0.0.1:PORT`. */
  host: string;
  origin: string;
  ca: string;
  caFile: string;
  /** Requests to resources and operations, tokens and metadata left out. */
  requests: Seen[];
  /** `METHOD path` of `requests`, paths below the subscription. */
  calls(): string[];
  resources: Map<string, Record<string, unknown>>;
  /** Answers in place of the store; undefined leaves it to the store. */
  answer?: ((seen: Seen) => Reply | undefined | Promise<Reply | undefined>) | undefined;
  /** How PUT and DELETE of an id are answered: at once where undefined. */
  longRunning?: ((seen: Seen) => "operation" | "location" | "body" | undefined) | undefined;
  /** What operations end with. */
  outcome: { status: string; error?: { code: string; message: string } };
  tokens: { form: Record<string, string>; path: string }[];
  close(): Promise<void>;
}

export const SUBSCRIPTION = "11111111-1111-4111-8111-111111111111";
const oid = "22222222-2222-4222-8222-222222222222";
const jwt = `e30.${Buffer.from(JSON.stringify({ oid })).toString("base64url")}.e30`;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function represent(path: string, sent: Record<string, unknown>): Record<string, unknown> {
  const segments = path.split("/");
  const at = path.toLowerCase().lastIndexOf("/providers/");
  const below = at < 0 ? [] : path.slice(at + "/providers/".length).split("/");
  const type = at < 0 ? "Microsoft.Resources/resourceGroups" : "";
  const types = below.filter((_, i) => i === 0 || i % 2 === 1).join("/");
  const properties = { ...(sent["properties"] as object), provisioningState: "Succeeded" };
  return { ...sent, id: path, name: segments.at(-1), type: type || types, properties };
}

export async function startFakeArm(): Promise<FakeArm> {
  const dir = await mkdtemp(join(tmpdir(), "fake-arm-"));
  const authority = await ensureAuthority(dir);
  const pair = await authority.issue({ commonName: "arm", hosts: ["127.0.0.1"], usages: ["server"] });
  const operations = new Map<string, { polls: number; end: () => void }>();
  const resources = new Map<string, Record<string, unknown>>();
  let origin = "";
  let counter = 0;

  const server = createServer({ cert: pair.certificate, key: pair.key }, (request, response) => {
    void serve(request, response);
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", origin);
    const text = await bodyOf(request);
    const path = decodeURIComponent(url.pathname);
    const reply = await route(request.method ?? "GET", path, url, text);
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
  }

  async function route(method: string, path: string, url: URL, text: string): Promise<Reply> {
    if (path === "/metadata/endpoints")
      return {
        status: 200,
        body: {
          name: "Fake",
          resourceManager: origin,
          authentication: { loginEndpoint: origin, audiences: [origin] },
        },
      };
    if (path.endsWith("/oauth2/v2.0/token")) {
      arm.tokens.push({ form: Object.fromEntries(new URLSearchParams(text)), path });
      return { status: 200, body: { access_token: jwt, expires_in: 3600 } };
    }
    const seen: Seen = {
      method,
      path,
      query: Object.fromEntries(url.searchParams),
      body: text === "" ? undefined : (JSON.parse(text) as unknown),
    };
    arm.requests.push(seen);
    return (await arm.answer?.(seen)) ?? (path.startsWith("/operations/") ? poll(path) : store(seen));
  }

  function poll(path: string): Reply {
    const operation = operations.get(path);
    if (!operation) return { status: 404, body: { error: { code: "NotFound", message: path } } };
    if (operation.polls-- > 0) {
      const isLocation = path.includes("/location/");
      return {
        status: isLocation ? 202 : 200,
        body: { status: "InProgress" },
        headers: { "retry-after-ms": "5" },
      };
    }
    operation.end();
    if (path.includes("/location/")) return { status: 200, body: {} };
    return { status: 200, body: { ...arm.outcome } };
  }

  function store(seen: Seen): Reply {
    const key = seen.path.toLowerCase();
    const style = arm.longRunning?.(seen);
    if (seen.method === "GET") {
      const found = resources.get(key);
      return found
        ? { status: 200, body: found }
        : {
            status: 404,
            body: { error: { code: "ResourceNotFound", message: `${seen.path} is not there` } },
          };
    }
    if (seen.method === "DELETE") {
      if (!resources.has(key)) return { status: 204 };
      const end = () => {
        for (const id of resources.keys()) if (id === key || id.startsWith(`${key}/`)) resources.delete(id);
      };
      if (style) return start(seen.method, style, end);
      end();
      return { status: 200 };
    }
    const isNew = !resources.has(key);
    const made = represent(seen.path, seen.body as Record<string, unknown>);
    resources.set(key, made);
    if (style === "body") {
      const states = ["Updating", "Updating", "Succeeded"];
      const properties = made["properties"] as Record<string, unknown>;
      Object.defineProperty(properties, "provisioningState", {
        get: () => states.shift() ?? "Succeeded",
        enumerable: true,
      });
      return { status: 201, body: made, headers: { "retry-after-ms": "5" } };
    }
    if (style)
      return { ...start(seen.method, style, () => undefined), ...(style === "operation" && { body: made }) };
    return { status: isNew ? 201 : 200, body: made };
  }

  function start(method: string, style: "operation" | "location" | "body", end: () => void): Reply {
    const path = `/operations/${style}/${++counter}`;
    operations.set(path, { polls: 2, end });
    const header = style === "operation" ? "azure-asyncoperation" : "location";
    const status = style === "operation" && method === "PUT" ? 201 : 202;
    return {
      status,
      headers: { [header]: `${origin}${path}?api-version=2020-01-01`, "retry-after-ms": "5" },
    };
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  origin = `https://127.0.0.1:${port}`;
  const prefix = `/subscriptions/${SUBSCRIPTION}`;
  const arm: FakeArm = {
    host: `127.0.0.1:${port}`,
    origin,
    ca: authority.certificate,
    caFile: authority.certificateFile,
    requests: [],
    calls: () => arm.requests.map(({ method, path }) => `${method} ${path.replace(prefix, "")}`),
    resources,
    outcome: { status: "Succeeded" },
    tokens: [],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true, force: true });
    },
  };
  return arm;
}

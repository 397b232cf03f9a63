/** Requests to an API server worked off as the plans say: late, refused, or with their answer lost. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { finished } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterName, PlannedEvent, PlannedStep } from "../../arm/plan.ts";
import { answered, type FrontProxy } from "./front-proxy.ts";
import { parseRequest, type RequestInfo } from "./request-info.ts";
import { refusalOf, timeoutOf, type Refusal } from "./status.ts";

/** What the operator plans to go wrong between clients and API servers. */
export interface ClusterPlans {
  /** True while a plan about the cluster is in force. */
  isAboutCluster(cluster: ClusterName): boolean;
  step(event: PlannedEvent): PlannedStep | undefined;
  /** Told of every change of the plans; the result ends it. */
  watch(watcher: () => Promise<void>): () => void;
}

export interface Planner {
  cluster: ClusterName;
  plans: ClusterPlans;
}

/** Answers one request. Where the API server does not answer, the connection is closed as it would close it. */
export async function serveAsPlanned(
  proxy: FrontProxy,
  { cluster, plans }: Planner,
  call: IncomingMessage,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const left = new AbortController();
  response.once("close", () => left.abort());
  try {
    const url = new URL(call.url ?? "/", "https://kubernetes");
    const info = parseRequest(call.method ?? "GET", url);
    const step = info && plans.step(await describe(proxy, cluster, call, url, info));
    if (step?.delayMs !== undefined) await delay(step.delayMs, undefined, { signal: stopping });
    // The way back to the untouched connection, for clients that keep theirs.
    if (!plans.isAboutCluster(cluster)) response.setHeader("connection", "close");
    if (info && step?.error) {
      call.resume();
      return send(response, refusalOf(step.error, info));
    }
    await answer(await proxy.forward(call, left.signal), response, info, step);
  } catch {
    response.destroy();
  }
}

async function describe(
  proxy: FrontProxy,
  cluster: ClusterName,
  call: IncomingMessage,
  url: URL,
  info: RequestInfo,
): Promise<Extract<PlannedEvent, { at: "kubernetes" }>> {
  const change = await changeOf(proxy, call, url, info);
  return { at: "kubernetes", cluster, ...info, ...(change !== undefined && { change }) };
}

/** Server-side apply makes and changes by the same request: only a look tells which. */
async function changeOf(
  proxy: FrontProxy,
  call: IncomingMessage,
  url: URL,
  { verb }: RequestInfo,
): Promise<"create" | "update" | undefined> {
  if (verb === "create") return "create";
  if (verb !== "patch" && verb !== "update") return undefined;
  return (await proxy.look(call, url.pathname)) === 404 ? "create" : "update";
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  info: RequestInfo | undefined,
  step: PlannedStep | undefined,
): Promise<void> {
  const status = incoming.statusCode ?? 502;
  const lost = status < 400 ? step?.afterwards?.() : undefined;
  if (lost === undefined || info === undefined) {
    response.writeHead(status, answered(incoming.headers));
    incoming.once("error", () => response.destroy());
    incoming.pipe(response);
    return;
  }
  // A watch has no end to wait for.
  if (info.verb === "watch") incoming.destroy();
  else await finished(incoming.resume());
  if (lost.instead === "nothing") response.destroy();
  else send(response, timeoutOf(info));
}

function send(response: ServerResponse, { status, headers, body }: Refusal): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}

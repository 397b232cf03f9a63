import { setTimeout as delay } from "node:timers/promises";
import type { Definition } from "../../arm/definitions/index.ts";
import { resourceId, toArmBody } from "../../arm/definitions/index.ts";
import type { ArmAnswer, ArmRequest } from "./arm.ts";
import { ArmFailure, assertStatus, bodyObject } from "./arm.ts";
import { isOwn } from "./adopt.ts";
import type { Instance } from "./instance.ts";
import { isRunning, provisioningState, waitForEnd } from "./polling.ts";
import { getAt, setAt } from "./refresh.ts";
import { rulesOf } from "./rules.ts";

/** A resource's requests: look, write, delete, each to its end. */

export interface Target {
  instance: Instance;
  definition: Definition;
  /** The Pulumi type. */
  token: string;
  id: string;
  apiVersion: string;
  signal: AbortSignal;
  /** A word on how far it is, shown beside the resource. */
  status?: (state: string) => void;
}

/** ARM took a write, and then it failed: the resource may be there, half made. */
export class AcceptedFailure extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "AcceptedFailure";
  }
}

export const idOf = (instance: Instance, definition: Definition, inputs: Record<string, unknown>): string =>
  resourceId(definition, inputs, instance.settings.subscriptionId);

export function ask(target: Target, method: ArmRequest["method"], body?: unknown): Promise<ArmAnswer> {
  return target.instance.client.send(requestOf(target, method, body), target.signal);
}

function requestOf(target: Target, method: ArmRequest["method"], body?: unknown): ArmRequest {
  const query = { "api-version": target.apiVersion };
  return { method, path: target.id, query, ...(body !== undefined && { body }) };
}

/** The resource as ARM answers it; undefined where there is none. */
export async function get(target: Target): Promise<Record<string, unknown> | undefined> {
  const answer = await ask(target, "GET");
  // Linking resources answer 204, and some services 200 without a body, where there is none.
  if (answer.status === 404 || answer.status === 204) return undefined;
  assertStatus(answer, requestOf(target, "GET"), [200]);
  const body = bodyObject(answer);
  return Object.keys(body).length === 0 ? undefined : body;
}

function poll(target: Target, request: ArmRequest, answer: ArmAnswer): Promise<void> {
  const { instance, apiVersion, signal, status } = target;
  return waitForEnd({
    client: instance.client,
    request,
    answer,
    apiVersion,
    signal,
    ...(status && { onState: status }),
    ...(instance.pollIntervalMs !== undefined && { intervalMs: instance.pollIntervalMs }),
  });
}

/** PUTs and waits for the end; answers the resource's state. Rejects with an `AcceptedFailure` once ARM took it. */
export async function put(target: Target, body: unknown): Promise<Record<string, unknown>> {
  const request = requestOf(target, "PUT", body);
  const answer = await register(target, () => target.instance.client.send(request, target.signal));
  assertStatus(answer, request, [200, 201, 202]);
  try {
    const running = isRunning(answer);
    if (running) await poll(target, request, answer);
    const read = target.instance.settings.readAfterWrite || running ? await get(target) : undefined;
    return read ?? bodyObject(answer);
  } catch (error) {
    throw new AcceptedFailure(error);
  }
}

const registrationPollMs = 15_000;
const registrationTries = 20;

/** A namespace not registered in the subscription is registered, and the request sent again. */
async function register(target: Target, send: () => Promise<ArmAnswer>): Promise<ArmAnswer> {
  const answer = await send();
  const error = bodyObject(answer)["error"] as { code?: string } | undefined;
  if (answer.status !== 409 || error?.code !== "MissingSubscriptionRegistration") return answer;
  const { instance, signal, definition } = target;
  const path = `/subscriptions/${instance.settings.subscriptionId}/providers/${definition.armType.split("/")[0]}`;
  const query = { "api-version": "2021-04-01" };
  const started = await instance.client.send({ method: "POST", path: `${path}/register`, query }, signal);
  if (started.status >= 300) return answer;
  for (let i = 0; i < registrationTries; i++) {
    const state = await instance.client.send({ method: "GET", path, query }, signal);
    if (bodyObject(state)["registrationState"] === "Registered") return send();
    await delay(instance.pollIntervalMs ?? registrationPollMs, undefined, { signal });
  }
  return answer;
}

/** DELETEs and waits for the end; what is gone already is as good as deleted. */
export async function remove(target: Target): Promise<void> {
  const request = requestOf(target, "DELETE");
  const answer = await target.instance.client.send(request, target.signal);
  assertStatus(answer, request, [200, 202, 204, 404]);
  if (answer.status !== 202 && answer.headers["azure-asyncoperation"] === undefined) return;
  try {
    await poll(target, request, answer);
  } catch (error) {
    if (!(error instanceof ArmFailure && error.status === 404)) throw error;
  }
}

/** The path in ARM's body of a property that azure-native flattens out of `properties`, or not. */
const armPath = (path: string): string => (path.includes(".") ? path : `properties.${path}`);

/** Sub-resources that the program does not list: none at create, the present ones at update. */
function keepSubResources(
  token: string,
  body: Record<string, unknown>,
  present: Record<string, unknown> | undefined,
): void {
  for (const path of rulesOf(token).subResources ?? [])
    if (getAt(body, armPath(path)) === undefined)
      setAt(body, armPath(path), getAt(present, armPath(path)) ?? []);
}

/** Creates, after a look whether the resource is there. */
export async function create(
  target: Target,
  inputs: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { body } = toArmBody(target.definition, inputs);
  const isSingleton = rulesOf(target.token).singleton !== undefined;
  const found = isSingleton ? undefined : await lookBefore(target, body);
  keepSubResources(target.token, body, found);
  return put(target, body);
}

/** The resource that is there and one's own; undefined where there is none; rejects where it is another's. */
async function lookBefore(
  target: Target,
  body: Record<string, unknown>,
): Promise<Record<string, unknown> | undefined> {
  const answer = await ask(target, "GET");
  if (![200, 204, 404].includes(answer.status))
    throw new Error(
      `cannot check existence of resource '${target.id}': status code ${answer.status}, ${JSON.stringify(answer.body)}`,
    );
  const found = answer.status === 200 ? bodyObject(answer) : {};
  if (Object.keys(found).length === 0) return undefined;
  const principal = await target.instance.principal();
  const comparable = structuredClone(body);
  for (const path of rulesOf(target.token).unreturned ?? []) setAt(comparable, armPath(path), undefined);
  if (!isOwn(target.definition, comparable, found, principal))
    throw new Error(`cannot create already existing resource '${target.id}'`);
  target.status?.("taking over what an earlier request made");
  const state = provisioningState(found);
  if (state !== undefined) await settle(target, answer);
  return found;
}

/** Waits for an earlier write to end, well or not: the next write follows. */
async function settle(target: Target, answer: ArmAnswer): Promise<void> {
  try {
    await poll(target, requestOf(target, "PUT"), { ...answer, headers: {} });
  } catch (error) {
    if (!(error instanceof ArmFailure)) throw error;
  }
}

/** Writes the whole body anew; `outputs` are those of before. */
export async function update(
  target: Target,
  inputs: Record<string, unknown>,
  outputs: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { restored = {} } = rulesOf(target.token);
  const isRestored = (name: string) => inputs[name] === undefined && outputs[name] !== undefined;
  const added = Object.fromEntries(Object.entries(restored).filter(([name]) => isRestored(name)));
  const { body } = toArmBody(target.definition, { ...inputs, ...added });
  const isListed = (path: string) => getAt(body, armPath(path)) !== undefined;
  const { subResources = [] } = rulesOf(target.token);
  if (!subResources.every(isListed)) keepSubResources(target.token, body, await get(target));
  return put(target, body);
}

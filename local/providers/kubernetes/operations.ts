import { setTimeout as sleep } from "node:timers/promises";
import { randomBytes } from "node:crypto";
import { InitFailedError } from "../protocol/errors.ts";
import type * as p from "../protocol/provider.ts";
import { plain, type PropertyMap } from "../protocol/values.ts";
import { deleteAndWait, NotDeletedError } from "./await/deletion.ts";
import { awaiterOf, NotReadyError, readinessNow, timeoutSecondsOf, waitUntilReady } from "./await/wait.ts";
import { ApiError, isNotFound } from "./client.ts";
import type { Cluster } from "./cluster.ts";
import { NoSuchKindError } from "./discovery.ts";
import { normalizeInputs, prune } from "./inputs.ts";
import { fieldManagerFor } from "./names.ts";
import {
  annotation,
  apiVersionOf,
  gvkOf,
  gvkOfType,
  idOf,
  list,
  parseId,
  put,
  remove,
  text,
  type KubeObject,
} from "./object.ts";
import { checkpoint, parseCheckpoint, withSecrets } from "./state.ts";

/** One call on a reachable cluster. */
export interface Session {
  readonly cluster: Cluster;
  readonly context: p.CallContext;
}

/** Tries of a write whose namespace or kind is not there yet: something else is about to make it. */
const missingRetries = 5;

export async function createObject(session: Session, request: p.CreateRequest): Promise<p.CreateResult> {
  const { urn, preview } = request;
  const inputs = plain(request.properties);
  const fieldManager = fieldManagerFor(urn, inputs, "");
  const toState = (live: KubeObject) =>
    checkpoint({ inputs, live, apiVersion: text(inputs, "apiVersion"), fieldManager }, request.properties);
  if (preview) {
    const live = await previewCreate(session, inputs, fieldManager, urn);
    return { id: "", properties: live ? toState(live) : request.properties };
  }
  let applied: KubeObject;
  try {
    applied = await applyWhenPossible(session, inputs, fieldManager);
  } catch (error) {
    throw notCreated(urn, error, fieldManager);
  }
  const live = await becomeReady(session, applied, inputs, request.timeoutSeconds).catch((error: unknown) => {
    throw initFailed(
      error,
      `resource "${urn}" was successfully created, but the Kubernetes API server reported that it failed to fully initialize or become live`,
      { live: applied, toState, inputs: request.properties },
    );
  });
  return { id: idOf(live), properties: toState(live) };
}

/** What the server would make of it; nothing where it cannot say yet, as in a namespace still to be made. */
async function previewCreate(
  session: Session,
  inputs: KubeObject,
  fieldManager: string,
  urn: string,
): Promise<KubeObject | undefined> {
  try {
    const live = await apply(session, inputs, fieldManager, true);
    delete live["status"]; // The empty status of a dry run is not what the object will have.
    return live;
  } catch (error) {
    if (error instanceof NoSuchKindError || isNotFound(error)) return undefined;
    if (error instanceof ApiError && error.code === 403 && error.reason === "Forbidden") return undefined;
    if (isImmutableField(error)) {
      const live = await previewCreate(session, underOtherName(inputs), fieldManager, urn);
      // The official provider lets the stand-in name through, and what refers to it is shown as changed too.
      if (live) put(live, ["metadata", "name"], text(inputs, "metadata", "name"));
      return live;
    }
    throw notCreated(urn, error, fieldManager);
  }
}

/** A replacement cannot be tried under the name its predecessor still has. */
function underOtherName(inputs: KubeObject): KubeObject {
  const copy = structuredClone(inputs);
  put(
    copy,
    ["metadata", "name"],
    text(inputs, "metadata", "name") + randomBytes(3).toString("hex").slice(0, 5),
  );
  return copy;
}

function isImmutableField(error: unknown): boolean {
  return error instanceof ApiError && error.code === 422 && error.message.includes("field is immutable");
}

export async function updateObject(session: Session, request: p.UpdateRequest): Promise<p.UpdateResult> {
  const { urn, preview } = request;
  const old = parseCheckpoint(request.olds);
  const inputs = normalizeInputs(plain(request.news));
  const fieldManager = fieldManagerFor(urn, inputs, old.fieldManager);
  const apiVersion = old.apiVersion || text(inputs, "apiVersion");
  const toState = (live: KubeObject) => checkpoint({ inputs, live, apiVersion, fieldManager }, request.news);
  let applied: KubeObject;
  try {
    applied = await apply(session, inputs, fieldManager, preview);
  } catch (error) {
    const unsure = error instanceof NoSuchKindError || (error instanceof ApiError && error.code === 403);
    if (preview && unsure) return { properties: request.news };
    throw new Error(`update of resource "${urn}" failed: ${explain(error, fieldManager)}`, { cause: error });
  }
  if (preview) return { properties: toState(applied) };
  const live = await becomeReady(session, applied, inputs, request.timeoutSeconds).catch((error: unknown) => {
    throw initFailed(
      error,
      `the Kubernetes API server reported that "${idOf(applied)}" failed to fully initialize or become live`,
      { live: applied, toState, inputs: request.news },
    );
  });
  return { properties: toState(live) };
}

export async function readObject(
  { cluster, context }: Session,
  request: p.ReadRequest,
): Promise<p.ReadResult> {
  const old = parseCheckpoint(request.properties);
  const given = normalizeInputs(plain(request.inputs));
  const imported = Object.keys(given).length === 0;
  const gvk = gvkOf(text(given, "kind") ? given : text(old.live, "kind") ? old.live : kindOf(request.type));
  let live: KubeObject;
  try {
    live = await cluster.get({ ...gvk, ...parseId(request.id) }, context.signal);
  } catch (error) {
    if (isNotFound(error) || error instanceof NoSuchKindError) return { id: "", properties: {}, inputs: {} };
    throw error;
  }
  const inputs = imported ? importedInputs(live) : prune(live, given);
  const source = request.inputs;
  const apiVersion = old.apiVersion || apiVersionOf(gvk);
  const fieldManager = fieldManagerFor(request.urn, given, old.fieldManager);
  const properties = checkpoint({ inputs, live, apiVersion, fieldManager }, source);
  const result = { id: request.id, properties, inputs: withSecrets(inputs, source) };
  const awaiter = imported ? undefined : awaiterOf(given);
  if (!awaiter) return result;
  const readiness = await readinessNow(live, { cluster, awaiter, cancelled: context.signal });
  if (readiness.state === "ready") return result;
  const reasons = [readiness.message, ...(readiness.reasons ?? [])];
  throw new InitFailedError(readiness.message, { ...result, reasons });
}

function kindOf(type: string): KubeObject {
  const gvk = gvkOfType(type);
  return { apiVersion: apiVersionOf(gvk), kind: gvk.kind };
}

/** The inputs of an object met for the first time: all of it but what only the cluster writes. */
function importedInputs(live: KubeObject): KubeObject {
  const inputs = normalizeInputs(live);
  delete inputs["status"];
  remove(inputs, "metadata", "annotations", "deployment.kubernetes.io/revision");
  remove(inputs, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration");
  return inputs;
}

export async function deleteObject({ cluster, context }: Session, request: p.DeleteRequest): Promise<void> {
  const old = parseCheckpoint(request.properties);
  const gvk = gvkOf(text(old.live, "kind") ? old.live : kindOf(request.type));
  try {
    await deleteAndWait(
      { ...gvk, ...parseId(request.id) },
      {
        cluster,
        propagation: propagationOf(old.inputs),
        skipAwait: annotation(old.inputs, "pulumi.com/skipAwait") === "true",
        timeoutSeconds: timeoutSecondsOf(old.inputs, request.timeoutSeconds),
        cancelled: context.cancelled,
        status: onlyNews(context),
      },
    );
  } catch (error) {
    if (error instanceof NoSuchKindError) return; // Its definition went, and the objects with it.
    if (!(error instanceof NotDeletedError)) throw error;
    throw new InitFailedError(error.message, {
      id: request.id,
      properties: checkpoint({ ...old, live: error.live }, request.properties),
      inputs: request.oldInputs,
      reasons: [error.message],
    });
  }
}

function propagationOf(inputs: KubeObject): string {
  const chosen = annotation(inputs, "pulumi.com/deletionPropagationPolicy").toLowerCase();
  return { orphan: "Orphan", background: "Background" }[chosen] ?? "Foreground";
}

function apply(
  { cluster, context }: Session,
  object: KubeObject,
  fieldManager: string,
  dryRun: boolean,
): Promise<KubeObject> {
  return cluster.apply(object, {
    fieldManager,
    force:
      annotation(object, "pulumi.com/patchForce") === "true" ||
      process.env["PULUMI_K8S_ENABLE_PATCH_FORCE"] === "true",
    dryRun,
    signal: context.cancelled,
    onWarning: (message) => context.log("warning", message),
  });
}

async function applyWhenPossible(
  session: Session,
  inputs: KubeObject,
  fieldManager: string,
): Promise<KubeObject> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await apply(session, inputs, fieldManager, false);
    } catch (error) {
      const missing = isNotFound(error) || error instanceof NoSuchKindError;
      if (!missing || attempt >= missingRetries) throw error;
      session.context.status(`Retry #${attempt + 1}; creation failed: ${explain(error, fieldManager)}`);
      await sleep(500 * 2 ** attempt, undefined, { signal: session.context.cancelled });
    }
  }
}

async function becomeReady(
  { cluster, context }: Session,
  applied: KubeObject,
  inputs: KubeObject,
  requestedSeconds: number,
): Promise<KubeObject> {
  const awaiter = awaiterOf(inputs);
  if (!awaiter) return applied;
  return waitUntilReady(applied, {
    cluster,
    awaiter,
    timeoutSeconds: timeoutSecondsOf(inputs, requestedSeconds),
    cancelled: context.cancelled,
    status: onlyNews(context),
  });
}

/** Passes a message on when it differs from the one before: watches bring many events with the same meaning. */
function onlyNews(context: p.CallContext): (message: string) => void {
  let last = "";
  return (message) => {
    if (message !== last) context.status(message);
    last = message;
  };
}

function notCreated(urn: string, error: unknown, fieldManager: string): Error {
  return new Error(
    `resource "${urn}" was not successfully created by the Kubernetes API server: ${explain(error, fieldManager)}`,
    { cause: error },
  );
}

const conflictHelp =
  "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources";

function explain(error: unknown, fieldManager: string): string {
  if (error instanceof ApiError && error.code === 409 && list(error.details, "causes").length > 0) {
    return (
      `server-side apply field conflict detected, see ${conflictHelp} for troubleshooting help\n` +
      `The resource managed by field manager "${fieldManager}" had an apply conflict: ${error.message}`
    );
  }
  return error instanceof Error ? error.message : String(error);
}

function initFailed(
  error: unknown,
  what: string,
  state: { live: KubeObject; toState: (live: KubeObject) => PropertyMap; inputs: PropertyMap },
): InitFailedError {
  const live = error instanceof NotReadyError ? error.live : state.live;
  const cause = error instanceof Error ? error.message : String(error);
  const message = `${what}: ${cause}`;
  const reasons = error instanceof NotReadyError ? error.reasons : [];
  return new InitFailedError(message, {
    id: idOf(live),
    properties: state.toState(live),
    inputs: state.inputs,
    reasons: [message, ...reasons],
  });
}

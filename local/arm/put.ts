/** PUT and PATCH: check, store, answer, and let the operation go on in the background. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "./cloud.ts";
import { ArmError, badRequest, conflict, resourceNotFound } from "./errors.ts";
import type { ArmAnswer, ArmRequest } from "./http.ts";
import { isRecord, merge, queryValue, stringAt, valueAt, without } from "./http.ts";
import { identityOutputs } from "./identity/managed.ts";
import { locationKey, requireLocation } from "./locations.ts";
import { idKey } from "./path.ts";
import { changeAsPlanned } from "./plans/apply.ts";
import { finishPut, operationHeaders, queueKey } from "./provisioning.ts";
import { quotedEtag, represent, topLevel } from "./represent.ts";
import type { StoredResource } from "./store.ts";
import type { Target } from "./target.ts";
import { busy, findResource, requireParents, requireUnlocked } from "./target.ts";
import type { PutContext, TypeBehaviour } from "./types/behaviour.ts";
import { requireBehaviourOf } from "./types/index.ts";
import {
  isSameValue,
  requireApiVersion,
  requireBody,
  requireKnownVersion,
  requireName,
} from "./validation.ts";

const settled = new Set(["Succeeded", "Failed", "Canceled"]);

/** True while an operation works on the resource. */
export const isBusy = (resource: StoredResource): boolean => !settled.has(resource.state);

export async function putResource(cloud: Cloud, request: ArmRequest, target: Target): Promise<ArmAnswer> {
  const apiVersion = requireApiVersion(queryValue(request.query, "api-version"));
  await requireParents(cloud, target);
  const previous = await findResource(cloud, target);
  requirePreconditions(request, previous);
  if (previous === undefined) requireName(target.behaviour, target.name);
  const current = previous === undefined ? undefined : represent(cloud, previous);
  const body = withoutNulls(requireBody(target.behaviour.type, request.body, current, false));
  return change(cloud, request, target, apiVersion, previous, body);
}

/** Merges into what is there; `tags` are replaced whole and `null` removes a member. */
export async function patchResource(cloud: Cloud, request: ArmRequest, target: Target): Promise<ArmAnswer> {
  const apiVersion = requireApiVersion(queryValue(request.query, "api-version"));
  const previous = await findResource(cloud, target);
  if (previous === undefined)
    throw resourceNotFound(target.behaviour.type, target.name, target.resourceGroup);
  requirePreconditions(request, previous);
  const patch = requireBody(target.behaviour.type, request.body, represent(cloud, previous), true);
  const { tags, ...rest } = patch;
  const merged = merge(structuredClone(previous.body), rest);
  if (isRecord(tags)) merged["tags"] = tags;
  if (previous.location !== undefined) merged["location"] ??= previous.location;
  return change(cloud, request, target, apiVersion, previous, withoutNulls(merged));
}

async function change(
  cloud: Cloud,
  request: ArmRequest,
  target: Target,
  apiVersion: string,
  previous: StoredResource | undefined,
  body: Record<string, unknown>,
): Promise<ArmAnswer> {
  const { behaviour } = target;
  requireKnownVersion(behaviour.type, apiVersion, stringAt(body, "location") ?? "global");
  requireUnlocked(cloud, target.id, "write");
  if (previous !== undefined && isBusy(previous)) throw busy(behaviour, previous);
  const context = draft(cloud, request, target, apiVersion, previous, body);
  requireUnchanged(behaviour, context);
  behaviour.check?.(context);
  const { resource } = context;
  const identity = identityOutputs(context);
  const outputs = merge(resource.outputs, behaviour.outputs?.(context) ?? {});
  resource.outputs = identity === undefined ? outputs : { ...outputs, identity };
  resource.body = merge(resource.body, resource.outputs);
  return accept(context, request.origin);
}

/** The resource as it will be stored: the client's body over the type's defaults, under a new etag. */
function draft(
  cloud: Cloud,
  request: ArmRequest,
  target: Target,
  apiVersion: string,
  previous: StoredResource | undefined,
  body: Record<string, unknown>,
): PutContext {
  const rest = without(body, "id", "name", "type", "location", "etag", "systemData");
  const now = new Date().toISOString();
  const place = draftLocation(target, body["location"], previous);
  const outputs = without(previous?.outputs ?? {}, "identity");
  const resource: StoredResource = {
    id: previous?.id ?? target.id,
    type: target.behaviour.type,
    name: previous?.name ?? target.name,
    subscriptionId: target.subscriptionId,
    resourceGroup: target.resourceGroup,
    apiVersion,
    ...(place === undefined ? {} : { location: place }),
    body: rest,
    outputs,
    etag: randomUUID(),
    state: "Succeeded",
    createdAt: previous?.createdAt ?? now,
    changedAt: now,
    createdBy: previous?.createdBy ?? request.caller.objectId,
    changedBy: request.caller.objectId,
  };
  keepCreateOnly(target.behaviour, resource, previous);
  const defaults = target.behaviour.defaults?.(resource, cloud) ?? {};
  resource.body = merge(merge(defaults, resource.body), outputs);
  return { cloud, caller: request.caller, resource, previous };
}

function draftLocation(
  target: Target,
  given: unknown,
  previous: StoredResource | undefined,
): string | undefined {
  const { behaviour } = target;
  if (!topLevel(behaviour.type).has("location")) return undefined;
  if (typeof given !== "string") return previous?.location ?? (behaviour.isGlobal ? "global" : undefined);
  const location = requireLocation(given, behaviour.type, behaviour.isGlobal ?? false);
  if (previous?.location !== undefined && locationKey(previous.location) !== location) {
    throw conflict(
      "InvalidResourceLocation",
      `The resource '${previous.name}' already exists in location '${previous.location}' in resource group '${target.resourceGroup}'. A resource with the same name cannot be created in location '${location}'. Please select a new resource name.`,
    );
  }
  return location;
}

/** What is only ever set at creation stays when a later PUT leaves it out. */
function keepCreateOnly(
  behaviour: TypeBehaviour,
  resource: StoredResource,
  previous: StoredResource | undefined,
): void {
  for (const { path } of previous === undefined ? [] : (behaviour.createOnly ?? [])) {
    const before = valueAt(previous?.body, path);
    // An empty text is how the SDK leaves a choice to Azure.
    if (before === undefined || ![undefined, ""].includes(valueAt(resource.body, path) as string)) continue;
    const nested = path.split(".").reduceRight<unknown>((value, name) => ({ [name]: value }), before);
    resource.body = merge(resource.body, nested as Record<string, unknown>);
  }
}

function requireUnchanged(behaviour: TypeBehaviour, { resource, previous }: PutContext): void {
  if (previous === undefined) return;
  for (const { path, code } of behaviour.createOnly ?? []) {
    const before = valueAt(previous.body, path);
    const after = valueAt(resource.body, path);
    if (isSameValue(before, after) || isSameId(before, after)) continue;
    throw badRequest(
      code ?? "PropertyChangeNotAllowed",
      `Changing property '${path}' is not allowed: it is set when '${resource.name}' is created.`,
      path,
    );
  }
}

/** Ids are compared without case. */
const isSameId = (a: unknown, b: unknown): boolean =>
  typeof a === "string" && typeof b === "string" && a.startsWith("/") && idKey(a) === idKey(b);

function requirePreconditions(request: ArmRequest, previous: StoredResource | undefined): void {
  const match = request.headers["if-match"];
  const noneMatch = request.headers["if-none-match"];
  const isEtag = (given: string): boolean =>
    given === "*" ? previous !== undefined : previous !== undefined && given.includes(previous.etag);
  if ((match === undefined || isEtag(match)) && (noneMatch === undefined || !isEtag(noneMatch))) return;
  throw new ArmError(
    412,
    "PreconditionFailed",
    `The condition '${match === undefined ? "If-None-Match" : "If-Match"}' set in the HTTP request header(s) was not met.`,
  );
}

function withoutNulls(value: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(
    entries.map(([name, member]) => [name, isRecord(member) ? withoutNulls(member) : member]),
  );
}

async function accept(context: PutContext, origin: string): Promise<ArmAnswer> {
  const { cloud, resource, previous } = context;
  const behaviour = requireBehaviourOf(resource);
  const kind = previous === undefined || cloud.store.get(resource.id) === undefined ? "create" : "update";
  const style = behaviour.put;
  const status = kind === "create" ? style.created : style.updated;
  const outcome = { change: kind, resourceId: resource.id } as const;
  if (style.operation === undefined) {
    const { type, id: resourceId } = resource;
    return changeAsPlanned(cloud, { kind, type, resourceId }, async () => {
      cloud.store.put(resource);
      behaviour.stored?.(context);
      await finishPut(cloud, resource.id);
      const body = represent(cloud, cloud.store.get(resource.id) ?? resource);
      return { status, headers: etagHeader(resource), body, outcome };
    });
  }
  const states = behaviour.busyStates ?? { creating: "Creating", updating: "Updating" };
  const record = cloud.operations.record({ kind, resourceId: resource.id, type: resource.type });
  resource.state = kind === "create" ? states.creating : states.updating;
  resource.operationId = record.id;
  cloud.store.put(resource);
  behaviour.stored?.(context);
  const answered = represent(cloud, resource);
  void cloud.operations.run(record, queueKey(resource), () => finishPut(cloud, resource.id));
  const headers =
    style.operation === "body" ? {} : operationHeaders(origin, resource, record, style.operation);
  const started = {
    operation: `Upsert${resource.type.split("/").at(-1) ?? ""}`,
    startTime: record.startedAt,
  };
  return {
    status,
    headers,
    body: status === 202 ? started : answered,
    outcome: { ...outcome, operationId: record.id },
  };
}

const etagHeader = (resource: StoredResource): Record<string, string> =>
  topLevel(resource.type).has("etag") ? { etag: quotedEtag(resource) } : {};
